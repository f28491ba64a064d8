"""Where a PSF peaks and how wide it is there, between its taps."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import scipy
from numpy.typing import NDArray

Array = NDArray[np.float64]

_CORE = 0.3  # of the maximum: the part of a PSF that the Gaussian is fitted to
_PLATEAU = 0.95  # of the maximum: as good as the peak
_MARGIN = 6  # taps around the core, for the spline to ring out in
_STEP = 0.02  # taps, of the profiles
_FINEST = 1 / 256  # of a tap, where a maximum between taps is looked for


@dataclass(frozen=True)
class Core:
    """The part of a PSF around its peak, as a Gaussian and what the Gaussian leaves over.

    The leftover is small and smooth where the PSF is nearly a Gaussian, so that a cubic spline of it loses nothing
    even at one tap of standard deviation; a spline of the PSF itself would widen it by several per cent there.

    Attributes
    ----------
    position
        The peak, in taps of the whole kernel.
    curvature
        Of the logarithm at the peak, minus the inverse of the covariance, in 1 / taps²; zero where none could be
        fitted.
    """

    position: Array
    curvature: Array
    _height: float
    _leftover: Array
    _corner: Array

    def at(self, offsets: Array) -> Array:
        """The PSF at offsets from the peak, in taps; shape ``(ndim, count)``."""
        places = (self.position - self._corner)[:, None] + offsets
        rest: Array = scipy.ndimage.map_coordinates(self._leftover, places, order=3, prefilter=False, mode="constant")
        return self.gaussian(offsets) + rest

    def gaussian(self, offsets: Array) -> Array:
        """The Gaussian alone; shape ``(ndim, ...)``."""
        return _bell(offsets, self._height, self.curvature)

    @property
    def height(self) -> float:
        """The value at the peak."""
        return float(self.at(np.zeros((self.position.size, 1)))[0])

    def width(self, direction: Sequence[float] | Array) -> float:
        """Full width at half maximum along a direction in taps, in lengths of that direction."""
        along = np.asarray(direction, float)
        fastest = float(np.abs(along).max())
        reach = float(max(self._leftover.shape)) / fastest
        steps = np.arange(0.0, reach, _STEP / fastest)
        half = 0.5 * self.height
        return sum(_fall(self.at(sign * along[:, None] * steps), half, steps) for sign in (1.0, -1.0))


def finest_maximum(values: Array) -> tuple[Array, float]:
    """Where an array is largest, between its entries, and how large; beyond the array everything is 0."""
    top = np.array(np.unravel_index(int(values.argmax()), values.shape))
    at_tap = float(values[tuple(top)])
    near = core(np.maximum(values, 0))
    best, value, span = np.zeros(values.ndim), 0.0, 1.0
    while span > _FINEST:
        # Coarse to fine: a grid of a few points per axis stays small in 3-D.
        steps = np.linspace(-span, span, 5)
        grid = np.stack(np.meshgrid(*[steps] * values.ndim, indexing="ij")).reshape(values.ndim, -1) + best[:, None]
        found = near.at(grid)
        best, value, span = grid[:, int(found.argmax())], float(found.max()), span / 2
    if value <= at_tap * (1 + 1e-9):
        return top.astype(np.float64), at_tap
    return np.asarray(near.position + best, np.float64), value


def core(kernel: Array) -> Core:
    """Fit the peak of a non-negative kernel that is not zero everywhere; beyond its support it is 0."""
    kernel = np.pad(kernel, _MARGIN)
    smooth = kernel
    for axis in range(kernel.ndim):
        # Binomial: the tap that a single noisy one cannot imitate.
        smooth = scipy.ndimage.convolve1d(smooth, [0.25, 0.5, 0.25], axis=axis, mode="constant")
    top = _middle(_around(smooth, np.array(np.unravel_index(int(smooth.argmax()), smooth.shape)), _PLATEAU))
    near = _around(smooth, top, _CORE)
    offset, height, curvature = _gaussian(kernel, near, top)
    return _completed(kernel, near, top + offset, height, curvature)


def _around(values: Array, place: NDArray[np.intp], fraction: float) -> NDArray[np.bool_]:
    """The connected taps about a place that reach a fraction of the maximum."""
    labels, _ = scipy.ndimage.label(values >= fraction * values.max())
    found: NDArray[np.bool_] = labels == labels[tuple(place)]
    return found


def _middle(region: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The place of a region that is nearest to its centroid: the middle of a plateau."""
    places = np.argwhere(region)
    nearest: NDArray[np.intp] = places[int(((places - places.mean(0)) ** 2).sum(1).argmin())]
    return nearest


