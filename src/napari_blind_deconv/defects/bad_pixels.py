"""Pixels that are hot or dead, found by what optics cannot do: a spot narrower than anything else in the image.

Light is blurred, so that a bright pixel has bright neighbours; a defect of the camera has not, or, where software has
interpolated or smoothed the image since, has fewer than the image's own band allows.
"""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from napari_blind_deconv.defects.filling import filled
from napari_blind_deconv.forward import read_noise
from napari_blind_deconv.fourier import periodogram, radius

Mask = NDArray[np.bool_]
Values = NDArray[np.float32]

# Local deviations by which a defect stands out, for a lone pixel at first, then for any spot.
_ALONE, _SPOT = 8.0, 6.0
# What a lone pixel's neighbours have of its height at most; what a spot's have at most, of what the image's band gives.
_LONE_SHARE, _BAND_SHARE = 0.2, 0.75
# Side of the neighbourhood whose median a pixel is compared with, and of the one whose scatter counts.
_NEAR, _AROUND = 5, 15
# A band where the power exceeds the noise's this many times holds light; its width, in cycles per sample.
_LIGHT, _BAND = 2.0, 1 / 32
# Where power and noise are compared, and how much their ratio may vary there to count as level.
_UPPER, _LEVEL = (0.25, 0.45), 1.8
# Images sharp to here hold details of one pixel: nothing is called a defect.
_SHARP = 0.4
# Share of the pixels below which the growth of the noise is not continued.
_DARKEST = 0.1
# More defects than this share of the pixels are texture, not defects.
_MOST = 0.01
_SHORT = 5


def bad_pixels(image: Values) -> Mask:
    """Hot and dead pixels.

    Parameters
    ----------
    image
        Shape ``(batch, *space)``, finite. A camera's pixels lie in the last two axes: planes are looked at one by one.

    Returns
    -------
    ndarray
        True at a defect and, where software has spread it, around it.

    Notes
    -----
    In two passes: lone pixels far outside their surroundings, first; then, with the noise and the band of the image
    read from the rest, every spot that is narrower than the band allows. Nothing is found in images that are sharp to
    their last frequency, whose own details are as small (decision 0020).
    """
    if min(image.shape[1:]) < _SHORT:
        return np.zeros(image.shape, bool)
    lone = _outstanding(image, _ALONE, _LONE_SHARE)
    lone = lone if lone.mean() < _MOST else np.zeros_like(lone)
    calm = filled(image, lone)
    edge = band_edge(calm)
    if edge > _SHARP:
        return np.zeros(image.shape, bool)
    spots = _outstanding(calm, _SPOT, _BAND_SHARE * _narrowest(edge))
    if spots.mean() >= _MOST:
        return lone
    return lone | (_grown(spots) if spots.any() else spots)


def band_edge(image: Values) -> float:
    """Highest frequency, in cycles per sample, up to which an image's power exceeds its noise.

    Many defects lift the power as a whole; where it runs level with the noise's over the upper half of the band, it is
    that level that light must exceed.
    """
    observed = torch.from_numpy(np.ascontiguousarray(image, np.float32))
    noise = read_noise(observed)
    if not noise.sigma > 0:
        return 0.5
    ndim, shape = image.ndim - 1, image.shape[1:]
    power = periodogram(observed / noise.sigma, ndim) / noise.on(shape)
    waves = radius(shape, (1.0,) * ndim, power)
    edges = np.arange(1, round(0.5 / _BAND)) * _BAND
    rings = [power[(waves >= low) & (waves < low + _BAND)] for low in edges]
    ratios = np.array([float(r.mean()) if r.numel() else 0.0 for r in rings])
    upper = ratios[(edges >= _UPPER[0]) & (edges < _UPPER[1])]
    level = float(np.median(upper)) if upper.max() < _LEVEL * upper.min() else 1.0
    below = np.flatnonzero(ratios < _LIGHT * max(level, 1.0))
    return float(edges[below[0]]) if below.size else 0.5


