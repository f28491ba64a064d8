"""What a pixel is compared with: the median around it, the scatter around that, and the pixels beside it.

A camera's pixels lie in planes, ``(planes, *sides)``: everything here looks along the sides only.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Values = NDArray[np.float32]
Places = NDArray[np.intp]

# Side of the neighbourhood whose scatter counts; a pixel's difference counts up to so many typical ones.
_AROUND, _CLIPPED = 15, 5.0
# Share of the typical difference that no neighbourhood falls below.
_LEAST = 0.3
# Pixels that the typical difference and the grey levels are read from, at most.
_SAMPLE = 1 << 17
# Classes of brightness.
_LEVELS = 24
# Pixels that are looked at together.
_TOGETHER = 1 << 16


def planes_of(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Frames and depth in one axis, before the camera's own."""
    return values.reshape(-1, *values.shape[max(1, values.ndim - 2) :])


def sampled(shape: tuple[int, ...], unknown: Mask | None = None) -> Places:
    """Flat positions of pixels enough to read statistics from, among those that are known."""
    known = np.arange(np.prod(shape)) if unknown is None else np.flatnonzero(~unknown)
    return np.asarray(known[:: max(1, len(known) // _SAMPLE)])


def in_turn(look: Callable[..., NDArray[Any]], *planes: NDArray[Any]) -> NDArray[Any]:
    """What a look at each plane sees, a few planes at a time: what fits into the processor's cache is seen faster."""
    count, size = planes[0].shape[0], max(1, planes[0][0].size)
    several = max(1, _TOGETHER // size)
    out: NDArray[Any] | None = None
    for start in range(0, count, several):
        part = look(*(p[start : start + several] for p in planes))
        if out is None:
            out = np.empty((count, *part.shape[1:]), part.dtype)
        out[start : start + several] = part
    return look(*planes) if out is None else out


def median_of_five(values: Values, axis: int) -> Values:
    """Running median of five along an axis, mirrored at its ends; exact, and a tenth of the time of a rank filter."""
    width = [(2, 2) if a == axis else (0, 0) for a in range(values.ndim)]
    padded = np.pad(values, width, mode="symmetric")
    before = (slice(None),) * axis
    a, b, c, d, e = (padded[(*before, slice(k, k + values.shape[axis]))] for k in range(5))
    # Of two ordered pairs, the lesser minimum and the greater maximum cannot be the median.
    inner = np.maximum(np.minimum(a, b), np.minimum(c, d)), np.minimum(np.maximum(a, b), np.maximum(c, d))
    low, high = np.minimum(*inner), np.maximum(*inner)
    return np.maximum(low, np.minimum(high, e))


def local_median(planes: Values) -> Values:
    """Median of medians along the sides, the mean of both orders, so that no side comes first."""
    return in_turn(_median_of_medians, planes)


def _median_of_medians(planes: Values) -> Values:
    first = planes
    for axis in range(1, planes.ndim):
        first = median_of_five(first, axis)
    if planes.ndim == 2:
        return first
    second = planes
    for axis in range(planes.ndim - 1, 0, -1):
        second = median_of_five(second, axis)
    return np.asarray((first + second) / 2, planes.dtype)


def typical_difference(away: Values, values: Values, sample: Places) -> float:
    """Robust standard deviation of differences, not below half of the values' own grey levels."""
    chosen = away.ravel()[sample]
    deviation = 1.4826 * float(np.median(np.abs(chosen - np.median(chosen))))
    levels = np.unique(values.ravel()[sample])
    step = float(np.median(np.diff(levels))) if levels.size > 1 else 0.0
    return max(deviation, 0.5 * step, 1e-12)


def local_scatter(away: Values, level: Values, typical: float, sample: Places) -> Values:
    """How much pixels scatter around every pixel, or wherever else the image is as bright, whichever is more.

    Root mean square of the differences in the neighbourhood, where outliers count little and calm regions not for
    nothing; a small bright object in the dark scatters as other bright ones do.
    """
    curve = _scatter_by_level(away.ravel()[sample], level.ravel()[sample])

    def scatter(away: Values, level: Values) -> Values:
        squares = np.minimum(np.abs(away), _CLIPPED * typical) ** 2
        mean = scipy.ndimage.uniform_filter(squares, (1, *(_AROUND,) * (away.ndim - 1)))
        here = np.sqrt(np.maximum(mean, 0)) + _LEAST * typical
        return np.asarray(np.maximum(here, np.interp(level, *curve)), np.float32)

    return in_turn(scatter, away, level)


def local_roughness(planes: Values, level: Values, places: Places, sample: Places) -> Values:
    """How much pixels as bright as those at some places differ from the ones next to them.

    Less than they scatter where software has smoothed the noise.
    """
    spread = np.stack(np.unravel_index(sample, planes.shape), 1)
    rough = planes.ravel()[sample] - next_to(planes, spread).mean(1)
    return np.asarray(np.interp(level[tuple(places.T)], *_scatter_by_level(rough, level.ravel()[sample])), np.float32)


def _scatter_by_level(away: Values, level: Values) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Robust scatter of pixels of increasing brightness, never falling."""
    bins = [b for b in np.array_split(np.argsort(level), _LEVELS) if len(b)]
    light, size = level, np.abs(away)
    scatter = [1.4826 * float(np.median(size[b])) for b in bins]
    return np.array([float(np.median(light[b])) for b in bins]), np.maximum.accumulate(scatter)


def beside(values: Values, places: Places, distance: int) -> Values:
    """Values of the pixels at a distance (the largest of the steps along the sides), shape ``(places, pixels)``.

    Beyond the rim the image is mirrored.
    """
    return _gathered(values, places, [s for s in _steps(values, distance) if max(map(abs, s)) == distance], distance)


def next_to(values: Values, places: Places) -> Values:
    """Values of the pixels that share a side with each, shape ``(places, pixels)``."""
    return _gathered(values, places, [s for s in _steps(values, 1) if sum(map(abs, s)) == 1], 1)


def _steps(values: Values, distance: int) -> list[tuple[int, ...]]:
    return list(itertools.product(range(-distance, distance + 1), repeat=values.ndim - 1))


def _gathered(values: Values, places: Places, steps: list[tuple[int, ...]], margin: int) -> Values:
    padded = np.pad(values, [(0, 0), *[(margin, margin)] * (values.ndim - 1)], mode="reflect")
    plane, sides = places[:, 0], places[:, 1:].T + margin
    return np.stack(
        [padded[(plane, *(side + step for side, step in zip(sides, s, strict=True)))] for s in steps], axis=1
    )
