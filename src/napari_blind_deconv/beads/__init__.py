"""A measured PSF: beads smaller than what the microscope resolves, found in a stack, aligned and averaged.

The diameter of the beads is not removed: the result is the PSF blurred by a bead, and a warning says by how much where
it matters. Beads are found and judged without knowing the PSF, and one that is not like the others (a doublet, a
speck, a saturated or a cut one) is left out, with its reason in the report.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_blind_deconv._types import InputError
from napari_blind_deconv.metrics import psf_figures
from napari_blind_deconv.metrics.peak import core

from .averaging import Look, Window, aligned, average, first_look, likeness, most_typical, recut, unlike
from .checks import checked_size, checked_stack, saturation_of
from .cleaning import cleaned
from .detection import Candidates, crowded, find_beads, window_for
from .windows import background_of

__all__ = ["Bead", "MeasuredPsf", "measure_psf"]

BORDER, NEIGHBOUR, SATURATED, UNLIKE = (
    "too close to the border",
    "another one in its window",
    "saturated",
    "not like the others",
)
_ROUNDS = 4
_KEPT = 0.998  # of the light along an axis: how much a window that nobody asked for may lose when it is trimmed
_LEVEL_ERROR = 0.005  # of the noise: how well a background can be known under another's haze
_BROADER = 0.05  # relative widening by the bead from which on it is worth a word


@dataclass(frozen=True)
class Bead:
    """One candidate.

    Attributes
    ----------
    centre_px
        In voxels of the stack; between them where it was used.
    used
        Whether it is part of the average.
    reason
        Why not; empty where it is.
    likeness
        Correlation with the average, up to 1; None where it was left out before.
    fwhm
        Per axis, in µm or pixels; None where it was not used.
    """

    centre_px: tuple[float, ...]
    used: bool
    reason: str = ""
    likeness: float | None = None
    fwhm: tuple[float, ...] | None = None


@dataclass(frozen=True)
class MeasuredPsf:
    """A PSF from beads.

    Attributes
    ----------
    kernel
        Unit sum, odd size, not negative, its peak at the centre tap.
    spread
        Standard deviation of one bead about the average, per tap, at unit light: noise, and what differs across the
        field.
    beads
        All candidates, the brightest first.
    voxel_size_um
        As given.
    warnings
        Sentences.
    """

    kernel: NDArray[np.float32]
    spread: NDArray[np.float32]
    beads: tuple[Bead, ...]
    voxel_size_um: tuple[float, ...] | None
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON has it: counts, reasons, the figures of the PSF, the spread, and every bead."""
        used = [bead for bead in self.beads if bead.used]
        widths = np.array([bead.fwhm for bead in used])
        return {
            "found": len(self.beads),
            "used": len(used),
            "rejected": dict(Counter(bead.reason for bead in self.beads if not bead.used)),
            "psf": psf_figures(self.kernel, self.voxel_size_um).to_dict(),
            "fwhm_mean": widths.mean(0).tolist(),
            "fwhm_sd": widths.std(0, ddof=1).tolist() if len(used) > 1 else None,
            "spread_relative": (
                float(np.linalg.norm(self.spread) / np.linalg.norm(self.kernel)) if len(used) > 1 else None
            ),
            "beads": [asdict(bead) for bead in self.beads],
            "warnings": list(self.warnings),
        }


