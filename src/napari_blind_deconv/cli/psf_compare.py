"""``blind-deconv psf compare``."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, whole
from napari_blind_deconv.batch import refuse_replacing
from napari_blind_deconv.metrics import METRICS, PsfFigures, PsfRow, PsfTable, compare_psfs, psf_profiles
from napari_blind_deconv.physical_checks import psf_doubts, voxel_doubts

from .psf_figure import draw
from .shown import shown

_TABLE_WIDTH = 150  # letters; a narrower terminal, or a log, wraps lines rather than cells


@dataclass(frozen=True)
class Psf:
    """One PSF of a file."""

    name: str
    path: Path
    taps: NDArray[Any]
    voxel_size_um: tuple[float, ...] | None
    warnings: tuple[str, ...] = ()


def execute(
    files: Sequence[Path],
    reference: str | None,
    ideal: Path | None,
    voxel_size_um: tuple[float, ...] | None,
    figure: Path | None,
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Compare and say so.

    Raises
    ------
    InputError
        For files that hold no PSF, PSFs that cannot be compared, and a figure that would replace a file.
    """
    paths, chosen = _with_reference(list(files), reference)
    if figure is not None:
        refuse_replacing([figure], [*paths, *([ideal] if ideal else [])], overwrite=overwrite)
    psfs = [psf for path in paths for psf in read_psfs(path, voxel_size_um, _name(path, paths))]
    index = next(i for i, psf in enumerate(psfs) if psf.path == paths[chosen])
    table = compare_psfs(
        [psf.taps for psf in psfs],
        [psf.name for psf in psfs],
        [psf.voxel_size_um for psf in psfs],
        reference=index,
        ideal=None if ideal is None else read_psfs(ideal, voxel_size_um)[0].taps,
    )
    warnings = [
        f"{psf.name}: {told}" for psf in psfs for told in [*psf_doubts(psf.taps), *voxel_doubts(psf.voxel_size_um)]
    ]
    warnings = list(dict.fromkeys(told for psf in psfs for told in psf.warnings)) + warnings
    if figure is not None:
        draw(figure, [(psf.name, psf_profiles(psf.taps.squeeze(), _squeezed(psf))) for psf in psfs])
    if as_json:
        sys.stdout.write(io.to_json(table.to_dict() | {"warnings": warnings}) + "\n")
    else:
        _tell(table, warnings, figure)


def read_psfs(path: Path, voxel_size_um: tuple[float, ...] | None = None, name: str = "") -> list[Psf]:
    """The PSFs of a file, one per channel.

    Raises
    ------
    InputError
        For axes along which a PSF cannot vary.
    """
    volume = io.read(path)
    data, axes, name = volume.data, volume.axes, name or path.name
    for letter in [a for a in axes if a not in "CZYX" and data.shape[axes.index(a)] == 1]:
        data, axes = data.squeeze(axes.index(letter)), axes.replace(letter, "")
    if set(axes) - set("CZYX"):
        raise InputError(
            f"{path} has axes {volume.axes} {volume.data.shape}; a PSF has Z, Y, X and perhaps C: save one frame"
        )
    # Lengths that are known along some axes only would be compared with pixels along the others.
    size, said = voxel_size_um or whole(volume.voxel_size_um), tuple(volume.doubts)
    spatial = axes.replace("C", "")
    if size is not None and len(size) != len(spatial):
        raise InputError(f"--voxel-size-um {size} has {len(size)} lengths, but {path} has axes {spatial}; give as many")
    if "C" not in axes:
        return [Psf(name, path, data, size, said)]
    channels = [data.take(i, axes.index("C")) for i in range(data.shape[axes.index("C")])]
    return [Psf(f"{name} C{i}", path, taps, size, said) for i, taps in enumerate(channels, start=1)]


def _with_reference(paths: list[Path], reference: str | None) -> tuple[list[Path], int]:
    """The files, and which of them is the reference; one that is not among them comes first."""
    if reference is None:
        return paths, 0
    if reference.isdigit() and not Path(reference).exists():
        if not 1 <= int(reference) <= len(paths):
            raise InputError(f"--reference {reference} is not there; give a file, or a number from 1 to {len(paths)}")
        return paths, int(reference) - 1
    for i, path in enumerate(paths):
        if reference in {str(path), path.name} or path.resolve() == Path(reference).resolve():
            return paths, i
    return [Path(reference), *paths], 0


def _name(path: Path, paths: Sequence[Path]) -> str:
    """The end of a path that no other file has."""
    for count in range(1, len(path.parts)):
        end = path.parts[-count:]
        if sum(other.parts[-count:] == end for other in paths) == 1:
            return str(Path(*end))
    return str(path)


def _squeezed(psf: Psf) -> tuple[float, ...] | None:
    """Lengths of the axes that are longer than one tap."""
    if psf.voxel_size_um is None:
        return None
    return tuple(h for h, n in zip(psf.voxel_size_um, psf.taps.shape, strict=True) if n > 1)


def _tell(table: PsfTable, warnings: Sequence[str], figure: Path | None) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, _TABLE_WIDTH)
    has_strehl = any(row.figures.strehl is not None for row in table.rows)
    pair = [METRICS[name].label for name in ("ke", "ke_rel", "mnc")]
    listing = Table("PSF", *pair, "sub-pixel", "FWHM", "ellipticity", "tilt", "asymmetry", "entropy", box=None)
    if has_strehl:
        listing.add_column("Strehl")
    for i, row in enumerate(table.rows):
        strehl = [f"{row.figures.strehl:.3f}"] if row.figures.strehl is not None else []
        listing.add_row(escape(shown(row.name)), *_cells(row, is_reference=i == table.reference), *strehl)
    console.print(listing)
    console.print(
        shown(
            f"against {table.rows[table.reference].name}; sub-pixel: KE / ‖k‖ when a shift between pixels does not "
            "count"
        ),
        markup=False,
    )
    for note in table.notes:
        console.print(shown(f"note     {note}"), markup=False)
    for warning in warnings:
        console.print(shown(f"warning  {warning}"), markup=False)
    if figure is not None:
        console.print(shown(f"wrote    {figure}"), markup=False)


def _cells(row: PsfRow, *, is_reference: bool) -> list[str]:
    figures = row.figures
    pair = ["-"] * 4
    if not is_reference:
        pair = [f"{value:.4f}" for value in (row.ke, row.ke_rel, row.mnc, row.ke_rel_subpixel)]
    return [
        *pair,
        widths(figures),
        _or_dash(figures.ellipticity, ".3f"),
        _or_dash(figures.tilt_deg, ".1f", "°"),
        f"{figures.asymmetry:.3f}",
        f"{figures.entropy_nats:.2f}",
    ]


def widths(figures: PsfFigures) -> str:
    """The widths of a PSF, along z, y and x."""
    return f"{' x '.join(f'{width:.3f}' for width in figures.fwhm)} {figures.unit}"


def _or_dash(value: float | None, form: str, unit: str = "") -> str:
    return "-" if value is None else f"{value:{form}}{unit}"
