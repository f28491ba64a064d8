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
    """Median of the corners' ordinates over N and the median of a mean of unit exponentials.

    Corners where next to no noise is left, as after an interpolation, do not count.
    """
    ratio = over_noise(periodogram, noise, shape)
    if not ratio.numel():
        return 1.0
    level = float(ratio.median()) / median_of_means(frames)
    return min(max(level, _NOISE_RANGE[0]), _NOISE_RANGE[1])


def median_of_means(count: int) -> float:
    """Median of the mean of so many unit exponentials (Wilson & Hilferty 1931)."""
    return (1 - 1 / (9 * count)) ** 3


def over_noise(periodogram: Tensor, noise: Tensor, shape: Sequence[int]) -> Tensor:
    """The corners' ordinates over N, ``(..., ordinates)``; as of `level_in_window`."""
    corner, expected = periodogram, noise.expand(periodogram.shape[-len(shape) :])
    for axis, n in zip(range(-len(shape), 0), shape, strict=True):
        first, end = math.ceil(_CORNER * n), n // 2 if axis == -1 else n - math.ceil(_CORNER * n)
        if first <= end:
            corner, expected = (v.narrow(axis, first, end - first + 1) for v in (corner, expected))
    counted = expected > _FAINT * expected.max()
    return corner[..., counted] / expected[counted]


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
