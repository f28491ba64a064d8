"""The noise in an evidence: its level, read once more where the window looks, and how its spectrum may differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from torch import Tensor


# Noise that follows the intensity is stronger where the window looks; further off, the given sigma is believed.
_CORNER, _NOISE_RANGE = 0.35, (0.7, 1.5)
# Corners with less noise than this share of the strongest tell no level. Colours: how many shapes, and the doubt of the
# level beside them.
_FAINT, _COLOURS, _LEVEL = 0.05, 3, 0.5


def level_in_window(periodogram: Tensor, noise: Tensor, shape: Sequence[int], frames: int) -> float:
    """Median of the corners' ordinates over N and the median of a mean of unit exponentials (Wilson & Hilferty 1931).

    Corners where next to no noise is left, as after an interpolation, do not count.
    """
    corner, expected = periodogram, noise.expand(periodogram.shape)
    for axis, n in enumerate(shape):
        first, end = math.ceil(_CORNER * n), n // 2 if axis == len(shape) - 1 else n - math.ceil(_CORNER * n)
        if first <= end:
            corner, expected = (v.narrow(axis, first, end - first + 1) for v in (corner, expected))
    ratio = (corner / expected)[expected > _FAINT * expected.max()]
    if not ratio.numel():
        return 1.0
    level = float(ratio.median()) / (1 - 1 / (9 * frames)) ** 3
    return min(max(level, _NOISE_RANGE[0]), _NOISE_RANGE[1])


def shapes_of_doubt(axes: Sequence[Tensor], doubt: float) -> Tensor:
    """A level, and even powers of the frequency in cycles per sample: what software does to noise is smooth."""
    if not doubt:
        return axes[0].new_zeros(0, *(len(a) for a in axes))
    squared = (2 * length_of(axes)).square()
    shapes = [doubt * squared**power for power in range(1, _COLOURS + 1)]
    return torch.stack([torch.full_like(squared, _LEVEL * max(doubt, _LEVEL)), *shapes])


def length_of(axes: Sequence[Tensor]) -> Tensor:
    """Length of every frequency of a grid, one vector per axis."""
    squared = axes[0] ** 2
    for values in axes[1:]:
        squared = squared[..., None] + values**2
    return squared.sqrt()
