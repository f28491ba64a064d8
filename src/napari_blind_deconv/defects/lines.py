"""Rows and columns of a camera that are hot or dead, whole or in one half."""

import numpy as np
import scipy

from napari_blind_deconv.defects.surroundings import Mask, Values, in_turn, median_of_five

# A line must differ this many times as much as nine of ten single pixels do (not their median: most pixels of a
# compressed image do not differ at all); share of that which the lines beside it have at most.
_TIMES, _MANY, _SHARE = 2.0, 0.9, 0.2
# Share of a line's pixels that must differ to the same side by half as much as the line does.
_AGREE = 0.9
# Pixels that a line must have at least, and the share of lines above which they are a pattern and no defects.
_SHORTEST, _MOST = 24, 0.03
_RIM, _SAMPLE = 2, 1 << 16


def bad_lines(planes: Values) -> Mask:
    """Lines of one pixel's width that stand out from both neighbours along their whole length, or half of it.

    A chip that is read from two sides has defects that end in its middle. Light makes no such line: it is wider.

    Parameters
    ----------
    planes
        Shape ``(planes, *sides)``, on a scale where the noise is even.
    """
    return np.zeros(planes.shape, bool) if planes.ndim < 3 else in_turn(_in_planes, planes)


def _in_planes(planes: Values) -> Mask:
    out = np.zeros(planes.shape, bool)
    for across, along in ((1, 2), (2, 1)):
        n = planes.shape[along]
        if n < _SHORTEST or planes.shape[across] < 5:
            continue
        away = planes - median_of_five(planes, across)
        usual = _usual(away)
        whole = _standing_out(away, planes, usual, along)
        out |= np.expand_dims(whole, along)
        if n < 2 * _SHORTEST:
            continue
        for half in (slice(0, (n + 1) // 2), slice(n // 2, n)):
            part = tuple(half if a == along else slice(None) for a in range(3))
            out[part] |= np.expand_dims(_standing_out(away[part], planes[part], usual, along), along)
    return out


def _usual(away: Values) -> Values:
    """How much single pixels differ, in every plane, shape ``(planes, 1)``."""
    flat = np.abs(away.reshape(len(away), -1))
    flat = flat[:, :: max(1, flat.shape[1] // _SAMPLE)]
    return np.quantile(flat, _MANY, axis=1, keepdims=True)


def _beside(planes: Values, axis: int, distance: int) -> Values:
    """Mean of the pixels so far to both sides."""
    taps = np.zeros(2 * distance + 1)
    taps[[0, -1]] = 0.5
    return np.asarray(scipy.ndimage.correlate1d(planes, taps, axis, mode="mirror"))


def _standing_out(away: Values, planes: Values, usual: Values, along: int) -> Mask:
    """Which lines do, shape ``(planes, lines)``.

    The median of five lies on the flank of a filament: only pixels farther out tell that its neighbours are bright.
    """
    height = np.median(away, along)
    size = np.abs(height)
    high: Mask = (size > _TIMES * usual) & (size > 0)
    if not high.any():
        return high
    # What the pixels beside each have of its height.
    across = 3 - along
    wide = _beside(planes, across, 1) - _beside(planes, across, 2)
    edges = np.pad(height, ((0, 0), (1, 1)))
    least = np.expand_dims(0.5 * size, along)
    agree = (np.sign(np.expand_dims(height, along)) * away > least).mean(along)
    lonely = np.maximum(np.abs(edges[:, :-2]), np.abs(edges[:, 2:])) < _SHARE * size
    lonely &= np.sign(height) * np.median(wide, along) < _SHARE * size
    found = high & lonely & (agree >= _AGREE)
    # What the rim has beside it is not known.
    found[:, :_RIM] = found[:, -_RIM:] = False
    return found & (found.mean(1, keepdims=True) <= _MOST)
