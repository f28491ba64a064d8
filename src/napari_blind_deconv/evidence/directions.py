"""The directions of frequencies, along which textures have more power than across."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from torch import Tensor


def directions_of(axes: Sequence[Tensor]) -> Tensor:
    """Unit vectors of a grid of frequencies, one vector of them per axis, ``(*grid, ndim)``."""
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
    return grid / grid.norm(dim=-1, keepdim=True).clamp(min=1e-12)


def grains_of(axes: Sequence[Tensor]) -> Tensor:
    """Products of two entries of the direction n of each frequency of a grid, ``(ndim (ndim + 1) / 2, *grid)``.

    A spectrum may vary along the direction by ``exp(nᵀ G n)``, for fur, fibres, filaments, at all frequencies alike,
    unlike a kernel's nulls and roll-off: the lower triangle of G is what multiplies these.
    """
    rows, columns = torch.tril_indices(len(axes), len(axes)).tolist()
    parts = directions_of(axes).unbind(-1)
    return torch.stack([parts[r] * parts[c] for r, c in zip(rows, columns, strict=True)])
