"""The spectrum that a blurred image should have, |K|² S, and its slopes in one piece.

As in `whittle`, the slopes are written out by hand: they share what the value needs, and take few passes over memory.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Modelled(torch.autograd.Function):
    """|K|² S exp(c · features + offset) at the kept frequencies, differentiable in k, S at its nodes and c."""

    @staticmethod
    def forward(
        ctx: Any,
        kernel: Tensor,
        nodes: Tensor,
        coefficients: Tensor,
        features: Tensor,
        offset: Tensor,
        band: Tensor,
        fraction: Tensor,
        *waves: Tensor,
    ) -> Tensor:
        """``(..., *kept)``; ``kernel`` may have leading axes.

        Parameters
        ----------
        ctx
            What autograd keeps.
        kernel
            ``(..., *kernel_shape)``.
        nodes
            S at its nodes, ``(bands,)``.
        coefficients, features, offset
            The logarithm of what is not radial, ``(n,)``, ``(n, *kept)`` and ``(*kept)``.
        band, fraction
            Place of each frequency between the nodes, flat.
        waves
            Transform of the kernel along each axis, ``(taps, kept)``, complex.
        """
        values = transformed(kernel, waves)
        shape = torch.tensordot(coefficients, features, 1).add_(offset).exp_()
        between = between_bands(nodes, band, fraction).reshape(shape.shape)
        power = values.real.square().add_(values.imag.square())
        ctx.save_for_backward(values, power, shape, between, features, band, fraction, *waves)
        ctx.bands = len(nodes)
        return power * (shape * between)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        """Slopes by the kernel, by S at its nodes and by c."""
        values, power, shape, between, features, band, fraction, *waves = ctx.saved_tensors
        kept = features.shape[1:]
        by_kernel = by_nodes = by_coefficients = None
        if ctx.needs_input_grad[0]:
            pulled = values * (2 * slope * (shape * between))
            for axis, wave in zip(range(-len(waves), 0), waves, strict=True):
                pulled = (pulled.movedim(axis, -1) @ wave.conj().T).movedim(-1, axis)
            by_kernel = pulled.real
        by_shape = (slope * power).reshape(-1, *kept).sum(0).mul_(shape)
        if ctx.needs_input_grad[1]:
            by_nodes = to_bands(by_shape.flatten(), band, fraction, ctx.bands)
        if ctx.needs_input_grad[2]:
            by_coefficients = features.flatten(1) @ by_shape.mul_(between).flatten()
        return by_kernel, by_nodes, by_coefficients, None, None, None, None, *[None for _ in waves]


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
