"""Equation (1) of `closed_form` and its slopes in one piece: every fit evaluates it tens to thousands of times.

Written out by hand, the value and the slopes take a third of the passes over memory that automatic differentiation
takes, and nothing but V and P / V is kept in between.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from napari_blind_deconv.evidence.smearing import smeared, sums_in


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
