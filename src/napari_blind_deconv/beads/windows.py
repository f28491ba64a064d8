"""Windows about beads: cut out between voxels, their background taken off."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Array = NDArray[np.float64]

_MARGIN = 8  # voxels about a window that the spline may ring in
_RING = 2.5  # times the window: where the background is looked for
_DARKEST, _BELOW = 0.2, 0.8416  # a share, and how many standard deviations below the mean it begins
_BLOCKS = 10  # fewer are not enough to choose from


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
    coefficients = scipy.ndimage.spline_filter(box, order=5, mode="mirror")
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
    """Level and noise around a window, where it is darkest.

    The surroundings are divided into blocks, and the level is that of the darkest fifth of them: beads and their haze
    only add, and a block's mean, unlike a median or a clipped mean, is right for counts. What the darkest fifth of
    equal blocks lies below their mean, by noise alone, is added again.
    """
    wide = np.ceil(_RING * (np.array(size) // 2)).astype(int) + 1
    box = tuple(slice(max(0, p - w), p + w + 1) for p, w in zip(place, wide, strict=True))
    values = stack[box].astype(np.float64)
    outside = np.ones(values.shape, bool)
    outside[
        tuple(
            slice(max(0, p - n // 2 - s.start), p + n // 2 - s.start + 1)
            for p, n, s in zip(place, size, box, strict=True)
        )
    ] = False
    blocks = values.reshape(1, -1)
    for divisor in (2, 4, 8):
        edges = [max(2, n // divisor) for n in size]
        parts = _blocks(values, edges)
        alone = _blocks(outside.astype(np.float64), edges).min(1) > 0
        # Where the stack ends at the window, its own darkest blocks must do.
        blocks = parts[alone] if alone.sum() >= _BLOCKS else parts
        if alone.sum() >= _BLOCKS:
            break
    means = blocks.mean(1)
    darkest = blocks[means <= np.quantile(means, _DARKEST)]
    noise = float(np.sqrt(darkest.var(1).mean()))
    level = float(np.quantile(means, _DARKEST)) + _BELOW * noise / np.sqrt(blocks.shape[1])
    return Background(level, noise)


def _blocks(values: Array, edges: Sequence[int]) -> Array:
    """Whole blocks of an array, shape ``(count, voxels)``; an axis shorter than a block is one block."""
    edges = [min(e, n) for e, n in zip(edges, values.shape, strict=True)]
    counts = [n // e for n, e in zip(values.shape, edges, strict=True)]
    whole = values[tuple(slice(c * e) for c, e in zip(counts, edges, strict=True))]
    parts = whole.reshape([m for pair in zip(counts, edges, strict=True) for m in pair])
    ndim = values.ndim
    return np.asarray(
        parts.transpose([*range(0, 2 * ndim, 2), *range(1, 2 * ndim, 2)]).reshape(int(np.prod(counts)), -1)
    )
