"""Beads in a stack: found, and given a size of window that holds one of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Array = NDArray[np.float32]

_LINES = 20_000  # brightest lines along an axis, of which the autocorrelation is taken
_MOST = 500  # candidates looked at, the brightest
_SIGNIFICANT = 8.0  # standard deviations of the smoothed stack
_FAINT = 0.03  # of the brightest that is not saturated: below, it is dust, a ring or noise
_RIVAL = 0.1  # of a bead's height: a fainter neighbour does not spoil it
_MATCH = 0.6  # of a bead's width: smooths noise away, but keeps doublets apart
_NEAR = 0.75  # of a bead's width, within which there is one maximum only
_FACTORS = (24.0, 16.0, 12.0, 8.0, 6.0, 4.0, 3.0)  # widths of a bead that a window may hold
_LARGEST = 31  # taps to each side of a window that nobody asked for


@dataclass(frozen=True)
class Candidates:
    """What may be beads, the brightest first.

    Attributes
    ----------
    places
        Brightest voxels, shape ``(count, ndim)``.
    heights
        Above the background, of the smoothed stack.
    saturated
        Which reach the level of saturation.
    widths
        Typical full width at half maximum per axis, in voxels.
    """

    places: NDArray[np.intp]
    heights: Array
    saturated: NDArray[np.bool_]
    widths: tuple[float, ...]


def find_beads(stack: Array, saturation: float) -> Candidates:
    """Local maxima that rise from the noise; those much fainter than the brightest are left out.

    Parameters
    ----------
    stack
        Of any number of axes.
    saturation
        Intensity from which on voxels are saturated; infinity where none is.
    """
    widths = typical_widths(stack)
    smooth = scipy.ndimage.gaussian_filter(stack, [_MATCH * w / 2.355 for w in widths])
    level = float(np.median(smooth))
    size = [2 * max(1, round(_NEAR * w)) + 1 for w in widths]
    highest = scipy.ndimage.maximum_filter(smooth, size, mode="nearest")
    # A change of the last digit would otherwise make maxima of a flat stack.
    floor = level + max(_SIGNIFICANT * spread_below(smooth), 1e-3 * float(smooth.max() - level))
    labels, count = scipy.ndimage.label((smooth == highest) & (smooth > floor))
    places = np.array(scipy.ndimage.center_of_mass(labels > 0, labels, range(1, count + 1))).reshape(-1, stack.ndim)
    places = np.round(places).astype(np.intp)
    heights = smooth[tuple(places.T)] - level
    saturated = scipy.ndimage.maximum_filter(stack, size, mode="nearest")[tuple(places.T)] >= saturation
    reference = heights[~saturated].max(initial=0.0)
    order = np.argsort(-heights, kind="stable")
    chosen = order[heights[order] >= _FAINT * reference][:_MOST]
    return Candidates(places[chosen], heights[chosen], saturated[chosen], widths)


def typical_widths(stack: Array) -> tuple[float, ...]:
    """Full width at half maximum of what stands out of a stack, per axis, in voxels, at least 1.

    The autocorrelation of beads at random places is that of one bead; a Gaussian's is √2 times as wide as itself.
    Noise is kept out by a threshold, and at lag 0, where it would remain, by the parabola through the neighbours.
    """
    smooth = scipy.ndimage.gaussian_filter(stack, 0.7)
    bright = np.maximum(smooth - np.float32(np.median(smooth) + 5 * spread_below(smooth)), 0)
    return tuple(_typical_width(np.moveaxis(bright, axis, -1)) for axis in range(stack.ndim))


def _typical_width(bright: Array) -> float:
    count = bright.shape[-1]
    lines = bright.reshape(-1, count)
    energy = np.einsum("ij,ij->i", lines, lines)
    chosen = lines[np.argsort(-energy)[:_LINES]]
    lags = np.fft.irfft((np.abs(np.fft.rfft(chosen, 2 * count)) ** 2).sum(0))[:count]
    if count > 3:
        lags[0] = max(lags[1], (4 * lags[1] - lags[2]) / 3)
    below = int((lags <= 0.5 * lags[0]).argmax())
    if not below:
        return max(1.0, count / 8)
    high, low = lags[below - 1], lags[below]
    half = below - 1 + (high - 0.5 * lags[0]) / (high - low)
    return float(max(1.0, np.sqrt(2) * half))


def window_for(candidates: Candidates, shape: Sequence[int]) -> tuple[int, ...]:
    """An odd size: as large as leaves half of the beads (three at least) alone in their window and in the stack."""
    heights = np.sqrt(candidates.heights)
    total = np.cumsum(heights)
    typical = candidates.heights[int(np.searchsorted(total, total[-1] / 2))]
    bright = candidates.heights >= 0.2 * typical
    places = candidates.places[bright]
    room = np.minimum(places, np.array(shape) - 1 - places)
    most = np.minimum(np.median(room, axis=0).astype(int), _LARGEST)
    best = -1, most
    for factor in _FACTORS:
        half = np.minimum(np.maximum(np.ceil(factor * np.array(candidates.widths) / 2).astype(int), 2), most)
        fit = int(((room >= half).all(1) & ~crowded(candidates, half)[bright]).sum())
        best = max(best, (fit, half), key=lambda pair: pair[0])
        if fit >= max(min(3, len(places)), len(places) / 2):
            break
    return tuple(int(2 * h + 1) for h in best[1])


def crowded(candidates: Candidates, half: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which candidates have another one, not much fainter, in their window or so near that its light is."""
    reach = half + np.ceil(candidates.widths)
    near = (np.abs(candidates.places[:, None] - candidates.places[None]) <= reach).all(2)
    rival = candidates.heights[None] >= _RIVAL * candidates.heights[:, None]
    np.fill_diagonal(near, val=False)
    return np.asarray((near & rival).any(1))


def spread_below(values: Array) -> float:
    """Standard deviation of the background, from what lies below its median: beads only add."""
    few = values.ravel()[:: max(1, values.size // 2**22)]
    middle = np.median(few)
    below = few[few < middle]
    return float(1.4826 * np.median(middle - below)) if below.size else 0.0
