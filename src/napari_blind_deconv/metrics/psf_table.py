"""PSFs side by side: what each says of itself, and how far it is from one of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_blind_deconv._types import InputError

from .kernel import _unit, score_kernel
from .peak import finest_maximum
from .psf import PsfFigures, psf_figures, spacing_of
from .resample import resample_psf

Array = NDArray[np.float64]
_SAME = 0.01  # relative difference of voxel sizes that files' rounding explains


@dataclass(frozen=True)
class PsfRow:
    """One PSF of a table.

    Attributes
    ----------
    name
        As given.
    figures
        On its own voxels.
    ke, ke_rel, mnc
        Against the reference, after the best whole-pixel shift, as `score_kernel` has them; the denominator of
        ``ke_rel`` is the reference's norm.
    ke_rel_subpixel
        KE / ‖k‖ after the best shift between pixels: what is left when only the shape counts.
    shift
        From the reference's centre tap to where this PSF fits it best, in the table's unit.
    notes
        Sentences on what was done to compare it.
    """

    name: str
    figures: PsfFigures
    ke: float
    ke_rel: float
    mnc: float
    ke_rel_subpixel: float
    shift: tuple[float, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PsfTable:
    """PSFs compared with one of them.

    Attributes
    ----------
    rows
        In the order given.
    reference
        Index of the PSF that the others are compared with.
    unit
        Of lengths in ``shift``: that of the reference.
    """

    rows: tuple[PsfRow, ...]
    reference: int
    unit: Literal["µm", "px"]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done to compare, sentence by sentence, with names."""
        return tuple(f"{row.name}: {note}" for row in self.rows for note in row.notes)

    def to_dict(self) -> dict[str, Any]:
        """The table as JSON has it: ``reference`` (a name), ``unit``, ``psfs`` (a flat object per PSF)."""
        rows = [{"name": row.name} | row.figures.to_dict() | _pair(row) for row in self.rows]
        return {"reference": self.rows[self.reference].name, "unit": self.unit, "psfs": rows}


def compare_psfs(
    psfs: Sequence[ArrayLike],
    names: Sequence[str] | None = None,
    voxel_size_um: Sequence[Sequence[float] | None] | None = None,
    *,
    reference: int = 0,
    ideal: ArrayLike | None = None,
) -> PsfTable:
    """A table of PSFs.

    Each is described on its own voxels. To be compared, those on other voxels than the reference's are resampled to
    them (`resample_psf`), and a note says so. Where one of the two voxel sizes is unknown, taps are compared one to
    one, and a note says that too.

    Parameters
    ----------
    psfs
        One or more, of one number of axes; leading axes of length one are dropped.
    names
        One per PSF; by default "PSF 1" and so on.
    voxel_size_um
        One per PSF, (z, y, x) or None; by default all None.
    reference
        Index of the PSF that the others are compared with; negative ones count from the end.
    ideal
        The diffraction-limited PSF on the reference's voxels: gives every PSF a Strehl ratio.

    Raises
    ------
    InputError
        For planes among volumes, a reference that does not exist, and whatever is no PSF, with its name.

    Examples
    --------
    >>> table = compare_psfs([[1, 2, 1], [0, 1, 2, 1]], names=["january", "june"])
    >>> round(table.rows[1].mnc, 12), table.rows[1].shift
    (1.0, (0.0,))
    """
    names = _names(names, len(psfs))
    voxels: Sequence[Sequence[float] | None] = voxel_size_um if voxel_size_um is not None else [None] * len(psfs)
    if len(voxels) != len(psfs):
        raise InputError(
            subject="voxel sizes",
            value=f"are {len(voxels)}",
            allowed=f"but there are {len(psfs)} PSFs",
            remedy="give one per PSF, or None",
        )
    if not -len(psfs) <= reference < len(psfs):
        raise InputError(
            subject="reference",
            value=f"{reference} is not there",
            allowed=f"as with {len(psfs)} PSFs it is 0 to {len(psfs) - 1}",
            remedy="choose one of them",
        )
    reference %= len(psfs)
    arrays = [_named(name, _squeezed, psf) for name, psf in zip(names, psfs, strict=True)]
    _same_axes(names, arrays, reference)
    sizes = [_fitting(v, array.ndim) for v, array in zip(voxels, arrays, strict=True)]
    target, on = arrays[reference], sizes[reference]
    rows = []
    for name, array, size in zip(names, arrays, sizes, strict=True):
        there, notes = _named(name, _on_voxels, array, size, on)
        norm = None if ideal is None else _ideal_on(ideal, on, size)
        figures = _named(name, psf_figures, array, size, ideal=norm)
        pair = score_kernel(there, target)
        fine, shift = _between_pixels(there, target, spacing_of(target, on))
        rows.append(PsfRow(name, figures, **pair, ke_rel_subpixel=fine, shift=shift, notes=notes))
    return PsfTable(tuple(rows), reference, "px" if on is None else "µm")


