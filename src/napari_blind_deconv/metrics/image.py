"""How close an image is to a true one, up to the shift that blind deconvolution cannot know."""

from collections.abc import Iterator
from functools import reduce
from itertools import product
from typing import Any, Literal

import numpy as np
import scipy
import skimage
from numpy.typing import ArrayLike, NDArray

from napari_blind_deconv._types import MOST_INTENSE, InputError

Intensity = Literal["absolute", "affine"]
Array = NDArray[np.float64]
Box = tuple[slice, ...]

SSIM_WINDOW = 11
"""Pixels: scikit-image's Gaussian window of sigma 1.5, cut at 3.5 sigma."""
SLAB_VALUES = 2**20
"""Pixels worked on at once in the fine search, so that its memory does not grow with the image."""


def psnr(image: ArrayLike, truth: ArrayLike, data_range: float) -> float:
    """Peak signal-to-noise ratio in dB, 10 log10(data_range² / mean squared error); infinite for equal images.

    Parameters
    ----------
    image, truth
        Arrays of one shape.
    data_range
        The L of the formula, in the images' intensity unit.

    Examples
    --------
    >>> psnr([0.0, 0.1], [0.0, 0.0], data_range=1.0)
    23.010...
    """
    error = float(np.mean((np.asarray(image, float) - np.asarray(truth, float)) ** 2))
    return float(10 * np.log10(data_range**2 / error)) if error > 0 else float("inf")


