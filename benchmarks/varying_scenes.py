"""Scenes blurred by a Gaussian that changes from pixel to pixel: every pixel spreads its light by its own kernel."""

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Widths = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def linear(axis: int, low: float, high: float) -> Widths:
    """A width that grows in proportion along an axis, from border to border."""
    return lambda place: low + (high - low) * (place[axis] + 1) / 2


def from_the_centre(low: float, high: float) -> Widths:
    """A width that grows with the square of the distance from the centre to the corners."""
    return lambda place: low + (high - low) * (place**2).mean(0)


def even(width: float) -> Widths:
    """One width."""
    return lambda place: np.full(place.shape[1:], width)


def scattered(scene: Float, shape: tuple[int, ...], widths: Widths, ratios: tuple[float, ...]) -> Float:
    """What a frame of ``shape`` in the middle of a larger scene receives.

    ``ratios`` are widths along each axis over the given one.
    """
    margins = [(n - m) // 2 for n, m in zip(scene.shape, shape, strict=True)]
    grid = np.stack(
        np.meshgrid(
            *[2 * (np.arange(n) - m + 0.5) / s - 1 for n, m, s in zip(scene.shape, margins, shape, strict=True)],
            indexing="ij",
        )
    )
    sigma = widths(grid)
    # Separable in its own frame: one axis after the other would be another operator, so taps are gone through in full.
    axes = [_taps(sigma * ratio, margin) for ratio, margin in zip(ratios, margins, strict=True)]
    out = np.zeros(shape, np.float64)
    inner = tuple(slice(m, m + s) for m, s in zip(margins, shape, strict=True))
    for offsets in itertools.product(*[range(-m, m + 1) for m in margins]):
        source = tuple(slice(s.start - o, s.stop - o) for s, o in zip(inner, offsets, strict=True))
        light = scene[source].astype(np.float32)
        for taps, o, m in zip(axes, offsets, margins, strict=True):
            light = light * taps[o + m][source]
        out += light
    return out.astype(np.float32)


def _taps(sigma: NDArray[np.float64], reach: int) -> Float:
    offsets = np.arange(-reach, reach + 1).reshape(-1, *(1,) * sigma.ndim)
    taps = np.exp(-0.5 * (offsets / sigma) ** 2)
    return (taps / taps.sum(0)).astype(np.float32)
