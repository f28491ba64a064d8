"""Equation (1) of `closed_form` and its slopes in one piece: every fit evaluates it tens to thousands of times.

Written out by hand, the value and the slopes take a third of the passes over memory that automatic differentiation
takes, and nothing but V and P / V is kept in between.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Periodogram ordinates within a Hann window's main lobe are correlated: 1 + 2 (4/9 + 1/36) of them carry one, per axis.
ORDINATES_PER_INDEPENDENT = 1.944
# Power spectrum of the Hann window: its own bin, and one to either side.
_OWN, _NEXT = 2 / 3, 1 / 6


class Whittle(torch.autograd.Function):
    """P / V + log V, mean over the kept frequencies, V = M ⊛ |W|² + N; differentiable in M and N.

    Sums are taken in double precision where the device has it: nats are small beside what they are differences of.
    """

    @staticmethod
    def forward(ctx: Any, model: Tensor, noise: Tensor, periodogram: Tensor, weights: Tensor) -> Tensor:
        """One value for every leading axis of M, ``(..., *kept)``; N, P and weights are ``(*kept)``."""
        expected = smeared(model, weights.ndim).add_(noise)
        ratio = periodogram / expected
        ctx.save_for_backward(expected, ratio, weights)
        values = (ratio + expected.log()).mul_(weights)
        return values.flatten(-weights.ndim).sum(-1, dtype=sums_in(values))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        """Slopes by M and by N."""
        expected, ratio, weights = ctx.saved_tensors
        slopes = (1 - ratio).div_(expected).mul_(weights)
        slopes.mul_(slope.to(slopes).reshape(*slope.shape, *[1] * weights.ndim))
        by_noise = slopes.flatten(0, -weights.ndim - 1).sum(0) if slopes.ndim > weights.ndim else slopes
        by_model = smeared(slopes, weights.ndim, adjoint=True) if ctx.needs_input_grad[0] else None
        return by_model, by_noise if ctx.needs_input_grad[1] else None, None, None


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
