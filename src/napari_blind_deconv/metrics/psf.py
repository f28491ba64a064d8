"""What a PSF says of itself, in lengths a microscopist reads off: widths, roundness, tilt, extent, Strehl ratio."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_blind_deconv._types import InputError

from .kernel import _unit, describe_kernel
from .peak import Core, core, finest_maximum

Array = NDArray[np.float64]
LATERAL = 2  # axes of a plane; they are the last
_LONGER = 1.1  # from this ratio of widths on, a PSF has a direction


@dataclass(frozen=True)
class PsfFigures:
    """The figures of one PSF; lengths are in ``unit``, along (z, y, x).

    Attributes
    ----------
    size
        Taps per axis.
    voxel_size_um
        As given.
    unit
        "µm", or "px" where no voxel size is known.
    fwhm
        Full width at half maximum along each axis, through the peak between the taps. Taps are integrals over voxels,
        and so the width contains the voxel's.
    fwhm_principal
        The same along the principal axes of the core, the longest first.
    ellipticity
        1 - short / long width in the plane of the last two axes: 0 is round; None in 1-D.
    orientation_deg
        Of the long axis in that plane, from x towards y, -90 to 90; None where the PSF is round within 10 %.
    tilt_deg
        Between the long axis and z, 0 to 90; None in fewer than 3 dimensions, or without one long axis.
    extent99
        Per axis the length that holds the middle 99 % of the light; a pedestal makes it as long as the support.
    centroid
        Of the light, from the centre tap.
    entropy_nats
        0 for a delta, log n for n equal taps.
    peak
        The largest tap, at unit sum.
    asymmetry
        Under a 180° turn: ‖k - turned k‖ / (√2 ‖k‖), after the best shift; 0 symmetric, 1 at most.
    border_fraction
        Mass on the outermost taps: large where the support cuts the PSF.
    strehl
        Peak over that of the ideal PSF at equal light on the same support; None where no ideal PSF is given.
    """

    size: tuple[int, ...]
    voxel_size_um: tuple[float, ...] | None
    unit: Literal["µm", "px"]
    fwhm: tuple[float, ...]
    fwhm_principal: tuple[float, ...]
    ellipticity: float | None
    orientation_deg: float | None
    tilt_deg: float | None
    extent99: tuple[float, ...]
    centroid: tuple[float, ...]
    entropy_nats: float
    peak: float
    asymmetry: float
    border_fraction: float
    strehl: float | None

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON has them."""
        return asdict(self)


def psf_figures(
    psf: ArrayLike, voxel_size_um: Sequence[float] | None = None, *, ideal: ArrayLike | None = None
) -> PsfFigures:
    """The figures of a PSF.

    Parameters
    ----------
    psf
        Of any number of axes, (z, y, x); negative taps count as 0, the sum is free.
    voxel_size_um
        Positive lengths, one per axis; None: lengths are in pixels.
    ideal
        The diffraction-limited PSF of the same optics on the same voxels, for the Strehl ratio.

    Raises
    ------
    InputError
        For a PSF without light, and voxel sizes or an ideal PSF that do not fit it.

    Examples
    --------
    >>> x = np.arange(-10, 11)
    >>> figures = psf_figures(np.exp(-(x**2) / 2 / 2.0**2), (0.1,))
    >>> round(figures.fwhm[0], 3), figures.unit
    (0.471, 'µm')
    """
    taps = _unit(psf)
    spacing = spacing_of(taps, voxel_size_um)
    top = core(taps)
    described = describe_kernel(taps)
    principal, axes = _principal(top, spacing)
    ellipticity, orientation = _roundness(top, spacing)
    return PsfFigures(
        size=taps.shape,
        voxel_size_um=None if voxel_size_um is None else tuple(spacing.tolist()),
        unit="px" if voxel_size_um is None else "µm",
        fwhm=tuple(top.width(step) for step in np.diag(1 / spacing)),
        fwhm_principal=tuple(principal),
        ellipticity=ellipticity,
        orientation_deg=orientation,
        tilt_deg=_tilt(principal, axes),
        extent99=tuple(float(_extent(taps, axis) * h) for axis, h in enumerate(spacing)),
        centroid=tuple(float(c * h) for c, h in zip(described["centroid_px"], spacing, strict=True)),
        entropy_nats=described["entropy_nats"],
        peak=described["max"],
        asymmetry=_asymmetry(taps),
        border_fraction=described["border_fraction"],
        strehl=None if ideal is None else strehl_ratio(taps, ideal),
    )


