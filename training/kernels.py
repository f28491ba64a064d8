"""Kernels to learn from: draws of all rungs of the ladder, and convolutions of two of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_blind_deconv.fourier import centred, extract, irfftn, transfer
from napari_blind_deconv.kernel_priors import Gaussian, InVoxels, Motion
from napari_blind_deconv.settings import KERNEL_PRIORS

# No draws of their own: given, chosen among the others, learnt from them.
_WITHOUT_DRAWS = ("known", "auto", "learned")
# A rung's share among the draws, 1 where nothing is said. Noise-like taps are what the prior is to tell from kernels;
# optics overlap with one another and take long to compute.
_SHARES: Mapping[str, float] = MappingProxyType({"uniform": 0.05, "sparse": 0.25, "motion": 2.0, "microscope": 0.3})
# Share of pairs of rungs, convolved: shaken and out of focus.
_COMPOSED = 0.2
_SIZES = (7, 11, 15, 21, 27, 33, 39)
# Canvases are up to this much wider than the support of a draw, and one in twenty has a single row.
_LARGEST = 41
_ROWS = 0.05


@dataclass(frozen=True)
class KernelDraws:
    """Kernels of unit Euclidean norm on supports of random size, near the centre but at no particular phase.

    Attributes
    ----------
    arrays
        Per size of support, a stack of draws ``(draws, size, size)``.
    """

    arrays: Mapping[str, Tensor]

    @classmethod
    def drawn(cls, seed: int, draws: int, *, held_out: bool) -> Self:
        """About ``draws`` draws of each rung, spread over the sizes."""
        stacks = {}
        for place, size in enumerate(_SIZES):
            generator = torch.Generator().manual_seed((2 * seed + held_out) * len(_SIZES) + place)
            stacks[str(size)] = torch.stack(_draws((size, size), draws / len(_SIZES), generator))
        return cls(stacks)

    @classmethod
    def description(cls) -> str:
        """The rungs."""
        return f"draws of the kernel priors {', '.join(rungs())} and convolutions of two of them (synthetic)"

    def batch(self, count: int, generator: torch.Generator) -> Tensor:
        """Draws, turned, mirrored and moved by parts of a pixel, on one canvas of random odd shape."""
        shape = [2 * int(torch.randint(3, _LARGEST // 2 + 1, (1,), generator=generator)) + 1 for _ in range(2)]
        fitting = [n for n in _SIZES if n <= min(shape)]
        nearest = fitting[-3:]
        items = []
        for place in torch.randint(len(nearest), (count,), generator=generator).tolist():
            stack = self.arrays[str(nearest[place])]
            items.append(_on_canvas(stack[int(torch.randint(len(stack), (1,), generator=generator))], shape))
        kernels = _moved(torch.stack(items), generator)
        if float(torch.rand(1, generator=generator)) < _ROWS:
            kernels = kernels.sum(-2, keepdim=True)
        elif shape[0] == shape[1] and float(torch.rand(1, generator=generator)) < 0.5:
            kernels = kernels.mT
        return kernels / kernels.flatten(1).norm(dim=1)[:, None, None]


def rungs() -> list[str]:
    """Kinds of the kernel priors that kernels are drawn from."""
    return [kind for kind in KERNEL_PRIORS if kind not in _WITHOUT_DRAWS]


def drawn_from(kind: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """A draw of a rung, some of its fields drawn as well where one value of them would be too narrow a family."""

    def between(low: float, high: float) -> float:
        return low * (high / low) ** float(torch.rand(1, generator=generator))

    if kind == "motion":
        motion = Motion(points=16, turn_rad=between(0.2, 6.0), width_px=between(0.3, 1.2))
        return unevened(motion.sample(shape, generator), 0.6 * float(torch.rand(1, generator=generator)), generator)
    if kind == "gaussian":
        return Gaussian(sigma_px=between(0.4, max(shape) / 8 + 0.5)).sample(shape, generator)
    prior: Any = KERNEL_PRIORS[kind]()
    if isinstance(prior, InVoxels):
        prior = prior.in_voxels((between(0.04, 0.2),) * len(shape))
    return prior.sample(shape, generator)


def unevened(kernel: Tensor, spread: float, generator: torch.Generator) -> Tensor:
    """A kernel times a smooth random field, log-normal of that spread: nobody's hand moves at constant speed."""
    coarse = torch.randn((1, 1, 5, 5), generator=generator)
    field = F.interpolate(coarse, size=tuple(kernel.shape), mode="bicubic", align_corners=True)[0, 0]
    uneven = kernel * (spread * field).exp()
    return uneven / uneven.sum()


def convolved(first: Tensor, second: Tensor) -> Tensor:
    """Two kernels of one shape one after the other, on that shape, unit sum."""
    canvas = [2 * n for n in first.shape]
    product = irfftn(transfer(first, canvas) * transfer(second, canvas), canvas)
    return centred(extract(product, first.shape).clamp(min=0))


def _draws(shape: tuple[int, ...], per_rung: float, generator: torch.Generator) -> list[Tensor]:
    """Centred draws of all rungs by their shares, and of pairs."""
    kinds = rungs()
    shares = torch.tensor([_SHARES.get(kind, 1.0) for kind in kinds])
    found = [
        centred(drawn_from(kind, shape, generator).float())
        for kind, share in zip(kinds, shares.tolist(), strict=True)
        for _ in range(math.ceil(share * per_rung))
    ]
    inner = tuple(n // 4 * 2 + 1 for n in shape)
    for _ in range(math.ceil(_COMPOSED * len(found))):
        pair = torch.multinomial(shares, 2, replacement=True, generator=generator).tolist()
        parts = [_on_canvas(drawn_from(kinds[i], inner, generator).float(), shape) for i in pair]
        found.append(convolved(*parts))
    return found


def _on_canvas(kernel: Tensor, shape: Sequence[int]) -> Tensor:
    """A kernel amid zeros."""
    sides = [(n - k) // 2 for n, k in zip(shape, kernel.shape, strict=True)]
    return F.pad(kernel, [s for side in reversed(sides) for s in (side, side)])


def _moved(kernels: Tensor, generator: torch.Generator) -> Tensor:
    """Kernels moved by up to half a pixel along each axis (every other one: not at all), some of them mirrored.

    By linear interpolation, which keeps them kernels.
    """
    count, *space = kernels.shape
    shift = torch.rand(count, 2, generator=generator) - 0.5
    shift = shift * (torch.rand(count, 1, generator=generator) < 0.5)
    sign = torch.randint(2, (count, 2), generator=generator) * 2.0 - 1
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = sign[:, 1], sign[:, 0]
    theta[:, 0, 2], theta[:, 1, 2] = 2 * shift[:, 1] / space[1], 2 * shift[:, 0] / space[0]
    grid = F.affine_grid(theta, [count, 1, *space], align_corners=False)
    return F.grid_sample(kernels[:, None], grid, align_corners=False)[:, 0]