def _completed(kernel: Array, near: NDArray[np.bool_], position: Array, height: float, curvature: Array) -> Core:
    """The core of a kernel that was padded by the margin; places count from its own corner."""
    (box,) = scipy.ndimage.find_objects(near.astype(np.int8))
    wider = tuple(slice(max(0, s.start - _MARGIN), s.stop + _MARGIN) for s in box)
    taps = kernel[wider]
    corner = np.array([s.start for s in wider], float)
    grid = np.meshgrid(*[np.arange(n) + c for n, c in zip(taps.shape, corner, strict=True)], indexing="ij")
    offsets = np.stack(grid) - position.reshape(-1, *[1] * kernel.ndim)
    leftover = scipy.ndimage.spline_filter(taps - _bell(offsets, height, curvature), order=3)
    return Core(position - _MARGIN, curvature, height, leftover, corner - _MARGIN)


def _gaussian(kernel: Array, near: NDArray[np.bool_], top: NDArray[np.intp]) -> tuple[Array, float, Array]:
    """Offset of the peak from a tap, height and curvature of the Gaussian of the core, by least squares.

    The logarithm of a Gaussian is a quadratic; weighting by the square of the model makes its least squares those of
    the values (Guo 2011, doi:10.1109/MSP.2011.941846). A height of 0 says that no Gaussian fits.
    """
    ndim = kernel.ndim
    places = np.argwhere(near) - top
    values = np.maximum(kernel[near], 1e-3 * kernel.max())
    pairs = list(combinations_with_replacement(range(ndim), 2))
    terms = [np.ones(len(places)), *places.T, *[places[:, i] * places[:, j] for i, j in pairs]]
    design = np.stack(terms, 1).astype(float)
    none = np.zeros(ndim), 0.0, np.zeros((ndim, ndim))
    if len(places) < design.shape[1]:
        return none
    weight, found = values, np.zeros(design.shape[1])
    for _ in range(3):
        found = np.linalg.lstsq(design * weight[:, None], np.log(values) * weight, rcond=None)[0]
        weight = np.exp(np.clip(design @ found, -50.0, np.log(10 * kernel.max())))
    curvature = np.zeros((ndim, ndim))
    for (i, j), value in zip(pairs, found[1 + ndim :], strict=True):
        curvature[i, j] += value
        curvature[j, i] += value
    if np.linalg.eigvalsh(curvature).max() > -1e-6:
        return none
    offset = np.asarray(np.linalg.solve(curvature, -found[1 : 1 + ndim]), np.float64)
    if np.abs(offset).max() > 1.5:
        return none
    height = float(np.exp(found[0] - 0.5 * offset @ curvature @ offset))
    return (offset, height, curvature) if height < 3 * kernel.max() else none


def _bell(offsets: Array, height: float, curvature: Array) -> Array:
    """A Gaussian at offsets from its peak."""
    return np.asarray(height * np.exp(0.5 * np.einsum("i...,ij,j...->...", offsets, curvature, offsets)), np.float64)


def _fall(profile: Array, half: float, steps: Array) -> float:
    """Where a profile first falls to ``half``, interpolated linearly."""
    below = int((profile <= half).argmax())
    if below == 0:
        return float(steps[-1])
    high, low = profile[below - 1], profile[below]
    return float(steps[below - 1] + (steps[below] - steps[below - 1]) * (high - half) / (high - low))
