"""The evidence of many observations, one after the other."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from napari_blind_deconv.evidence import NaturalSpectrum


class Apart(torch.autograd.Function):
    """-log p of one observation; its slopes are found at once, so that no more than one has intermediates in memory."""

    @staticmethod
    def forward(ctx: Any, spectrum: NaturalSpectrum, kernel: Tensor, *parameters: Tensor) -> Tensor:
        """Nats, a scalar."""
        inputs = [tensor.detach().requires_grad_(True) for tensor in (kernel, *parameters)]
        with torch.enable_grad():
            value = spectrum.nats(*inputs)
            slopes = torch.autograd.grad(value, inputs, allow_unused=True)
        ctx.slopes = [torch.zeros_like(t) if s is None else s for s, t in zip(slopes, inputs, strict=True)]
        return value.detach()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        """Slopes by the kernel and by the spectrum's parameters."""
        return None, *(slope.to(found) * found for found in ctx.slopes)
