"""Windows about beads: cut out between voxels, their background taken off."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float64]

_MARGIN = 8  # voxels about a window that the spline may ring in
_RING = 2.5  # times the window: where the background is looked for
_CLIP = 3.0  # standard deviations


@dataclass(frozen=True)
class Background:
    """What lies around a window: its level and its standard deviation."""

    level: float
    noise: float


def cut(stack: NDArray[np.float32], centre: Sequence[float] | Array, size: Sequence[int]) -> Array:
    """A window of odd size whose centre tap lies at a place between voxels; beyond the stack its edge goes on."""
    half = [n // 2 for n in size]
    low = [int(np.floor(c)) - h - _MARGIN for c, h in zip(centre, half, strict=True)]
    high = [int(np.floor(c)) + h + _MARGIN + 2 for c, h in zip(centre, half, strict=True)]
    inside = tuple(slice(max(0, a), min(n, b)) for a, b, n in zip(low, high, stack.shape, strict=True))
    box = stack[inside].astype(np.float64)
    offset = [c - h - s.start for c, h, s in zip(centre, half, inside, strict=True)]
    coefficients = ndimage.spline_filter(box, order=5, mode="mirror")
    for axis, (start, n) in enumerate(zip(offset, size, strict=True)):
        coefficients = _evaluated(coefficients, axis, start, n)
    return coefficients


def _evaluated(coefficients: Array, axis: int, start: float, count: int) -> Array:
    """A spline's values at ``count`` places from ``start`` on, along one axis; coefficients along the others stay."""
    weights = _quintic(start - np.floor(start))
    first = int(np.floor(start)) - 2
    places = np.arange(first, first + count + 5)
    length = coefficients.shape[axis]
    mirrored = np.abs((places + length - 1) % max(1, 2 * length - 2) - (length - 1)) if length > 1 else 0 * places
    taken = np.take(coefficients, mirrored, axis=axis)
    parts = [w * np.take(taken, range(i, i + count), axis=axis) for i, w in enumerate(weights)]
    return np.asarray(sum(parts), np.float64)


def _quintic(t: float) -> Array:
    """The six weights of the quintic B-spline at a fraction of a voxel."""
    x = np.abs(np.arange(-2, 4) - t)
    inner = 11 / 20 - x**2 / 2 + x**4 / 4 - x**5 / 12
    middle = 17 / 40 + 5 * x / 8 - 7 * x**2 / 4 + 5 * x**3 / 4 - 3 * x**4 / 8 + x**5 / 24
    outer = (3 - x) ** 5 / 120
    return np.where(x < 1, inner, np.where(x < 2, middle, np.maximum(outer, 0)))


def background_of(stack: NDArray[np.float32], place: NDArray[np.intp], size: Sequence[int]) -> Background:
    """Level and noise of the ring about a window, without what stands out of it.

    Where the stack ends within the ring, the window's own faces are part of it.
    """
    half = np.array(size) // 2
    wide = np.ceil(_RING * half).astype(int) + 1
    box = tuple(slice(max(0, p - w), p + w + 1) for p, w in zip(place, wide, strict=True))
    values = stack[box]
    hole = tuple(slice(max(0, p - h - s.start), p + h - s.start + 1) for p, h, s in zip(place, half, box, strict=True))
    outside = np.ones(values.shape, bool)
    outside[hole] = False
    if outside.sum() < 0.2 * values.size:
        inner = tuple(slice(s.start + 1, max(s.start + 2, s.stop - 1)) for s in hole)
        outside[hole], outside[inner] = True, False
    ring = values[outside].astype(np.float64)
    level = float(np.median(ring))
    noise = 1.4826 * float(np.median(np.abs(ring - level))) or float(ring.std())
    for _ in range(8):
        # The mean, not the median: of few counts the median is a whole number.
        kept = ring[np.abs(ring - level) <= _CLIP * noise]
        level, noise = float(kept.mean()), max(float(kept.std()), 1e-12)
    return Background(level, noise)