def measure_psf(
    stack: ArrayLike,
    *,
    kernel_size: Sequence[int] | None = None,
    voxel_size_um: Sequence[float] | None = None,
    saturation: float | None = None,
    bead_diameter_um: float | None = None,
) -> MeasuredPsf:
    """The PSF from an image or stack of beads.

    Parameters
    ----------
    stack
        Of any number of axes, all spatial, (z, y, x); any real type.
    kernel_size
        Odd size of the PSF per axis, or one for all; None: as large as neighbours and borders allow for half of the
        beads, and not larger than the light reaches.
    voxel_size_um
        One length per axis, for the report; None: lengths are in pixels.
    saturation
        Intensity from which on a voxel is saturated; None: the top of the type, of 10, 12 or 14 bits, or a plateau at
        the stack's maximum.
    bead_diameter_um
        For a warning where beads are so large that they widen the PSF; nothing is corrected.

    Raises
    ------
    InputError
        Where the stack holds no bead that can be used, saying why each is not, and for sizes that do not fit.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y, x = np.mgrid[-20:21, -20:21]
    >>> image = 10 + 200 * np.exp(-(y**2 + x**2) / 2 / 1.5**2) + rng.normal(size=y.shape)
    >>> measured = measure_psf(image, voxel_size_um=(0.1, 0.1))
    >>> sum(bead.used for bead in measured.beads), round(measured.to_dict()["psf"]["fwhm"][0], 2)
    (1, 0.35)
    """
    values = checked_stack(stack, voxel_size_um)
    size = checked_size(kernel_size, values.shape)
    found = find_beads(values, saturation_of(np.asarray(stack), saturation))
    if not len(found.places):
        raise InputError(
            subject="bead stack",
            value="shows no bead above the background",
            remedy="give a stack of bright, separate, small beads",
        )
    averaged = _averaged(values, found, size or window_for(found, values.shape))
    if size is None:
        trimmed = _trimmed(averaged.kernel)
        # A smaller window leaves more beads alone in it.
        if trimmed != averaged.kernel.shape:
            averaged = _averaged(values, found, trimmed)
    voxels = None if voxel_size_um is None else tuple(float(v) for v in voxel_size_um)
    beads = _listed(found, averaged, voxels)
    warnings = _warnings(beads, averaged.kernel, voxels, bead_diameter_um)
    kernel, spread = averaged.kernel.astype(np.float32), averaged.spread.astype(np.float32)
    return MeasuredPsf(kernel, spread, beads, voxels, warnings)


@dataclass(frozen=True)
class _Average:
    """A kernel with its spread, the reason against each candidate, and the windows and verdicts of the others."""

    kernel: NDArray[np.float64]
    spread: NDArray[np.float64]
    reasons: list[str]
    windows: list[Window]
    judged: list["_Judged"]


def _averaged(values: NDArray[np.float32], found: Candidates, size: tuple[int, ...]) -> _Average:
    """The kernel of a size."""
    reasons = _reasons(found, values.shape, size)
    good = [i for i, reason in enumerate(reasons) if not reason]
    if not good:
        raise _no_bead(reasons, size)
    windows, judged = _agreed(values, found, good, Look(size, found.widths))
    mean, error, spread, noise = average([w for w, verdict in zip(windows, judged, strict=True) if verdict.used])
    kernel = cleaned(mean, error, found.widths, pedestal=_LEVEL_ERROR * noise)
    if not kernel.any():
        raise InputError(
            subject="bead stack",
            value="shows beads that are not visible above the noise, even on average",
            remedy="record brighter or more beads",
        )
    return _Average(kernel, spread / mean.sum(), reasons, windows, judged)


@dataclass(frozen=True)
class _Judged:
    """Whether a window belongs to the average, and its likeness to it."""

    used: bool
    likeness: float


def _agreed(
    values: NDArray[np.float32], found: Candidates, good: list[int], look: Look
) -> tuple[list[Window], list[_Judged]]:
    """Windows on common centres, and which of them show the same thing."""
    around = [background_of(values, found.places[i], look.size) for i in good]
    windows = [first_look(values, i, found.places[i], look, b) for i, b in zip(good, around, strict=True)]
    shape = most_typical(windows, look)
    alike, out = np.ones(len(windows)), np.zeros(len(windows), bool)
    for _ in range(_ROUNDS):
        windows = aligned(values, windows, shape, look)
        alike = likeness(windows, shape, look)
        out = unlike(alike)
        if out.all():
            out[int(alike.argmax())] = False
        shape = average([w for w, o in zip(windows, out, strict=True) if not o])[0]
        shape = shape / shape.max()
    # The peak of the average to the centre tap: until now it was that of one bead.
    offset = core(np.maximum(shape, 0)).position - np.array(look.size) // 2
    moved = [replace(w, centre=w.centre + np.clip(offset, -1, 1)) for w in windows]
    # The shape is still off the centre by that much, which its light, seen through itself, hardly notices.
    return recut(values, moved, shape, look), [_Judged(not bool(o), float(a)) for o, a in zip(out, alike, strict=True)]


