"""Figures of merit: how close image and kernel are to a truth, and figures of a kernel without one.

Blind deconvolution cannot distinguish a shifted kernel with the oppositely shifted image from the original pair. Every
figure is therefore taken after the best shift: whole pixels, then quarter pixels in 2-D (half pixels otherwise) with
linear interpolation, a border cropped, as in [1]_. Kernels are compared at unit sum and after the best
whole-pixel shift.

References
----------
.. [1] Levin, Weiss, Durand, Freeman (2009), Understanding and evaluating blind deconvolution algorithms, CVPR,
   doi:10.1109/CVPR.2009.5206815
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_blind_deconv._types import InputError

from .fourier_correlation import FourierCorrelation, fourier_correlation
from .image import Intensity, align, natural_range, psnr, score_image, ssim
from .kernel import describe_kernel, kernel_error, kernel_error_relative, mnc, score_kernel
from .psf import PsfFigures, psf_figures, strehl_ratio
from .psf_profiles import PsfProfiles, psf_profiles
from .psf_table import PsfRow, PsfTable, compare_psfs, psf_distance
from .resample import resample_psf

__all__ = [
    "GRADES",
    "METRICS",
    "FourierCorrelation",
    "Intensity",
    "Metric",
    "PsfFigures",
    "PsfProfiles",
    "PsfRow",
    "PsfTable",
    "align",
    "compare_psfs",
    "describe_kernel",
    "fourier_correlation",
    "grade",
    "kernel_error",
    "kernel_error_relative",
    "mnc",
    "natural_range",
    "psf_distance",
    "psf_figures",
    "psf_profiles",
    "psnr",
    "resample_psf",
    "score",
    "score_image",
    "score_kernel",
    "ssim",
    "strehl_ratio",
]

GRADES = ("bad", "ok", "good", "really good")


@dataclass(frozen=True)
class Metric:
    """What a figure is called, what it compares and what its grades are (upper ends of bad, ok and good)."""

    label: str
    compares: Literal["image", "kernel"]
    better: Literal["higher", "lower"]
    function: Callable[..., float]
    grades: tuple[float, float, float] | None = None


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "psnr": Metric("PSNR (dB)", "image", "higher", psnr, (20.0, 25.0, 30.0)),
        "ssim": Metric("SSIM", "image", "higher", ssim, (0.75, 0.85, 0.9)),
        # No grades for kernels: nobody has agreed on any, and KE shrinks with ‖k‖, so the same figure is good for a
        # compact kernel and poor for a wide one.
        "ke": Metric("KE", "kernel", "lower", kernel_error),
        "ke_rel": Metric("KE / ‖k‖", "kernel", "lower", kernel_error_relative),
        "mnc": Metric("MNC", "kernel", "higher", mnc),
    }
)


def grade(name: str, value: float) -> str | None:
    """One of ``GRADES`` for a figure; ``None`` for a figure without agreed grades, or not a number.

    Examples
    --------
    >>> grade("psnr", 27.0), grade("ssim", 0.7), grade("ke", 0.1)
    ('good', 'bad', None)
    """
    steps = METRICS[name].grades
    return GRADES[bisect_left(steps, value)] if steps and not np.isnan(value) else None


def score(
    image: ArrayLike | None = None,
    truth: ArrayLike | None = None,
    kernel: ArrayLike | None = None,
    true_kernel: ArrayLike | None = None,
    *,
    axes: str | None = None,
    data_range: float | None = None,
    intensity: Intensity = "absolute",
    max_shift: int = 10,
    border: int = 15,
) -> dict[str, Any]:
    """Every figure that the given pairs allow, and the ``grades`` of those that have any.

    Parameters
    ----------
    image, truth
        The restored image and the true one, of one shape; see `score_image` for these and the options.
    kernel, true_kernel
        The estimated kernel and the true one; see `score_kernel`.
    axes
        One letter per axis of the image. Along all but Z, Y and X, images are scored one by one, and the figures are
        means; ``shift_px`` is then a list of shifts. With C among them, the kernel is a stack with one per channel,
        likewise. None: all axes are spatial.

    Examples
    --------
    >>> score(kernel=[0, 1, 0], true_kernel=[1.0])["mnc"]
    1.0
    """
    figures: dict[str, Any] = {}
    if image is not None and truth is not None:
        # The range is that of the whole truth, so that its frames are comparable.
        unit = natural_range(truth) if data_range is None and intensity == "absolute" else data_range
        options: dict[str, Any] = {"intensity": intensity, "max_shift": max_shift, "border": border}
        pairs = zip(_frames(image, axes), _frames(truth, axes), strict=True)
        figures |= _means([score_image(*pair, data_range=unit, **options) for pair in pairs])
    if kernel is not None and true_kernel is not None:
        figures |= _means([score_kernel(*pair) for pair in _kernel_pairs(kernel, true_kernel, axes)])
    grades = {name: grade(name, figures[name]) for name in METRICS if name in figures}
    return figures | {"grades": {name: word for name, word in grades.items() if word}}


def _frames(image: ArrayLike, axes: str | None) -> list[NDArray[Any]]:
    """The images along all axes that are not spatial."""
    image = np.asarray(image)
    batch = [i for i, letter in enumerate(axes or "") if letter not in "ZYX"]
    moved = np.moveaxis(image, batch, range(len(batch)))
    return list(moved.reshape(-1, *moved.shape[len(batch) :])) if batch else [image]


def _kernel_pairs(
    kernel: ArrayLike, true_kernel: ArrayLike, axes: str | None
) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Kernels and true kernels, channel by channel; one true kernel serves all channels."""
    ours, theirs = np.asarray(kernel), np.asarray(true_kernel)
    if axes is None or "C" not in axes or ours.ndim < 3:
        return [(ours, theirs)]
    count = ours.shape[0]
    truths = list(theirs) if theirs.ndim == ours.ndim else [theirs] * count
    if len(truths) != count:
        raise InputError(
            subject="PSF",
            value=f"has {count} channels",
            allowed=f"but the true PSF has {len(truths)}",
            remedy="give as many",
        )
    return list(zip(ours, truths, strict=True))


def _means(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One row as it is; of several the means, and the list of their shifts."""
    if len(rows) == 1:
        return rows[0]
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0] if name != "shift_px"}
    return means | ({"shift_px": [row["shift_px"] for row in rows]} if "shift_px" in rows[0] else {})
