"""Pixels that are hot or dead, found by what optics cannot do: a spot narrower than anything else in the image.

Light is blurred, so that a bright pixel has bright neighbours; a defect of the camera has not, or, where software has
interpolated or smoothed the image since, has fewer than the image's own band allows. A ridge or an edge has its like
two pixels away, a defect has not.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from napari_blind_deconv.defects.filling import filled
from napari_blind_deconv.defects.lines import bad_lines
from napari_blind_deconv.defects.surroundings import (
    Mask,
    Values,
    beside,
    local_median,
    local_roughness,
    local_scatter,
    next_to,
    planes_of,
    typical_difference,
)
from napari_blind_deconv.forward import Noise, read_noise
from napari_blind_deconv.fourier import periodogram, radius

# Local deviations by which a defect stands out, for a lone pixel at first, then for any spot.
_ALONE, _SPOT = 8.0, 6.0
# What a lone pixel's neighbours have of its height at most; what a spot's have at most, of what the image's band gives.
_LONE_SHARE, _BAND_SHARE = 0.2, 0.75
# Scatter, in units of the noise's, that no pixel is taken to fall below.
_CALM = 0.7
# What a spot must have above what is next to it, in units of what other pixels have.
_STEEP = 6.0
# Share of the height asked for that makes a pixel worth a closer look.
_CHOSEN = 0.5
# Share of its height by which a defect exceeds every pixel two away.
_CLEAR = 0.5
# Planes from which on their median is looked at; deviations of one plane by which a pixel differs in most of them.
_PLANES, _LASTING = 5, 3.0
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
    """Hot and dead pixels, rows and columns.

    Parameters
    ----------
    image
        Shape ``(batch, *space)``, finite. A camera's pixels lie in the last two axes: planes are looked at one by one,
        and their median for what is the same in all of them.

    Returns
    -------
    ndarray
        True at a defect and, where software has spread it, around it.

    Notes
    -----
    In two passes: lone pixels and lines far outside their surroundings, first; then, with the noise and the band of the
    image read from the rest, every spot that is narrower than the band allows. Nothing is found in images that are
    sharp to their last frequency, whose own details are as small (decision 0020).
    """
    none = np.zeros(image.shape, bool)
    if min(image.shape[1:]) < _SHORT:
        return none
    noise = _noise(image)
    planes = _planes(stabilised(image, noise))
    lone = _lone(planes)
    fixed = _lasting(planes) | bad_lines(planes)
    first = (lone | fixed).reshape(image.shape)
    calm = filled(image, first) if first.any() else image
    if first.any():
        noise = _noise(calm)
        lone &= _above_noise(_planes(stabilised(image, noise)), lone, _ALONE * _scatter(noise))
    edge = band_edge(calm, noise)
    if edge > _SHARP:
        return none
    spots = _narrow_spots(_planes(stabilised(calm, noise)), edge, _scatter(noise))
    return (lone | fixed | _grown(spots)).reshape(image.shape)


def band_edge(image: Values, noise: Noise | None = None) -> float:
    """Highest frequency, in cycles per sample, up to which an image's power exceeds its noise.

    Many defects lift the power as a whole; where it runs level with the noise's over the upper half of the band, it is
    that level that light must exceed.
    """
    observed = torch.from_numpy(np.ascontiguousarray(image, np.float32))
    noise = read_noise(observed) if noise is None else noise
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


def stabilised(image: Values, noise: Noise | None = None) -> Values:
    """The image on a scale where photon noise is even: 2 √(counts + 3/8) (Anscombe 1948, doi:10.2307/2332343).

    Where the noise does not follow the light, the image itself. In the dark, where counts are few and their
    distribution is skewed, three photons are no defect. Below the darkest tenth, where nothing tells the variance,
    it is taken to stay as it is there, so that a dead pixel keeps its depth.
    """
    noise = _noise(image) if noise is None else noise
    if not noise.gain > 0 or noise.dark is None:
        return image
    counts = (image + noise.dark / noise.gain) / noise.gain
    darkest = max(float(np.quantile(counts.ravel()[:: max(1, counts.size // 65536)], _DARKEST)), 0.0)
    slope = 1 / math.sqrt(darkest + 0.375)
    even = 2 * np.sqrt(np.maximum(counts, darkest) + 0.375) + slope * np.minimum(counts - darkest, 0)
    return np.asarray(even, np.float32)


def _noise(image: Values) -> Noise:
    return read_noise(torch.from_numpy(np.ascontiguousarray(image, np.float32)))


def _narrowest(edge: float) -> float:
    """Share of its height that the narrowest spot of a band has beside its middle: a Gaussian that ends at the edge."""
    line = np.exp(-0.5 * (np.arange(-3.0, 4.0) * max(edge, 1e-3) / 0.35) ** 2)
    spot = np.multiply.outer(line, line)[None].astype(np.float32)
    height, beside_it, _ = _profile(spot, np.array([[0, 3, 3]]))
    return float(beside_it[0] / height[0])


def _outstanding(planes: Values, deviations: float, least: float = 0.0) -> tuple[NDArray[np.intp], Values, Mask]:
    """Places that exceed their surroundings, and all that is two pixels away, and what their neighbours have of that.

    Third comes which of them rise above what is next to them, not only above what is around: noise on top of a smooth
    peak does not. ``least`` is a height that they must have in any case.
    """
    level = local_median(planes)
    away = planes - level
    size = np.abs(away)
    enough = np.maximum(deviations * local_scatter(away, level, typical_difference(away, planes)), least)
    # The median of medians lies nearer to a spot than the median; it only chooses where to look.
    found = (size > _CHOSEN * enough) & (size >= ndimage.maximum_filter(size, (1, *(3,) * (planes.ndim - 1))))
    places = np.argwhere(found)
    height, beside_it, clear = _profile(planes, places)
    least_here, height = enough[tuple(places.T)], np.abs(height)
    kept = clear & (height > least_here)
    steep = (height - beside_it > _STEEP * local_roughness(planes, level, places))[kept]
    return places[kept], beside_it[kept] / height[kept], steep


def _lone(planes: Values) -> Mask:
    """Pixels whose neighbours have next to nothing of their height."""
    places, shares, _ = _outstanding(planes, _ALONE)
    return _marked(places[shares < _LONE_SHARE], planes.shape)


def _narrow_spots(planes: Values, edge: float, scatter: float) -> Mask:
    """Spots narrower than the band allows, provided that they are a kind of their own.

    Where as many spots again are just as wide as the band allows, the narrow ones are the end of one distribution:
    grain, vesicles, crossings of filaments, whose light goes on beyond the band's edge, which is read where the noise
    takes over.
    """
    places, shares, steep = _outstanding(planes, _SPOT, _SPOT * scatter)
    # A slope that ends at the rim looks like a spot beside its own mirror image.
    inside = _inside(places, planes.shape)
    places, shares, steep = places[inside], shares[inside], steep[inside]
    narrow = shares < _BAND_SHARE * _narrowest(edge)
    if (narrow & steep).sum() < (~narrow).sum():
        return np.zeros(planes.shape, bool)
    return _marked(places[narrow & steep], planes.shape)


def _inside(places: NDArray[np.intp], shape: tuple[int, ...]) -> Mask:
    """Which places have all of their surroundings in the image."""
    sides = np.array(shape[1:])
    return np.asarray(((places[:, 1:] >= 2) & (places[:, 1:] < sides - 2)).all(1))


def _marked(places: NDArray[np.intp], shape: tuple[int, ...]) -> Mask:
    """A mask of places; empty where they are so many that they are texture."""
    out = np.zeros(shape, bool)
    if len(places) < _MOST * out.size:
        out[tuple(places.T)] = True
    return out


def _above_noise(planes: Values, found: Mask, least: float) -> Mask:
    """Which of the pixels found are so by a height that the noise of the rest does not reach."""
    places = np.argwhere(found)
    height, _, _ = _profile(planes, places)
    return _marked(places[np.abs(height) > least], found.shape)


def _scatter(noise: Noise) -> float:
    """The least that pixels scatter on the stabilised scale."""
    return _CALM * (1.0 if noise.gain > 0 and noise.dark is not None else noise.sigma)


def _profile(planes: Values, places: NDArray[np.intp]) -> tuple[Values, Values, Mask]:
    """Of every place: its signed height, the mean height of what is next to it, and whether all around is far below."""
    middle = planes[tuple(places.T)]
    far = beside(planes, places, 2)
    base = np.median(np.concatenate([beside(planes, places, 0), beside(planes, places, 1), far], axis=1), 1)
    height = middle - base
    sign = np.sign(height)
    neighbours = sign * (next_to(planes, places).mean(1) - base)
    highest = (sign[:, None] * far).max(1)
    return height, neighbours, sign * middle - highest >= _CLEAR * np.abs(height)


def _lasting(planes: Values) -> Mask:
    """Pixels that are outstanding in the median of all planes: a camera's defects stay where they are."""
    if len(planes) < _PLANES:
        return np.zeros(planes.shape, bool)
    one = planes[len(planes) // 2][None]
    typical = typical_difference(one - local_median(one), one)
    middle = np.median(planes, 0, keepdims=True).astype(np.float32)
    places, shares, _ = _outstanding(middle, _ALONE, _LASTING * typical)
    found = _marked(places[shares < _LONE_SHARE], middle.shape)
    return np.broadcast_to(found, planes.shape).copy()


def _planes(values: Values) -> Values:
    return planes_of(values).astype(np.float32, copy=False)


def _grown(spots: Mask) -> Mask:
    """Spots with the pixels beside them."""
    cross = ndimage.generate_binary_structure(spots.ndim, 1)
    cross[0] = cross[-1] = False
    return np.asarray(ndimage.binary_dilation(spots, cross))
