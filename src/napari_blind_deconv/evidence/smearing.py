"""What the window does to a spectrum: every frequency takes from its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from torch import Tensor

# Periodogram ordinates within a Hann window's main lobe are correlated: 1 + 2 (4/9 + 1/36) of them carry one, per axis.
ORDINATES_PER_INDEPENDENT = 1.944
# Power spectrum of the Hann window: its own bin, and one to either side.
_OWN, _NEXT = 2 / 3, 1 / 6


def sums_in(values: Tensor) -> torch.dtype:
    """The type that sums over frequencies are taken in."""
    return values.dtype if values.device.type == "mps" else torch.float64


def smeared(values: Tensor, ndim: int, *, adjoint: bool = False) -> Tensor:
    """Convolution by |W|² over the last axes, or its adjoint; conjugate symmetry closes the last axis at 0.

    At the other ends the outermost values are repeated.
    """
    for axis in range(-ndim, -1):
        values = _three_taps(values, axis)
    if values.shape[-1] == 1:
        return values.clone()
    out = values * _OWN
    out[..., 1:].add_(values[..., :-1], alpha=_NEXT)
    out[..., :-1].add_(values[..., 1:], alpha=_NEXT)
    out[..., -1].add_(values[..., -1], alpha=_NEXT)
    into, of = (1, 0) if adjoint else (0, 1)
    out[..., into].add_(values[..., of].flip(tuple(range(1 - ndim, 0))), alpha=_NEXT)
    return out


def _three_taps(values: Tensor, axis: int) -> Tensor:
    n = values.shape[axis]
    out = values * _OWN
    out.narrow(axis, 1, n - 1).add_(values.narrow(axis, 0, n - 1), alpha=_NEXT)
    out.narrow(axis, 0, n - 1).add_(values.narrow(axis, 1, n - 1), alpha=_NEXT)
    for end in (0, n - 1):
        out.narrow(axis, end, 1).add_(values.narrow(axis, end, 1), alpha=_NEXT)
    return out
