"""PSFs that differ from the rest: one microscope on one day has one PSF, and what differs is worth a look.

A value x differs where its modified z-score 0.6745 (x - median) / MAD is beyond 3.5 (Iglewicz & Hoaglin 1993, "How to
Detect and Handle Outliers", ASQC). Median and MAD, the median absolute deviation, do not follow the very values that
are looked for, as mean and standard deviation would.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_blind_deconv.metrics import psf_distance

from .records import Channel, Record

Array = NDArray[np.float64]

FEWEST = 4
"""PSFs that there must be before one can differ from the others."""
LIMIT = 3.5
_TO_DEVIATION = 0.6745
# Spreads are not taken for less: widths of the same PSF differ by a hundredth with the noise, distances by two.
_LEAST_WIDTH, _LEAST_DISTANCE = 0.01, 0.02


def modified_z(values: ArrayLike, least: float) -> Array:
    """The modified z-scores of values whose median absolute deviation is taken to be at least this.

    Examples
    --------
    >>> modified_z([1.0, 1.1, 0.9, 1.0, 5.0], least=0.01).round(1).tolist()
    [0.0, 0.7, -0.7, 0.0, 27.0]
    """
    found = np.asarray(values, np.float64)
    away = found - np.median(found)
    return np.asarray(_TO_DEVIATION * away / max(float(np.median(np.abs(away))), least), np.float64)


def marked(records: Sequence[Record]) -> list[Record]:
    """The records, their PSFs marked that differ from those of the same channel, axes and voxels."""
    groups: dict[object, list[tuple[int, int]]] = {}
    for i, record in enumerate(records):
        for j, channel in enumerate(record.channels):
            if channel.figures is not None:
                groups.setdefault(_kind(channel), []).append((i, j))
    channels = [list(record.channels) for record in records]
    for members in groups.values():
        if len(members) >= FEWEST:
            judged = _judged([channels[i][j] for i, j in members])
            for (i, j), channel in zip(members, judged, strict=True):
                channels[i][j] = channel
    return [replace(record, channels=tuple(own)) for record, own in zip(records, channels, strict=True)]


def _kind(channel: Channel) -> object:
    voxels = channel.voxel_size_um and tuple(float(f"{v:.2g}") for v in channel.voxel_size_um)
    return channel.number, channel.axes, voxels


def _judged(channels: Sequence[Channel]) -> list[Channel]:
    marks: list[list[str]] = [[] for _ in channels]
    figures = [channel.figures for channel in channels if channel.figures is not None]
    widths, unit = np.array([found.fwhm for found in figures]), figures[0].unit
    for axis, letter in enumerate(channels[0].axes):
        column = widths[:, axis]
        middle = float(np.median(column))
        for marking, value, score in zip(marks, column, modified_z(column, _LEAST_WIDTH * middle), strict=True):
            if abs(score) > LIMIT:
                what = "wider" if score > 0 else "narrower"
                marking.append(f"{what} along {letter} than the rest: {value:.3g} {unit}, median {middle:.3g} {unit}")
    distances = distances_to_median([channel.taps for channel in channels if channel.taps is not None])
    middle = float(np.median(distances))
    for marking, value, score in zip(marks, distances, modified_z(distances, _LEAST_DISTANCE), strict=True):
        if score > LIMIT:
            marking.append(f"another shape than the rest: distance to the median PSF {value:.2f}, median {middle:.2f}")
    return [
        replace(channel, marks=tuple(own), distance=float(distance))
        for channel, own, distance in zip(channels, marks, distances, strict=True)
    ]


def distances_to_median(psfs: Sequence[Array]) -> Array:
    """‖k - m‖ / ‖m‖ of every PSF k to the median PSF m, pixel by pixel, after the best shift between pixels."""
    median = median_psf(psfs)
    return np.array([psf_distance(psf, median) for psf in psfs])


def median_psf(psfs: Sequence[Array]) -> Array:
    """The pixelwise median of PSFs that were moved to one peak, by whole pixels, and scaled to unit sum."""
    reach = np.max([np.maximum(_peak(k), np.array(k.shape) - 1 - _peak(k)) for k in psfs], axis=0)
    stack = np.zeros((len(psfs), *(2 * reach + 1)))
    for layer, psf in zip(stack, psfs, strict=True):
        light = np.maximum(psf, 0)
        at = reach - _peak(psf)
        layer[tuple(slice(a, a + n) for a, n in zip(at, psf.shape, strict=True))] = light / light.sum()
    middle = np.median(stack, axis=0)
    # Where PSFs have no pixel in common, their mean is all there is.
    return middle if middle.sum() > 0 else np.asarray(stack.mean(0), np.float64)


def _peak(psf: Array) -> NDArray[np.intp]:
    return np.array(np.unravel_index(int(psf.argmax()), psf.shape))
