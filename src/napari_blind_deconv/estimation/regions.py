"""The field in parts, each of which tells its own PSF: overlapping boxes of one size all over it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.tiling import Slices

if TYPE_CHECKING:
    from torch import Tensor

# Kernels that a region should be wide at least, and samples by the number of axes; which part of the field it is, up to
# how many samples; and how many there are along an axis at most.
_KERNELS, _LEAST, _PART = 1.5, {1: 128, 2: 48, 3: 24}, 3
_LARGEST, _MOST = {1: 2048, 2: 192, 3: 48}, {1: 9, 2: 5, 3: 3}
# Frames that a region shows at most.
_FRAMES = 4


@dataclass(frozen=True)
class Region:
    """A box of the field; ``place`` is its centre, from -1 to 1 along each axis of the field."""

    box: Slices
    place: tuple[float, ...]


def regions(space: Sequence[int], kernel_shape: Sequence[int]) -> list[Region]:
    """Boxes that overlap by half, or as many as there may be, evenly spread from border to border.

    Examples
    --------
    >>> [(r.box, r.place) for r in regions((96,), (9,))]
    [((slice(0, 96, None),), (0.0,))]
    >>> len(regions((192, 192), (15, 15)))
    25
    """
    ndim = len(space)
    along = []
    for n, k in zip(space, kernel_shape, strict=True):
        least = max(round((1.0 if ndim == 3 else _KERNELS) * k), _LEAST[ndim])
        side = min(n, max(least, min(n // _PART, _LARGEST[ndim])))
        count = 1 if side == n else min(_MOST[ndim], -(-2 * (n - side) // side) + 1)
        starts = [round(i * (n - side) / max(count - 1, 1)) for i in range(count)]
        along.append([(slice(s, s + side), (2 * s + side) / n - 1) for s in starts])
    found = []
    for chosen in itertools.product(*along):
        boxes, places = zip(*chosen, strict=True)
        found.append(Region(boxes, places))
    return found


def shown(batch: int) -> Tensor:
    """Which frames regions show: a few, evenly spread."""
    return torch.linspace(0, batch - 1, min(batch, _FRAMES)).round().long().unique()
