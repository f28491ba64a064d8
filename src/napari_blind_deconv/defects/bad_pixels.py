"""Pixels that are hot or dead, found by what optics cannot do: a spot narrower than anything else in the image.

Light is blurred, so that a bright pixel has bright neighbours; a defect of the camera has not, or, where software has
interpolated or smoothed the image since, has fewer than the image's own band allows. A ridge or an edge has its like
two pixels away, a defect has not.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import scipy

from napari_blind_deconv._types import finished
from napari_blind_deconv.defects.band import band_edge, noise_of, stabilised
from napari_blind_deconv.defects.filling import filled
from napari_blind_deconv.defects.lines import bad_lines
from napari_blind_deconv.defects.surroundings import (
    Mask,
    Places,
    Values,
    beside,
    in_turn,
    local_median,
    local_roughness,
    local_scatter,
    next_to,
    planes_of,
    sampled,
    typical_difference,
)
from napari_blind_deconv.forward import Noise

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
# Images sharp to here hold details of one pixel: nothing is called a defect.
_SHARP = 0.4
# More defects than this share of the pixels are texture, not defects.
_MOST = 0.01
_SHORT = 5


def bad_pixels(image: Values, unknown: Mask | None = None) -> Mask:
    """Hot and dead pixels, rows and columns.

    Parameters
    ----------
    image
        Shape ``(batch, *space)``, finite. A camera's pixels lie in the last two axes: planes are looked at one by one,
        and their median for what is the same in all of them.
    unknown
        Where the image is a stand-in for what is no data, same shape; it does not count where scatter is read.

    Returns
    -------
    ndarray
        True at a defect and, where software has spread it, around it.

    Notes
    -----
    In two passes: lone pixels and lines far outside their surroundings, first; then, with the noise and the band of the
    image read from the rest, every spot that is narrower than the band allows. Nothing is found in images that are
    sharp to their last frequency, whose own details are as small (decision 0023).
    """
    return finished(bad_pixels_step_by_step(image, unknown))


def bad_pixels_step_by_step(image: Values, unknown: Mask | None = None) -> Generator[str, None, Mask]:
    """As `bad_pixels`, with a yield between any two parts of the work."""
    doing = "looking for bad pixels"
    none = np.zeros(image.shape, bool)
    if min(image.shape[1:]) < _SHORT:
        return none
    sample = sampled(_planes(image).shape, unknown)
    noise = noise_of(image, unknown)
    yield doing
    planes = _planes(stabilised(image, noise))
    around = Around.of(planes, sample)
    yield doing
    lone = _lone(around)
    yield doing
    fixed = _lasting(planes)
    yield doing
    fixed |= bad_lines(planes)
    yield doing
    first = (lone | fixed).reshape(image.shape)
    calm = image
    if first.any():
        calm = filled(image, first)
        noise = noise_of(calm, first if unknown is None else first | unknown)
        yield doing
    edge = band_edge(calm, noise)
    yield doing
    if edge > _SHARP:
        return none
    if first.any():
        lone &= _above_noise(_planes(stabilised(image, noise)), lone, _ALONE * _scatter(noise))
        around = Around.of(_planes(stabilised(calm, noise)), sample)
        yield doing
    spots = _narrow_spots(around, edge, _scatter(noise))
    return (lone | fixed | _grown(spots)).reshape(image.shape)


@dataclass(frozen=True)
class Around:
    """Planes, the median around every pixel, and how much the pixels there scatter."""

    planes: Values
    level: Values
    scatter: Values
    sample: Places

    @classmethod
    def of(cls, planes: Values, sample: Places) -> "Around":
        """What is around every pixel of some planes."""
        level = local_median(planes)
        away = planes - level
        typical = typical_difference(away, planes, sample)
        return cls(planes, level, local_scatter(away, level, typical, sample), sample)


def _narrowest(edge: float) -> float:
    """Share of its height that the narrowest spot of a band has beside its middle: a Gaussian that ends at the edge."""
    line = np.exp(-0.5 * (np.arange(-3.0, 4.0) * max(edge, 1e-3) / 0.35) ** 2)
    spot = np.multiply.outer(line, line)[None].astype(np.float32)
    height, beside_it, _ = _profile(spot, np.array([[0, 3, 3]]))
    return float(beside_it[0] / height[0])


def _outstanding(around: Around, deviations: float, least: float = 0.0) -> tuple[Places, Values, Mask]:
    """Places that exceed their surroundings, and all that is two pixels away, and what their neighbours have of that.

    Third comes which of them rise above what is next to them, not only above what is around: noise on top of a smooth
    peak does not. ``least`` is a height that they must have in any case.
    """

    def standing_out(planes: Values, level: Values, scatter: Values) -> Mask:
        size = np.abs(planes - level)
        # The median of medians lies nearer to a spot than the median; it only chooses where to look.
        high: Mask = size > _CHOSEN * np.maximum(deviations * scatter, least)
        if high.any():
            high &= size >= scipy.ndimage.maximum_filter(size, (1, *(3,) * (planes.ndim - 1)))
        return high

    places = np.argwhere(in_turn(standing_out, around.planes, around.level, around.scatter))
    height, beside_it, clear = _profile(around.planes, places)
    height = np.abs(height)
    kept = clear & (height > np.maximum(deviations * around.scatter[tuple(places.T)], least))
    roughness = local_roughness(around.planes, around.level, places, around.sample)
    steep = (height - beside_it > _STEEP * roughness)[kept]
    return places[kept], beside_it[kept] / height[kept], steep


def _lone(around: Around) -> Mask:
    """Pixels whose neighbours have next to nothing of their height."""
    places, shares, _ = _outstanding(around, _ALONE)
    return _marked(places[shares < _LONE_SHARE], around.planes.shape)


def _narrow_spots(around: Around, edge: float, scatter: float) -> Mask:
    """Spots narrower than the band allows, provided that they are a kind of their own.

    Where as many spots again are just as wide as the band allows, the narrow ones are the end of one distribution:
    grain, vesicles, crossings of filaments, whose light goes on beyond the band's edge, which is read where the noise
    takes over.
    """
    places, shares, steep = _outstanding(around, _SPOT, _SPOT * scatter)
    planes = around.planes
    # A slope that ends at the rim looks like a spot beside its own mirror image.
    inside = _inside(places, planes.shape)
    places, shares, steep = places[inside], shares[inside], steep[inside]
    narrow = shares < _BAND_SHARE * _narrowest(edge)
    if (narrow & steep).sum() < (~narrow).sum():
        return np.zeros(planes.shape, bool)
    return _marked(places[narrow & steep], planes.shape)


def _inside(places: Places, shape: tuple[int, ...]) -> Mask:
    """Which places have all of their surroundings in the image."""
    sides = np.array(shape[1:])
    return np.asarray(((places[:, 1:] >= 2) & (places[:, 1:] < sides - 2)).all(1))


def _marked(places: Places, shape: tuple[int, ...]) -> Mask:
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


def _profile(planes: Values, places: Places) -> tuple[Values, Values, Mask]:
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
    typical = typical_difference(one - local_median(one), one, sampled(one.shape))
    middle = np.median(planes, 0, keepdims=True).astype(np.float32)
    places, shares, steep = _outstanding(Around.of(middle, sampled(middle.shape)), _ALONE, _LASTING * typical)
    found = _marked(places[(shares < _LONE_SHARE) & steep], middle.shape)
    return np.broadcast_to(found, planes.shape).copy()


def _planes(values: Values) -> Values:
    return planes_of(values).astype(np.float32, copy=False)


def _grown(spots: Mask) -> Mask:
    """Spots with the pixels beside them."""
    cross = scipy.ndimage.generate_binary_structure(spots.ndim, 1)
    cross[0] = cross[-1] = False
    return np.asarray(scipy.ndimage.binary_dilation(spots, cross))
