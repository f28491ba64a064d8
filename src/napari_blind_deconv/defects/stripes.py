"""Offsets that every row or column of a camera has of its own: found, measured and taken out.

A row's offset is the same all along it, and says nothing of its neighbours' offsets. So what the rows' means have in
common in distant parts of the image is the offsets, and what is beyond the reach of optics: white across the rows. A
horizontal edge of the scene is common to the parts, too, but it is wide.
"""

from collections.abc import Iterator

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_blind_deconv.defects.surroundings import Mask, Values

# Parts of a line that are compared, and the fewest lines and pixels of a part.
_PARTS, _FEWEST = 4, 24
# Standard errors by which agreement between parts must exceed chance; covariance of neighbouring lines after the filter
# below relative to the variance: -2/3 for offsets, above zero for what a lens has drawn.
_SURE, _ALONE = 4.0, -0.35
_HIGH_PASS = np.array([-1.0, 2.0, -1.0]) / np.sqrt(6.0)
# Lines whose means differ by more than this many times the usual are edges of the scene.
_EDGE = 4.0
# Waves along a line that show what scene and noise give to a line's mean, and half the width of the mean over waves
# across.
_BESIDE, _SMOOTH = (3, 8), 3


def destriped(image: Values, known: Mask) -> tuple[Values, dict[str, float]]:
    """An image without its lines' own offsets, and their standard deviations by name; arguments as `line_offsets`."""
    found: dict[str, float] = {}
    for name, taken, deviation in line_offsets(image, known):
        image = image - taken
        found[name] = deviation
    return image, found


def line_offsets(image: Values, known: Mask) -> Iterator[tuple[str, Values, float]]:
    """Offsets of lines by name (``rows``, ``columns``), shape as `offsets` has it on ``image``'s; and their deviation.

    Those of the columns are what is left once the rows' are taken out; nothing is yielded where there are none.

    Parameters
    ----------
    image
        Shape ``(batch, *space)``; rows run along the last axis, columns along the one before.
    known
        Where it is data, same shape.
    """
    if image.ndim < 3:
        return
    planes, data = image.reshape(-1, *image.shape[-2:]), known.reshape(-1, *image.shape[-2:])
    for name, along in (("rows", 2), ("columns", 1)):
        taken, deviation = offsets(planes, data, along)
        if deviation:
            planes = planes - taken
            yield name, taken.reshape(*image.shape[:-2], *taken.shape[1:]), deviation


def offsets(planes: Values, known: Mask, along: int) -> tuple[Values, float]:
    """Offsets of the lines along an axis, shape of ``planes`` with that axis at length 1; and their deviation.

    Zero where lines have none that can be told from the scene.

    Parameters
    ----------
    planes
        Shape ``(planes, rows, columns)``, something finite everywhere.
    known
        Where it is data, same shape.
    along
        1 or 2: the axis that the lines run along.
    """
    across = 3 - along
    nothing = np.zeros([1 if a == along else n for a, n in enumerate(planes.shape)], np.float32)
    if planes.shape[across] < _FEWEST or planes.shape[along] < _PARTS * _FEWEST:
        return nothing, 0.0
    deviation = _deviation(planes, known, across, along)
    if not deviation:
        return nothing, 0.0
    means = _means(planes, known, along)
    scene = _scene_of_means(planes, across, along)
    mirrored = np.concatenate([means, means[:, ::-1]], 1)
    spectrum = scipy.fft.rfft(mirrored, axis=1)
    # Mirroring doubles the length: every other wave is one of the scene's.
    waves = np.linspace(0, scene.shape[1] - 1, spectrum.shape[1])
    beside = np.stack([np.interp(waves, np.arange(scene.shape[1]), row) for row in scene])
    kept = np.sqrt(beside / (beside + deviation**2))
    kept[:, 0] = 1.0
    found = scipy.fft.irfft(spectrum * (1 - kept), mirrored.shape[1], axis=1)[:, : means.shape[1]]
    return np.expand_dims(found, along).astype(np.float32), deviation


def _deviation(planes: Values, known: Mask, across: int, along: int) -> float:
    """Standard deviation of the lines' own offsets, over all planes; 0 where parts of the lines do not agree."""
    parts = [
        _high_passed(_means(p, k, along))
        for p, k in zip(np.array_split(planes, _PARTS, along), np.array_split(known, _PARTS, along), strict=True)
    ]
    usual = np.median([np.median(np.abs(p[np.isfinite(p)])) for p in parts]) / 0.6745
    products, beside, signs = [], [], []
    for i in range(_PARTS):
        for j in range(i + 1, _PARTS):
            one, two = parts[i], parts[j]
            calm = (np.abs(one) < _EDGE * usual) & (np.abs(two) < _EDGE * usual)
            products.append(float(np.mean((one * two)[calm])) if calm.any() else 0.0)
            signs.append(np.where(calm, np.sign(one * two), 0.0))
            both = calm[:, 1:] & calm[:, :-1]
            beside.append(float(np.mean((one[:, 1:] * two[:, :-1])[both])) if both.any() else 0.0)
    # Every pair of parts sees the same offsets, so that pairs are no independent witnesses.
    agreement = np.mean(signs, 0)
    error = float(agreement.std()) / np.sqrt(agreement.size)
    variance, neighbours = float(np.mean(products)), float(np.mean(beside))
    alone = neighbours < _ALONE * variance
    return float(np.sqrt(variance)) if variance > 0 and alone and agreement.mean() > _SURE * error else 0.0


def _means(planes: Values, known: Mask, along: int) -> NDArray[np.float64]:
    """Mean of every line over its data, ``(planes, lines)``; NaN becomes the mean of the lines beside."""
    count = known.sum(along)
    total = np.where(known, planes, 0).sum(along, dtype=np.float64)
    means = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    for plane in means:
        gone = np.isnan(plane)
        if gone.any() and not gone.all():
            plane[gone] = np.interp(np.flatnonzero(gone), np.flatnonzero(~gone), plane[~gone])
    return np.nan_to_num(means)


def _high_passed(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """What lines differ by from those beside them; variance of independent offsets unchanged."""
    return np.stack([np.convolve(m, _HIGH_PASS, "valid") for m in means])


def _scene_of_means(planes: Values, across: int, along: int) -> NDArray[np.float64]:
    """Power that scene and noise give to the lines' means, at every wave across: that of the waves next to none.

    Per wave of a plain transform of the means, divided by their number.
    """
    n, lines = planes.shape[along], planes.shape[across]
    moved = np.moveaxis(planes, along, 2).astype(np.float64)
    window = np.hanning(n + 2)[1:-1], np.hanning(lines + 2)[1:-1]
    moved = (moved - moved.mean((1, 2), keepdims=True)) * window[0] * window[1][:, None]
    beside = scipy.fft.rfft(moved, axis=2)[:, :, slice(*_BESIDE)]
    waves = np.abs(scipy.fft.fft(beside, axis=1)) ** 2
    power = waves.mean(2)[:, : lines // 2 + 1] / (np.square(window[0]).sum() * np.square(window[1]).sum())
    # A mean over n pixels has an n-th of the power.
    wide = np.pad(power, ((0, 0), (_SMOOTH, _SMOOTH)), mode="edge")
    return np.stack([np.convolve(p, np.ones(2 * _SMOOTH + 1) / (2 * _SMOOTH + 1), "valid") for p in wide]) / n
