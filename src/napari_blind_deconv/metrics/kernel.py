"""How close a kernel is to a true one, and what it says of itself without one."""

from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_blind_deconv._types import InputError

Array = NDArray[np.float64]

# Between these, sums and squares of taps are numbers.
_SAFE = 1e-100, 1e100


def kernel_error(estimate: ArrayLike, truth: ArrayLike) -> float:
    """KE, ‖k̂ - k‖₂ of unit-sum kernels after the best whole-pixel shift: 0 for the same kernel, at most √2.

    Raises
    ------
    InputError
        If a kernel has no positive mass, is not finite, or the numbers of axes differ.

    Examples
    --------
    >>> kernel_error([0, 0, 1], [1, 0, 0])
    0.0
    """
    ours, theirs = _overlaid(estimate, truth)
    return float(np.linalg.norm(ours - theirs))


def kernel_error_relative(estimate: ArrayLike, truth: ArrayLike) -> float:
    """KE / ‖k‖₂: 1 is no better than an empty guess, whatever the true kernel's size.

    Examples
    --------
    >>> kernel_error_relative([1.0], [0.5, 0.5])
    1.0
    """
    ours, theirs = _overlaid(estimate, truth)
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def mnc(estimate: ArrayLike, truth: ArrayLike) -> float:
    """Maximum of normalised cross-correlation of two kernels, 0 to 1; 1 is the same shape.

    Examples
    --------
    >>> round(mnc([1, 1, 0], [0, 1, 1]), 12)
    1.0
    """
    ours, theirs = _overlaid(estimate, truth)
    return float((ours * theirs).sum() / (np.linalg.norm(ours) * np.linalg.norm(theirs)))


def describe_kernel(kernel: ArrayLike) -> dict[str, Any]:
    """Figures of a kernel that need no reference.

    Returns
    -------
    dict
        ``size`` and ``fwhm_px`` (full width at half maximum through the peak) per axis, ``centroid_px`` from the centre
        tap, ``entropy_nats`` (0 for a delta, log n for n equal taps), ``max``, and ``border_fraction``: the mass on
        the outermost taps, large when the support is too small.

    Examples
    --------
    >>> describe_kernel(np.full((3, 3), 1.0))["border_fraction"]
    0.888...
    """
    taps = _unit(kernel)
    positive = taps[taps > 0]
    middle = tuple(slice(1, -1) if n > 2 else slice(None) for n in taps.shape)
    grids = np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in taps.shape], indexing="ij")
    return {
        "size": list(taps.shape),
        "fwhm_px": [_width(taps, axis) for axis in range(taps.ndim)],
        "centroid_px": [float((grid * taps).sum()) for grid in grids],
        "entropy_nats": float(-(positive * np.log(positive)).sum()),
        "max": float(taps.max()),
        "border_fraction": float(max(0.0, 1 - taps[middle].sum())),
    }


def score_kernel(estimate: ArrayLike, truth: ArrayLike) -> dict[str, float]:
    """KE, KE / ‖k‖ and MNC of an estimated kernel.

    Examples
    --------
    >>> score_kernel([0, 1, 0], [0, 1, 0])
    {'ke': 0.0, 'ke_rel': 0.0, 'mnc': 1.0}
    """
    return {
        "ke": kernel_error(estimate, truth),
        "ke_rel": kernel_error_relative(estimate, truth),
        "mnc": mnc(estimate, truth),
    }


def _unit(kernel: ArrayLike) -> Array:
    """The kernel as float64, without negative taps, of unit sum."""
    given = np.asarray(kernel)
    if given.dtype.kind not in "biuf":
        raise InputError(
            subject="PSF",
            value=f"has data type {given.dtype}",
            allowed="which is not a type of intensities",
            remedy="convert it to an integer or float type",
        )
    taps = given.astype(np.float64)
    if not np.isfinite(taps).all():
        raise InputError(
            subject="PSF",
            value=f"holds {int((~np.isfinite(taps)).sum())} values that are NaN or infinite",
            remedy="export it again",
        )
    taps = np.maximum(taps, 0)
    if not taps.size or not taps.any():
        raise InputError(
            subject="PSF",
            value="has no positive value",
            allowed="but must be a distribution of light",
            remedy="export it again",
        )
    if not _SAFE[0] < taps.max() < _SAFE[1]:
        taps = taps / taps.max()
    return taps / taps.sum()


def _overlaid(estimate: ArrayLike, truth: ArrayLike) -> tuple[Array, Array]:
    """Both kernels at unit sum on one canvas, the estimate moved to where it overlaps best with the truth."""
    ours, theirs = _same_axes(_unit(estimate), _unit(truth))
    overlap = scipy.signal.correlate(theirs, ours, mode="full", method="fft")
    best = np.unravel_index(int(overlap.argmax()), overlap.shape)
    # Index n - 1 of the full correlation is no shift; the canvas holds the truth at n - 1 and every shift of ours.
    lead = [n - 1 for n in ours.shape]
    canvas = [m + 2 * (n - 1) for n, m in zip(ours.shape, theirs.shape, strict=True)]
    placed = [np.zeros(canvas), np.zeros(canvas)]
    for frame, taps, start in zip(placed, (ours, theirs), (best, lead), strict=True):
        frame[tuple(slice(at, at + n) for at, n in zip(start, taps.shape, strict=True))] = taps
    return placed[0], placed[1]


def _same_axes(ours: Array, theirs: Array) -> tuple[Array, Array]:
    """Drop leading axes of length one from the kernel that has more axes: a plane is a volume of one plane."""
    while ours.ndim > theirs.ndim and ours.shape[0] == 1:
        ours = ours[0]
    while theirs.ndim > ours.ndim and theirs.shape[0] == 1:
        theirs = theirs[0]
    if ours.ndim != theirs.ndim:
        raise InputError(
            subject="PSF",
            value=f"has {ours.ndim} axes",
            allowed=f"but the true PSF has {theirs.ndim}",
            remedy="give two of as many axes",
        )
    return ours, theirs


def _width(taps: Array, axis: int) -> float:
    """Full width at half maximum in pixels of the profile through the peak; beyond its support the kernel is 0."""
    peak = np.unravel_index(int(taps.argmax()), taps.shape)
    line = tuple(slice(None) if i == axis else at for i, at in enumerate(peak))
    profile = np.pad(taps[line], 1) / taps.max()
    top = int(peak[axis]) + 1
    return _fall(profile[top:]) + _fall(profile[top::-1])


def _fall(profile: Array) -> float:
    """Pixels from the start of a profile to where it first falls to one half, interpolated linearly."""
    below = int((profile <= 0.5).argmax())
    high, low = profile[below - 1], profile[below]
    return float(below - 1 + (high - 0.5) / (high - low))