def spacing_of(taps: Array, voxel_size_um: Sequence[float] | None) -> Array:
    """Lengths of a voxel, one per axis; ones where none are known.

    Raises
    ------
    InputError
        For a wrong number of lengths, or one that is not positive.
    """
    if voxel_size_um is None:
        return np.ones(taps.ndim)
    sizes = np.asarray(tuple(voxel_size_um), float)
    if sizes.size != taps.ndim:
        raise InputError(
            subject="voxel size",
            value=f"{tuple(sizes.tolist())} µm has {sizes.size} lengths",
            allowed=f"but the PSF has {taps.ndim} axes {taps.shape}",
            remedy="give one length per axis",
        )
    if not (np.isfinite(sizes).all() and (sizes > 0).all()):
        raise InputError(
            subject="voxel size",
            value=f"{tuple(sizes.tolist())} µm",
            allowed="must be positive along every axis",
            remedy="correct it",
        )
    return sizes


def strehl_ratio(psf: ArrayLike, ideal: ArrayLike) -> float:
    """Peak of a PSF over the peak of the ideal one, both between taps and with equal light on a common support.

    1 is diffraction-limited, above 0.8 is called so (Maréchal). Both PSFs are cut to the support they share about
    their peaks, because a support that cuts less light makes a peak lower. More than 1 says that the ideal PSF is not
    that of these optics, or that the PSF has lost its faint light.

    Raises
    ------
    InputError
        If the numbers of axes differ.

    Examples
    --------
    >>> strehl_ratio([0, 1, 2, 1, 0], [0, 1, 2, 1, 0])
    1.0
    """
    ours, theirs = _unit(psf), _unit(ideal)
    if ours.ndim != theirs.ndim:
        raise InputError(
            subject="PSF",
            value=f"has {ours.ndim} axes",
            allowed=f"but the ideal PSF has {theirs.ndim}",
            remedy="give two of as many axes",
        )
    tops = [np.round(core(taps).position).astype(int) for taps in (ours, theirs)]
    low = np.min(tops, axis=0)
    high = np.min([np.array(t.shape) - at for t, at in zip((ours, theirs), tops, strict=True)], axis=0)
    cut = [
        taps[tuple(slice(a - b, a + c) for a, b, c in zip(at, low, high, strict=True))]
        for taps, at in zip((ours, theirs), tops, strict=True)
    ]
    peaks = [core(taps).height / taps.sum() for taps in cut]
    return float(peaks[0] / peaks[1])


def _principal(top: Core, spacing: Array) -> tuple[list[float], Array]:
    """Widths along the principal axes of the core, the longest first, and these axes as rows."""
    _, vectors = np.linalg.eigh(-top.curvature / np.outer(spacing, spacing))
    widths = [top.width(vector / spacing) for vector in vectors.T]
    order = np.argsort(widths)[::-1]
    return [widths[i] for i in order], vectors.T[order]


def _roundness(top: Core, spacing: Array) -> tuple[float | None, float | None]:
    """Ellipticity and orientation in the plane of the last two axes."""
    ndim = spacing.size
    if ndim < LATERAL:
        return None, None
    plane = spacing[-LATERAL:]
    _, vectors = np.linalg.eigh(-top.curvature[-LATERAL:, -LATERAL:] / np.outer(plane, plane))
    widths = [top.width(np.concatenate([np.zeros(ndim - LATERAL), v / plane])) for v in vectors.T]
    longest = int(np.argmax(widths))
    ratio = min(widths) / widths[longest]
    y, x = vectors[:, longest]
    angle = float(np.degrees(np.arctan2(y, x)))
    turned = (angle + 90) % 180 - 90
    return float(1 - ratio), turned if top.curvature.any() and ratio < 1 / _LONGER else None


def _tilt(widths: list[float], axes: Array) -> float | None:
    """Angle in degrees between the longest principal axis and the first of three axes."""
    if len(widths) != 3 or widths[0] < _LONGER * widths[1]:
        return None
    return float(np.degrees(np.arccos(min(1.0, abs(axes[0][0])))))


def _extent(taps: Array, axis: int) -> float:
    """Taps that hold the middle 99 % of the light along an axis."""
    marginal = taps.sum(axis=tuple(i for i in range(taps.ndim) if i != axis))
    total = np.concatenate([[0.0], np.cumsum(marginal)]) / marginal.sum()
    edges = np.arange(total.size, dtype=float)
    # Where taps are 0 the total stands still, and only the ends of such a stretch are of use.
    rising = np.concatenate([[True], np.diff(total) > 0])
    rising[:-1] |= rising[1:]
    low, high = np.interp([0.005, 0.995], total[rising], edges[rising])
    return float(high - low)


def _asymmetry(taps: Array) -> float:
    """‖k - turned k‖ / (√2 ‖k‖), after the best shift; the inner products are those of k with itself, convolved."""
    power = float((taps**2).sum())
    _, overlap = finest_maximum(scipy.signal.convolve(taps, taps, mode="full", method="fft"))
    return float(np.sqrt(max(0.0, 1 - overlap / power)))
