"""The spectrum that a blurred image should have, |K|² S, and its slopes in one piece.

As in `whittle`, the slopes are written out by hand: they share what the value needs, and take few passes over memory.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from napari_blind_deconv.evidence.bands import between_bands, to_bands, transformed


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
