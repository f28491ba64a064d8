"""The checks of a result that is restored block by block: sums over the blocks, and the worst of what is local."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.forward import DataTerm
from napari_blind_deconv.fourier import trailing
from napari_blind_deconv.restoration.blockwise import Block
from napari_blind_deconv.tiling import Cut, Slices
from napari_blind_deconv.trust import Check
from napari_blind_deconv.trust.residual import (
    judged_compressed,
    local_whiteness,
    periodogram_of,
    seen,
    size,
    whitened,
    whiteness_of,
)

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ResidualPart:
    """What the residual of a block adds to the sums.

    Attributes
    ----------
    weight, first, second
        Of its pixels: weights, and weighed sums of the residual and of its square.
    local
        Its local whiteness.
    power, parts
        Its periodogram, and of how many frames it is the sum.
    """

    weight: float
    first: float
    second: float
    local: Check
    power: Tensor
    parts: int


@dataclass
class ResidualSums:
    """What the residuals of all blocks add up to.

    Attributes
    ----------
    cut
        How the space is cut.
    batch
        Frames in all.
    kernel_shape
        The kernel's.
    """

    cut: Cut
    batch: int
    kernel_shape: tuple[int, ...]
    weight: float = 0.0
    first: float = 0.0
    second: float = 0.0
    power: Tensor | None = None
    parts: int = 0
    local: Check | None = None
    common: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Find the shape that every block has a part of, away from the border."""
        inner = [self._inner(tile.kept) for tile in self.cut.tiles]
        self.common = tuple(min(part[axis].stop - part[axis].start for part in inner) for axis in range(len(inner[0])))

    def _inner(self, kept: Slices) -> Slices:
        inside = seen(self.cut.space, self.kernel_shape)
        both = [slice(max(k.start, i.start), min(k.stop, i.stop)) for k, i in zip(kept, inside, strict=True)]
        return tuple(k if b.stop - b.start < 2 else b for k, b in zip(kept, both, strict=True))

    def of_block(self, block: Block, data: DataTerm, scene: Tensor) -> tuple[Tensor, ResidualPart]:
        """The residual of a block's ``kept``, NaN as of `trust.standardised_residual`, and what it adds to the sums."""
        missed = (data.observed - data.blur(scene)) / data.sigma
        known = torch.ones_like(missed, dtype=torch.bool) if data.weights is None else data.weights > 0
        inside = torch.zeros_like(known)
        border = seen(self.cut.space, self.kernel_shape)
        places = zip(border, block.tile.seen, strict=True)
        inside[trailing(slice(max(b.start - s.start, 0), max(b.stop - s.start, 0)) for b, s in places)] = True
        within = trailing(block.tile.within)
        out = torch.where(known & inside, missed, torch.nan)[within]
        white = whitened(torch.where(known & inside, missed, 0.0), data)[within]
        return out, ResidualPart(*self._moments(block, out), *self._whiteness(block, white, out))

    def _moments(self, block: Block, residual: Tensor) -> tuple[float, float, float]:
        share = torch.from_numpy(self.cut.weights(block.tile)).to(residual).expand(residual.shape)
        good = ~residual.isnan()
        values, weights = residual[good].double(), share[good].double()
        return float(weights.sum()), float((weights * values).sum()), float((weights * values.square()).sum())

    def _whiteness(self, block: Block, missed: Tensor, residual: Tensor) -> tuple[Check, Tensor, int]:
        kept, inner = block.tile.kept, self._inner(block.tile.kept)
        within = tuple(slice(i.start - k.start, i.stop - k.start) for i, k in zip(inner, kept, strict=True))
        inside = missed[trailing(within)]
        whole = (block.frames.start, self.batch, self.batch * math.prod(self.cut.space))
        found = local_whiteness(inside, [i.start for i in inner], ~residual[trailing(within)].isnan(), whole)
        common = inside[trailing(slice(0, n) for n in self.common)]
        return found, len(common) * periodogram_of(common, len(self.common)).double().cpu(), len(common)

    def figures(self) -> dict[str, float]:
        """``misfit`` of the blocks so far, as of `Progress.figures`."""
        if self.weight <= 1:
            return {}
        mean = self.first / self.weight
        return {"misfit": math.sqrt(max(self.second / self.weight - mean**2, 0.0))}

    def add(self, part: ResidualPart) -> None:
        """Add what a block's residual is."""
        self.weight += part.weight
        self.first += part.first
        self.second += part.second
        if self.local is None or _excess(part.local) > _excess(self.local):
            self.local = part.local
        self.power, self.parts = part.power if self.power is None else self.power + part.power, self.parts + part.parts

    def checks(self, *, compressed: bool) -> Sequence[Check]:
        """Size, whiteness and local whiteness."""
        if self.power is None or self.local is None:
            raise RuntimeError("no block was looked at")
        mean = self.first / max(self.weight, 1.0)
        deviation = math.sqrt(max(self.second / max(self.weight, 1.0) - mean**2, 0.0))
        found = [whiteness_of((self.power / self.parts).float(), self.common, self.parts), self.local]
        return [size(deviation), *(judged_compressed(check) if compressed else check for check in found)]


def _excess(check: Check) -> float:
    return check.value / max(check.limit, 1e-12)
