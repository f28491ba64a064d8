"""Kernels at the kept frequencies, and spectra between their nodes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def waves_of(taps: int, places: Tensor, dtype: torch.dtype) -> Tensor:
    """The waves of some frequencies (cycles per sample) at a kernel's taps along one axis, ``(taps, frequencies)``."""
    phase = -2 * math.pi * (torch.arange(taps, device=places.device) - taps // 2)[:, None] * places
    phase = phase.to(torch.promote_types(dtype, places.dtype))
    return torch.polar(torch.ones_like(phase), phase)


def transformed(kernel: Tensor, waves: Sequence[Tensor]) -> Tensor:
    """K at the kept frequencies, ``(..., *kept)``, by one small transform per axis."""
    values = kernel.to(waves[-1].dtype)
    for axis, wave in zip(range(-1, -len(waves) - 1, -1), reversed(waves), strict=True):
        values = (values.movedim(axis, -1) @ wave).movedim(-1, axis)
    return values


def between_bands(nodes: Tensor, band: Tensor, fraction: Tensor) -> Tensor:
    """Values between their nodes, ``(..., frequencies)``."""
    rise = (nodes[..., 1:] - nodes[..., :-1]).index_select(-1, band)
    return nodes.index_select(-1, band) + rise * fraction


def to_bands(values: Tensor, band: Tensor, fraction: Tensor, bands: int) -> Tensor:
    """The adjoint of `between_bands`."""
    upper = values * fraction
    out = values.new_zeros((*values.shape[:-1], bands))
    return out.index_add(-1, band, values - upper).index_add(-1, band + 1, upper)