def psf_distance(psf: ArrayLike, reference: ArrayLike) -> float:
    """KE / ‖k‖ of a PSF and a reference on the same voxels, after the best shift between pixels: only shape counts.

    Examples
    --------
    >>> psf_distance([0, 1, 2, 1], [1, 2, 1, 0])
    0.0
    """
    ours, theirs = _squeezed(psf), _squeezed(reference)
    _same_axes(["PSF", "reference"], [ours, theirs], 1)
    return _between_pixels(ours, theirs, np.ones(ours.ndim))[0]


def _pair(row: PsfRow) -> dict[str, Any]:
    found = asdict(row)
    return {key: value for key, value in found.items() if key not in {"name", "figures"}}


def _names(names: Sequence[str] | None, count: int) -> list[str]:
    if count == 0:
        raise InputError(subject="PSFs", value="are none", allowed="so nothing can be compared", remedy="give one")
    if names is None:
        return [f"PSF {i + 1}" for i in range(count)]
    if len(names) != count:
        raise InputError(
            subject="names", value=f"are {len(names)}", allowed=f"but there are {count} PSFs", remedy="give one per PSF"
        )
    return list(names)


def _named(name: str, function: Any, *arguments: Any, **options: Any) -> Any:
    """The function's result; what it refuses, with the PSF's name."""
    try:
        return function(*arguments, **options)
    except InputError as error:
        raise error.about(f"{name}: {error.subject}") from error


def _squeezed(psf: ArrayLike) -> Array:
    """Unit sum, without leading axes of length one: a plane is a volume of one plane."""
    taps = _unit(psf)
    while taps.ndim > 1 and taps.shape[0] == 1:
        taps = taps[0]
    return taps


def _fitting(voxel_size_um: Sequence[float] | None, ndim: int) -> tuple[float, ...] | None:
    """Of a plane that came as a volume, the lengths of its own axes."""
    if voxel_size_um is None:
        return None
    size = tuple(float(v) for v in voxel_size_um)
    return size[-ndim:] if len(size) > ndim else size


def _same_axes(names: Sequence[str], arrays: Sequence[Array], reference: int) -> None:
    ndim = arrays[reference].ndim
    for name, array in zip(names, arrays, strict=True):
        if array.ndim != ndim:
            raise InputError(
                subject=str(name),
                value=f"has {array.ndim} axes {array.shape}",
                allowed=f"but {names[reference]} has {ndim} {arrays[reference].shape}",
                remedy="a plane cannot be compared with a volume: give the volume's plane in focus",
            )


def _on_voxels(
    array: Array, size: tuple[float, ...] | None, on: tuple[float, ...] | None
) -> tuple[Array, tuple[str, ...]]:
    """A PSF on the reference's voxels, and what to say about it."""
    if (size is None) != (on is None):
        whose = "it has" if size is None else "the reference has"
        return array, (f"{whose} no voxel size, so it was compared pixel by pixel",)
    if size is None or on is None or np.allclose(size, on, rtol=_SAME, atol=0):
        return array, ()
    there = resample_psf(array, size, on)
    return there, (f"resampled from voxels of {_lengths(size)} to {_lengths(on)} µm for the comparison",)


def _ideal_on(ideal: ArrayLike, on: tuple[float, ...] | None, size: tuple[float, ...] | None) -> ArrayLike:
    """The ideal PSF on the voxels of a row."""
    if on is None or size is None or np.allclose(size, on, rtol=_SAME, atol=0):
        return ideal
    return resample_psf(ideal, on, size)


def _between_pixels(ours: Array, theirs: Array, spacing: Array) -> tuple[float, tuple[float, ...]]:
    """KE / ‖k‖ and the shift from the other to one kernel, at the best shift between pixels."""
    at, overlap = finest_maximum(scipy.signal.correlate(ours, theirs, mode="full", method="fft"))
    power = float((ours**2).sum()), float((theirs**2).sum())
    error = np.sqrt(max(0.0, power[0] + power[1] - 2 * overlap) / power[1])
    lag = at - np.array(theirs.shape) + 1
    middle = np.array([n // 2 - m // 2 for n, m in zip(ours.shape, theirs.shape, strict=True)])
    return float(error), tuple(float(s) for s in (lag - middle) * spacing)


def _lengths(size: Sequence[float]) -> str:
    return " x ".join(f"{length:.4g}" for length in size)