def _reasons(found: Candidates, shape: tuple[int, ...], size: Sequence[int]) -> list[str]:
    """Why each candidate cannot be used, by what is seen of it alone; empty where it can."""
    half = np.array(size) // 2
    room = np.minimum(found.places, np.array(shape) - 1 - found.places)
    seen = np.stack([(room < half).any(1), crowded(found, half), found.saturated], axis=1)
    return [SATURATED if full else BORDER if cut_off else NEIGHBOUR if rival else "" for cut_off, rival, full in seen]


def _no_bead(reasons: list[str], size: Sequence[int]) -> InputError:
    counts = ", ".join(f"{count} {reason}" for reason, count in Counter(reasons).items())
    window = " x ".join(str(n) for n in size)
    return InputError(
        subject=f"none of {len(reasons)} beads",
        value=f"can be used with a window of {window} voxels ({counts})",
        remedy="choose a smaller `kernel_size`, or record sparser, dimmer or more central beads",
    )


def _trimmed(kernel: NDArray[np.float64]) -> tuple[int, ...]:
    """The smallest centred size that holds nearly all of the light along every axis."""
    sizes = []
    for axis, count in enumerate(kernel.shape):
        marginal = kernel.sum(axis=tuple(i for i in range(kernel.ndim) if i != axis))
        middle = count // 2
        held = [marginal[middle - h : middle + h + 1].sum() for h in range(middle + 1)]
        half = int(np.searchsorted(held, _KEPT * marginal.sum()))
        sizes.append(2 * min(max(1, half), middle) + 1)
    return tuple(sizes)


def _listed(found: Candidates, averaged: _Average, voxels: tuple[float, ...] | None) -> tuple[Bead, ...]:
    at = {w.index: (w, verdict) for w, verdict in zip(averaged.windows, averaged.judged, strict=True)}
    beads = []
    for i, (place, reason) in enumerate(zip(found.places, averaged.reasons, strict=True)):
        if reason:
            beads.append(Bead(tuple(float(p) for p in place), used=False, reason=reason))
            continue
        window, verdict = at[i]
        widths = psf_figures(np.maximum(window.taps, 0), voxels).fwhm if verdict.used else None
        centre = tuple(float(c) for c in window.centre)
        reason = "" if verdict.used else UNLIKE
        beads.append(Bead(centre, verdict.used, reason, round(verdict.likeness, 4), widths))
    return tuple(beads)


def _warnings(
    beads: tuple[Bead, ...], kernel: NDArray[np.float64], voxels: tuple[float, ...] | None, diameter_um: float | None
) -> tuple[str, ...]:
    told = []
    used = sum(bead.used for bead in beads)
    figures = psf_figures(kernel, voxels)
    if used < 3:
        told.append(
            f"this PSF comes from {used} bead{'s' if used > 1 else ''} only, which may not be typical; "
            "use three or more"
        )
    if figures.border_fraction > 0.05:
        told.append(
            f"{figures.border_fraction:.0%} of the light lies on the border of the PSF; choose a larger `kernel_size`, "
            "or record sparser beads"
        )
    if diameter_um is not None and voxels is not None:
        # The variance of a ball along an axis is d² / 20.
        narrow = min(figures.fwhm) / 2.355
        wider = narrow / np.sqrt(max(narrow**2 - diameter_um**2 / 20, 1e-12)) - 1
        if wider > _BROADER:
            told.append(
                f"beads of {diameter_um:g} µm widen this PSF by {min(wider, 9.99):.0%} along its narrowest axis; use "
                "smaller ones"
            )
    return tuple(told)