def stabilised(image: Values) -> Values:
    """The image on a scale where photon noise is even: 2 √(counts + 3/8) (Anscombe 1948, doi:10.2307/2332343).

    Where the noise does not follow the light, the image itself. In the dark, where counts are few and their
    distribution is skewed, three photons are no defect. Below the darkest tenth, where nothing tells the variance,
    it is taken to stay as it is there, so that a dead pixel keeps its depth.
    """
    noise = read_noise(torch.from_numpy(np.ascontiguousarray(image, np.float32)))
    if not noise.gain > 0 or noise.dark is None:
        return image
    counts = (image + noise.dark / noise.gain) / noise.gain
    darkest = float(np.quantile(counts.ravel()[:: max(1, counts.size // 65536)], _DARKEST))
    slope = 1 / math.sqrt(max(darkest, 0.0) + 0.375)
    even = 2 * np.sqrt(np.maximum(counts, max(darkest, 0.0)) + 0.375) + slope * np.minimum(counts - darkest, 0)
    return np.asarray(even, np.float32)


def _narrowest(edge: float) -> float:
    """Share of its height that the narrowest spot of a band has one pixel away: a Gaussian that ends at the edge."""
    sigma = 0.35 / max(edge, 1e-3)
    return math.exp(-0.5 / sigma**2)


def _outstanding(image: Values, deviations: float, share: float) -> Mask:
    """Extremes that exceed their surroundings and whose neighbours do so less than a share of theirs."""
    planes = _planes(stabilised(image))
    flat = planes.ndim - 1
    away = planes - ndimage.median_filter(planes, (1, *(_NEAR,) * flat), mode="mirror")
    typical = _typical(away)
    scatter = ndimage.uniform_filter(np.minimum(np.abs(away), 5 * typical) ** 2, (1, *(_AROUND,) * flat))
    local = np.sqrt(np.maximum(scatter, 0)) + 0.3 * typical
    height = np.abs(away)
    found = height > deviations * local
    if found.any():
        found &= _mean_of_neighbours(away) * np.sign(away) < share * height
        # A saddle between two bright spots stands out, too, but is no extreme.
        near = (1, *(3,) * flat)
        found &= height >= ndimage.maximum_filter(height, near)
        found &= (planes == ndimage.maximum_filter(planes, near)) | (planes == ndimage.minimum_filter(planes, near))
    return found.reshape(image.shape)


def _planes(values: NDArray[Any]) -> NDArray[Any]:
    """Frames and depth in one axis, before the camera's own."""
    return values.reshape(-1, *values.shape[max(1, values.ndim - 2) :])


def _mean_of_neighbours(away: Values) -> Values:
    """Mean over the pixels beside each one along the axes of a plane where it has two.

    What stands beyond the border may be brighter: a spot that the border cuts is compared along the border only.
    """
    taps = [0.5, 0.0, 0.5]
    total, count = np.zeros(away.shape), np.zeros(away.shape)
    for axis in range(1, away.ndim):
        beside = ndimage.correlate1d(away, taps, axis, mode="mirror")
        inside = np.ones(away.shape[axis])
        inside[[0, -1]] = 1e-6
        weight = inside.reshape([-1 if a == axis else 1 for a in range(away.ndim)])
        total, count = total + weight * beside, count + weight
    return np.asarray(total / count, np.float32)


def _grown(spots: Mask) -> Mask:
    """Spots with the pixels beside them."""
    planes = _planes(spots)
    cross = ndimage.generate_binary_structure(planes.ndim, 1)
    cross[0] = cross[-1] = False
    return ndimage.binary_dilation(planes, cross).reshape(spots.shape)


def _typical(away: Values) -> float:
    """Robust standard deviation of the differences, not below the data's own grey levels."""
    deviation = 1.4826 * float(np.median(np.abs(away - np.median(away))))
    values = np.unique(away.ravel()[:: max(1, away.size // 65536)])
    step = float(np.median(np.diff(values))) if values.size > 1 else 0.0
    return max(deviation, 0.5 * step, 1e-12)