def ssim(image: ArrayLike, truth: ArrayLike, data_range: float) -> float:
    """Structural similarity with the Gaussian window (sigma 1.5) of its authors, as scikit-image computes it.

    Not a number where an axis is shorter than the window of 11 pixels.

    Examples
    --------
    >>> ramp = np.linspace(0, 1, 144).reshape(12, 12)
    >>> ssim(ramp, ramp, data_range=1.0)
    1.0
    """
    truth = np.asarray(truth, float)
    if min(truth.shape) < SSIM_WINDOW:
        return float("nan")
    figure = skimage.metrics.structural_similarity(
        truth,
        np.asarray(image, float),
        data_range=data_range,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return float(figure)


def natural_range(truth: ArrayLike) -> float:
    """The range L that PSNR and SSIM refer to when none is given.

    255 for 8-bit images, 1 for floating-point images within 0 … 1 that use more than half of it, else the truth's
    own maximum minus minimum.

    Examples
    --------
    >>> natural_range(np.array([0.1, 0.9])), natural_range(np.array([10, 410]))
    (1.0, 400.0)
    """
    truth = np.asarray(truth)
    if truth.dtype == np.uint8:
        return 255.0
    low, high = float(truth.min()), float(truth.max())
    unit = np.issubdtype(truth.dtype, np.floating) and low >= 0 and 0.5 < high <= 1
    return 1.0 if unit else high - low


def align(
    image: ArrayLike, truth: ArrayLike, max_shift: int = 10, *, border: int = 15, intensity: Intensity = "absolute"
) -> tuple[float, ...]:
    """The shift, in pixels along each axis, that brings the image nearest to the truth.

    Parameters
    ----------
    image, truth
        Arrays of one shape.
    max_shift
        Whole pixels searched to either side; the fine search adds less than one.
    border
        Pixels at each side that are not compared; at most a quarter of an axis.
    intensity
        "affine" compares after the best gain and offset, for microscopes without an absolute scale.

    Examples
    --------
    >>> scene = np.random.default_rng(0).random((48, 37))
    >>> align(np.roll(scene, (2, -1), (0, 1)), scene)
    (-2.0, 1.0)
    """
    image, truth = _pair(image, truth)
    inner, margin = _frame(truth.shape, border, max_shift)
    target = truth[inner]
    whole = _whole_pixel_shift(image - target.mean(), target - target.mean(), inner, margin, intensity)
    return _fine_shift(image - target.mean(), target - target.mean(), inner, whole, intensity)


def score_image(
    image: ArrayLike,
    truth: ArrayLike,
    *,
    data_range: float | None = None,
    intensity: Intensity = "absolute",
    max_shift: int = 10,
    border: int = 15,
) -> dict[str, Any]:
    """PSNR and SSIM after the best shift, with the border cropped; also ``shift_px`` and the ``data_range`` used.

    With ``intensity="affine"`` the image is first fitted to the truth with one gain and one offset, and the range is
    the truth's own.

    Examples
    --------
    >>> scene = np.random.default_rng(0).random((48, 37))
    >>> score_image(np.roll(scene, 2, 0), scene)["shift_px"]
    [-2.0, 0.0]
    """
    given = np.asarray(truth)
    shift = align(image, given, max_shift, border=border, intensity=intensity)
    image, truth = _pair(image, given)
    inner, _ = _frame(truth.shape, border, max_shift)
    target = truth[inner]
    moved = scipy.ndimage.shift(image, shift, order=1, mode="nearest")[inner]
    if intensity == "affine":
        moved = _fitted(moved, target)
    if data_range is None:
        data_range = float(np.ptp(target)) if intensity == "affine" else natural_range(given)
    if not data_range > 0:
        raise InputError(
            subject="truth",
            value="is constant",
            allowed="so PSNR and SSIM have no range",
            remedy="give a data range above 0",
        )
    return {
        "psnr": psnr(moved, target, data_range),
        "ssim": ssim(moved, target, data_range),
        "shift_px": list(shift),
        "data_range": float(data_range),
    }


def _fitted(image: Array, target: Array) -> Array:
    """The image after the gain and offset that bring it nearest to the target."""
    contrast = image - image.mean()
    power = float((contrast**2).sum())
    gain = float((contrast * (target - target.mean())).sum()) / power if power > 0 else 0.0
    return gain * contrast + target.mean()


def _pair(image: ArrayLike, truth: ArrayLike) -> tuple[Array, Array]:
    """Both images as float64, of one shape, all finite."""
    for name, given in (("image", np.asarray(image)), ("truth", np.asarray(truth))):
        if given.dtype.kind not in "biuf":
            raise InputError(
                subject=name,
                value=f"has data type {given.dtype}",
                allowed="which is not a type of intensities",
                remedy="convert it to an integer or float type",
            )
    pair = np.asarray(image, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if pair[0].shape != pair[1].shape:
        raise InputError(
            subject="image",
            value=f"has shape {pair[0].shape}",
            allowed=f"but the truth has {pair[1].shape}",
            remedy="give two of the same shape",
        )
    for name, array in zip(("image", "truth"), pair, strict=True):
        if not array.size:
            raise InputError(subject=name, value="is empty", remedy="give at least one pixel")
        wrong = int(array.size - np.isfinite(array).sum())
        if wrong:
            raise InputError(
                subject=name,
                value=f"holds {wrong} values that are NaN or infinite",
                remedy="fill them, or crop them away",
            )
        if float(np.abs(array).max()) > MOST_INTENSE:
            raise InputError(
                subject=name,
                value=f"holds intensities of {float(np.abs(array).max()):g}",
                allowed=f"but at most {MOST_INTENSE:g} can be compared",
                remedy="divide both by a constant",
            )
    return pair


def _frame(shape: tuple[int, ...], border: int, max_shift: int) -> tuple[Box, list[int]]:
    """What is compared, and how far each axis may be shifted without looking beyond the frame."""
    crops = [min(border, n // 4) for n in shape]
    return tuple(slice(b, n - b) for b, n in zip(crops, shape, strict=True)), [min(max_shift, b) for b in crops]


def _whole_pixel_shift(image: Array, target: Array, inner: Box, margin: list[int], intensity: Intensity) -> list[int]:
    """The best of all whole-pixel shifts, from one cross-correlation and running sums."""
    region = image[tuple(slice(i.start - m, i.stop + m) for i, m in zip(inner, margin, strict=True))]
    cross = scipy.signal.correlate(region, target, mode="valid", method="fft")
    power, total = _window_sums(region**2, target.shape), _window_sums(region, target.shape)
    error = _residual(power, total, cross, target, intensity)
    at = np.unravel_index(int(error.argmin()), error.shape)
    return [m - int(i) for m, i in zip(margin, at, strict=True)]


def _window_sums(values: Array, window: tuple[int, ...]) -> Array:
    """Sums over every position of a box, by running sums along one axis after the other."""
    for axis, length in enumerate(window):
        running = np.cumsum(np.insert(values, 0, 0, axis=axis), axis=axis)
        count = running.shape[axis] - length
        values = np.take(running, range(length, length + count), axis) - np.take(running, range(count), axis)
    return values


def _residual(power: Array, total: Array, cross: Array, target: Array, intensity: Intensity) -> Array:
    """Squared error to the target from sums of squares, of values and of products; "affine": after the best line."""
    if intensity == "absolute":
        return power - 2 * cross + (target**2).sum()
    spread = power - total**2 / target.size
    covariance = cross - total * target.mean()
    explained = np.divide(covariance**2, spread, out=np.zeros_like(spread), where=spread > 1e-12 * power)
    return ((target - target.mean()) ** 2).sum() - explained


def _fine_shift(image: Array, target: Array, inner: Box, whole: list[int], intensity: Intensity) -> tuple[float, ...]:
    """Refine a shift by quarter pixels (2-D) or half pixels.

    A linearly interpolated image is a weighted sum of its neighbours shifted by whole pixels, so the error at every
    candidate follows from the inner products of those few with each other and with the target.
    """
    steps = np.arange(-3, 4) / 4 if image.ndim == 2 else np.array([-0.5, 0.0, 0.5])
    gram, cross, total = _neighbour_products(image, target, inner, whole)
    best, least = np.zeros(image.ndim), np.inf
    for candidate in [np.zeros(image.ndim), *map(np.array, product(steps, repeat=image.ndim))]:
        weights = reduce(np.multiply.outer, [_hat(float(step)) for step in candidate]).ravel()
        sums = (np.array([weights @ gram @ weights]), np.array([weights @ total]), np.array([weights @ cross]))
        error = float(_residual(*sums, target, intensity)[0])
        if error < least:
            best, least = candidate, error
    return tuple(float(shift) for shift in np.add(whole, best))


def _hat(step: float) -> Array:
    """Weights of the neighbours shifted by -1, 0 and 1 pixel in a linear interpolation at ``step`` within -1 … 1."""
    return np.array([max(-step, 0), 1 - abs(step), max(step, 0)])


def _neighbour_products(image: Array, target: Array, inner: Box, whole: list[int]) -> tuple[Array, Array, Array]:
    """Inner products of the image's 3ⁿ nearest whole-pixel shifts with each other, with the target and with one."""
    steps = list(product((-1, 0, 1), repeat=image.ndim))
    gram, cross, total = np.zeros((len(steps), len(steps))), np.zeros(len(steps)), np.zeros(len(steps))
    padded = np.pad(image, 1, mode="edge")
    for rows in _slabs(target.shape):
        shifted = [_window(padded, inner, np.add(whole, step), rows).ravel() for step in steps]
        stack = np.stack(shifted)
        gram += stack @ stack.T
        cross += stack @ target[rows].ravel()
        total += stack.sum(axis=1)
    return gram, cross, total


def _window(padded: Array, inner: Box, shift: NDArray[np.int_], rows: slice) -> Array:
    """The compared part, some rows of it, of the shifted image; ``padded`` by one pixel."""
    window = padded[tuple(slice(i.start + 1 - s, i.stop + 1 - s) for i, s in zip(inner, shift, strict=True))]
    return window[rows]


def _slabs(shape: tuple[int, ...]) -> Iterator[slice]:
    """Ranges of rows with a bounded number of values."""
    rows = max(1, SLAB_VALUES // max(1, int(np.prod(shape[1:]))))
    for start in range(0, shape[0], rows):
        yield slice(start, start + rows)
