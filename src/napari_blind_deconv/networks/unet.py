"""A small residual U-Net without biases, in one, two or three dimensions."""

import itertools
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le, Len
from torch import Tensor, nn

from napari_blind_deconv._types import component

_CONVOLUTION = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


@component
class UNetShape:
    """What decides the parameters of a `UNet`, as it stands in a model card."""

    ndim: Annotated[int, Ge(1), Le(3)] = 2
    """Number of spatial axes."""
    widths: Annotated[tuple[Annotated[int, Gt(0), Le(4096)], ...], Len(1, 10)] = (16, 32, 64)
    """Channels at full, half, quarter … resolution."""
    blocks: Annotated[int, Gt(0), Le(64)] = 1
    """Residual blocks per resolution, on the way down and on the way up."""
    surround: Literal["zero", "replicate"] = "zero"
    """What lies around the array: nothing, and that for certain, or its border values."""


class Residual(nn.Module):
    """``x + C₂ max(C₁ x, 0)``."""

    def __init__(self, width: int, ndim: int) -> None:
        super().__init__()
        convolution = _CONVOLUTION[ndim]
        self.first = convolution(width, width, 3, padding=1, bias=False)
        self.second = convolution(width, width, 3, padding=1, bias=False)

    def forward(self, values: Tensor) -> Tensor:
        """The block's output, of the input's shape."""
        return values + self.second(F.relu(self.first(values)))


class UNet(nn.Module):
    """Residual blocks at falling and rising resolution, with added skips, after DRUNet.

    Convolutions without biases and rectifiers only, so that the network is homogeneous: ``net(a x) = a net(x)`` for
    a > 0 (Mohan et al. 2020, arXiv:1906.05478; Zhang et al. 2021, arXiv:2008.13751). The last convolution starts at
    zero.
    """

    def __init__(self, shape: UNetShape, channels: int) -> None:
        super().__init__()
        convolution, transposed = _CONVOLUTION[shape.ndim], _TRANSPOSED[shape.ndim]
        widths, self.shape = shape.widths, shape

        def blocks(width: int) -> nn.Sequential:
            return nn.Sequential(*[Residual(width, shape.ndim) for _ in range(shape.blocks)])

        self.head = convolution(channels, widths[0], 3, padding=1, bias=False)
        self.falling = nn.ModuleList(blocks(w) for w in widths)
        self.halving = nn.ModuleList(convolution(a, b, 2, stride=2, bias=False) for a, b in _pairs(widths))
        self.doubling = nn.ModuleList(transposed(b, a, 2, stride=2, bias=False) for a, b in _pairs(widths))
        self.rising = nn.ModuleList(blocks(w) for w in widths[:-1])
        self.tail = convolution(widths[0], 1, 3, padding=1, bias=False)
        nn.init.zeros_(self.tail.weight)
        if shape.ndim == 2:  # the layout that convolutions of planes run fastest in
            for parameter in self.parameters():
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)

    def forward(self, values: Tensor) -> Tensor:
        """Map ``(batch, channels, *space)`` to ``(batch, 1, *space)``; any size."""
        space = values.shape[2:]
        multiple = 2 ** len(self.halving)
        beyond = [side for n in reversed(space) for side in (0, -n % multiple)]
        if self.shape.surround == "zero":
            values = F.pad(values, beyond)
        elif any(beyond):
            values = F.pad(values, beyond, mode="replicate")
        values = self.head(values)
        kept: list[Tensor] = []
        for level, halve in zip(self.falling, self.halving, strict=False):
            kept.append(level(values))
            values = halve(kept[-1])
        values = self.falling[-1](values)
        for level, double, skip in zip(self.rising[::-1], self.doubling[::-1], kept[::-1], strict=True):
            values = level(double(values) + skip)
        return self.tail(values)[(..., *(slice(0, n) for n in space))]


def _pairs(widths: tuple[int, ...]) -> list[tuple[int, int]]:
    return list(itertools.pairwise(widths))


def parameter_count(network: nn.Module) -> int:
    """Number of trained figures.

    Examples
    --------
    >>> parameter_count(UNet(UNetShape(widths=(4,)), channels=2))
    396
    """
    return sum(p.numel() for p in network.parameters())
