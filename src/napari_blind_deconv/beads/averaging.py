"""Many windows, one PSF: which of them are alike, where exactly they lie, and their mean."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_blind_deconv.metrics.peak import core, finest_maximum

from .windows import Background, cut

Array = NDArray[np.float64]

_ALIKE = 0.5  # correlation below which two windows do not show the same thing
_OUTLIER = 4.0  # robust standard deviations
_TOLERANCE = 0.02  # of correlation: beads this much alike are alike, however much the others are
_MOST_SHARES = 4.0  # of a typical bead: a very bright one may be bad in a way that nothing tells
_STEP = 1.0  # voxels that a centre may move per round


@dataclass(frozen=True)
class Window:
    """One bead: where it is, what surrounds it, its light per unit of the PSF, its taps at unit light."""

    index: int
    centre: Array
    background: Background
    light: float
    taps: Array


@dataclass(frozen=True)
class Look:
    """How windows are looked at: cut to a size, smoothed, and more closely in the middle than at the rim.

    Attributes
    ----------
    size
        Odd taps per axis.
    widths
        Typical full width at half maximum of a bead per axis, in voxels.
    """

    size: tuple[int, ...]
    widths: tuple[float, ...]

    @property
    def focus(self) -> Array:
        """A Gaussian over the window, twice as wide as a bead: where beads are told apart."""
        bell = np.ones(())
        for n, width in zip(self.size, self.widths, strict=True):
            bell = np.multiply.outer(bell, np.exp(-4 * np.log(2) * ((np.arange(n) - n // 2) / (2 * width)) ** 2))
        return bell

    def __call__(self, taps: Array) -> Array:
        """A window as it is compared."""
        smooth = scipy.ndimage.gaussian_filter(taps, [0.5 * w / 2.355 for w in self.widths])
        return np.asarray(smooth * self.focus, np.float64)


def first_look(
    stack: NDArray[np.float32], index: int, place: NDArray[np.intp], look: Look, background: Background
) -> Window:
    """A window about the peak of a bead, by the Gaussian that fits it best."""
    near = tuple(min(n, 2 * int(np.ceil(w)) + 3) for n, w in zip(look.size, look.widths, strict=True))
    near = tuple(n - 1 + n % 2 for n in near)
    rough = np.maximum(scipy.ndimage.gaussian_filter(cut(stack, place.astype(float), near) - background.level, 0.7), 0)
    offset = core(rough).position - np.array(near) // 2 if rough.any() else np.zeros(len(near))
    window = Window(index, place + np.clip(offset, -_STEP, _STEP), background, 1.0, rough)
    return _window(stack, window, look, look.focus)


def _window(stack: NDArray[np.float32], window: Window, look: Look, shape: Array) -> Window:
    """The taps about the window's centre, divided by its light as seen through a shape."""
    taps = cut(stack, window.centre, look.size) - window.background.level
    through = look.focus * shape
    light = float((taps * through).sum() / (shape * through).sum())
    return replace(window, light=light, taps=taps / light if light > 0 else np.zeros_like(taps))


def most_typical(windows: Sequence[Window], look: Look) -> Array:
    """The window that the most light agrees with, smoothed: where the average starts.

    Every window speaks with the square root of its light for all that resemble it, itself included, so that one bright
    clump does not outweigh several beads, nor a crowd of specks one bead.
    """
    seen = [look(w.taps) for w in windows]
    alike = np.array([[max(correlation(a, b) - _ALIKE, 0.0) for b in seen] for a in seen])
    votes = np.sqrt([max(w.light, 0.0) for w in windows])
    return seen[int((alike @ votes).argmax())]


def correlation(one: Array, other: Array) -> float:
    """Normalised inner product, -1 to 1."""
    norm = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum() / norm) if norm > 0 else 0.0


def recut(stack: NDArray[np.float32], windows: Sequence[Window], shape: Array, look: Look) -> list[Window]:
    """The windows about their centres as these are now, at the light of a shape."""
    return [_window(stack, window, look, shape) for window in windows]


def aligned(stack: NDArray[np.float32], windows: Sequence[Window], shape: Array, look: Look) -> list[Window]:
    """The windows moved to where they fit a shape best, and scaled to its light."""
    wanted = look(shape)
    near = tuple(slice(max(0, n // 2 - 3), n // 2 + 4) for n in look.size)
    start = np.array([s.start for s in near]) - np.array(look.size) // 2
    moved = []
    for window in windows:
        match = scipy.signal.correlate(look(window.taps), wanted, mode="same", method="fft")[near]
        step = finest_maximum(match)[0] + start if match.max() > 0 else np.zeros(len(near))
        centre = window.centre + np.clip(step, -_STEP, _STEP)
        moved.append(replace(window, centre=centre))
    return recut(stack, moved, shape, look)


def likeness(windows: Sequence[Window], shape: Array, look: Look) -> Array:
    """How much each window resembles a shape: the correlation of both as they are looked at."""
    wanted = look(shape)
    return np.array([correlation(look(w.taps), wanted) for w in windows])


def unlike(found: Array) -> NDArray[np.bool_]:
    """Outliers among correlations: far below the median, by the spread of the better half."""
    if found.size == 0:
        return np.zeros(0, bool)
    middle = float(np.median(found))
    spread = 1.4826 * float(np.median(np.abs(found - middle)))
    return np.asarray((found < middle - max(_OUTLIER * spread, _TOLERANCE)) | (found < _ALIKE))


def average(windows: Sequence[Window]) -> tuple[Array, Array, Array, float]:
    """Mean of the windows, its standard error and the spread of a window about it, per tap, and the noise of one voxel.

    A bead counts by its light over its noise, squared, but at most four times as much as a typical one. In each tap
    what lies far from the median is left out, if there are enough beads to tell: neighbours and specks.
    """
    taps = np.stack([w.taps for w in windows])
    noise = np.array([max(w.background.noise, 1e-3 * w.light * float(w.taps.max())) / w.light for w in windows])
    column = (-1, *[1] * (taps.ndim - 1))
    share = np.minimum(1 / noise**2, _MOST_SHARES * np.median(1 / noise**2)).reshape(column)
    weight = np.broadcast_to(share, taps.shape).copy()
    if len(windows) >= 3:
        middle = np.median(taps, axis=0)
        away = np.abs(taps - middle)
        scale = np.maximum(1.4826 * np.median(away, axis=0), noise.min())
        weight[away > _OUTLIER * np.maximum(scale, noise.reshape(column))] = 0
    total = weight.sum(0)
    mean = (weight * taps).sum(0) / total
    error = np.sqrt((weight**2 * noise.reshape(column) ** 2).sum(0)) / total
    spread = np.sqrt((weight * (taps - mean) ** 2).sum(0) / total)
    return mean, error, spread, float(np.median(noise))
