"""A table of PSFs as text: one line per figure, one column per PSF."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from napari_blind_deconv.metrics import PsfRow, PsfTable


@dataclass(frozen=True)
class Line:
    """One figure of all PSFs: its name with its unit, a value per PSF, and what it means."""

    name: str
    values: tuple[str, ...]
    hint: str


def lines(table: PsfTable) -> list[Line]:
    """The table as it is shown: first the distances to the reference, then what each PSF says of itself."""
    found = [*_distances(table), *_widths(table), *_shapes(table)]
    return [line for line in found if any(value != "–" for value in line.values)]


def _distances(table: PsfTable) -> Iterator[Line]:
    name = table.rows[table.reference].name
    yield _line(table, "KE", lambda r: short(r.ke), f"Kernel error against {name}: 0 is the same PSF")
    yield _line(table, "KE / ‖k‖", lambda r: short(r.ke_rel), "The same, relative to the reference's norm")
    hint = "The same after the best shift between voxels: what is left when only the shape counts"
    yield _line(table, "KE / ‖k‖, shape only", lambda r: short(r.ke_rel_subpixel), hint)
    yield _line(
        table, "MNC", lambda r: short(r.mnc), f"Maximum of the normalised correlation with {name}: 1 is the same"
    )
    axes = axes_of(table)
    hint = f"Along {', '.join(axes)}: from the reference's centre to where this PSF fits it best"
    yield _line(table, f"Shift ({table.unit})", lambda r: _numbers(r.shift), hint)


def _widths(table: PsfTable) -> Iterator[Line]:
    for i, axis in enumerate(axes_of(table)):
        hint = f"Full width at half maximum along {axis}, through the peak"
        yield _line(table, f"FWHM {axis}{_unit(table)}", partial(_width, table, i), hint)
    hint = "Full widths at half maximum along the PSF's own axes, the longest first"
    yield _line(
        table,
        f"FWHM, own axes{_unit(table)}",
        lambda r: _lengths(table, r, r.figures.fwhm_principal),
        hint,
    )


def _shapes(table: PsfTable) -> Iterator[Line]:
    hint = "1 - short / long width in the plane of y and x: 0 is round"
    yield _line(table, "Ellipticity (y, x)", lambda r: short(r.figures.ellipticity), hint)
    hint = "Direction of the long axis in that plane, from x towards y"
    yield _line(table, "Orientation (°)", lambda r: _degrees(r.figures.orientation_deg), hint)
    hint = "Between the long axis and z"
    yield _line(table, "Tilt from z (°)", lambda r: _degrees(r.figures.tilt_deg), hint)
    hint = "Difference from itself turned by 180°: 0 is symmetric, 1 is the most"
    yield _line(table, "Asymmetry", lambda r: short(r.figures.asymmetry), hint)
    hint = "How spread out: 0 is a single voxel, log n is n equal ones"
    yield _line(table, "Entropy (nats)", lambda r: f"{max(r.figures.entropy_nats, 0.0):.2f}", hint)
    hint = "Light on the outermost voxels: more than a few per cent says that the support cuts the PSF"
    yield _line(table, "Light at the border", lambda r: f"{r.figures.border_fraction:.1%}", hint)
    hint = "Peak over that of the ideal PSF at equal light: above 0.8 is called diffraction-limited"
    yield _line(table, "Strehl ratio", lambda r: short(r.figures.strehl), hint)
    yield _line(table, "Size (voxels)", lambda r: " × ".join(str(n) for n in r.figures.size), "Of the support")
    hint = "Of the layer; PSFs on other voxels than the reference's are resampled to be compared"
    yield _line(table, "Voxel size (µm)", lambda r: _exact(r.figures.voxel_size_um), hint)


def _line(table: PsfTable, name: str, of: Callable[[PsfRow], str], hint: str) -> Line:
    return Line(name, tuple(of(row) for row in table.rows), hint)


def axes_of(table: PsfTable) -> str:
    """The letters of the PSFs' axes."""
    return "zyx"[-len(table.rows[table.reference].figures.fwhm) :]


def _unit(table: PsfTable) -> str:
    """The unit behind a name, where all PSFs share it; else every value has its own."""
    units = {row.figures.unit for row in table.rows}
    return f" ({units.pop()})" if len(units) == 1 else ""


def _width(table: PsfTable, axis: int, row: PsfRow) -> str:
    return short(row.figures.fwhm[axis]) + ("" if _unit(table) else f" {row.figures.unit}")


def _lengths(table: PsfTable, row: PsfRow, lengths: Sequence[float]) -> str:
    return _numbers(lengths) + ("" if _unit(table) else f" {row.figures.unit}")


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value + 0:.2f}" if abs(value) >= 0.005 else "0" for value in values) or "–"


def _exact(values: Sequence[float] | None) -> str:
    return "unknown" if values is None else ", ".join(f"{value:.4g}" for value in values)


def _degrees(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


def short(value: float | None) -> str:
    """Three digits that tell something.

    Examples
    --------
    >>> short(0.00004), short(0.08251), short(2.514), short(None)
    ('0', '0.0825', '2.51', '–')
    """
    if value is None:
        return "–"
    return "0" if abs(value) < 5e-5 else f"{value:.3g}" if abs(value) >= 0.1 else f"{value:.4f}"


def as_text(table: PsfTable) -> str:
    """The table as it is shown, columns separated by tabs, notes below."""
    head = ["", *column_names(table)]
    rows = [head, *([line.name, *line.values] for line in lines(table)), *([note] for note in table.notes)]
    return "\n".join("\t".join(row) for row in rows) + "\n"


def column_names(table: PsfTable) -> list[str]:
    """The PSFs' names, the reference marked."""
    return [row.name + (" (reference)" if i == table.reference else "") for i, row in enumerate(table.rows)]


def as_csv(table: PsfTable) -> str:
    """One row per PSF with every figure at full precision, for a spreadsheet or a record over the years."""
    found = table.to_dict()
    axes = axes_of(table)
    rows = [_flat({**psf, "reference": found["reference"]}, axes) for psf in found["psfs"]]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(psf: dict[str, Any], axes: str) -> dict[str, Any]:
    """A column per axis for what has one value per axis; sentences joined."""
    flat: dict[str, Any] = {}
    for name, value in psf.items():
        if name == "notes":
            flat[name] = "; ".join(value)
        elif isinstance(value, (tuple, list)):
            suffixes = "123" if name == "fwhm_principal" else axes
            flat |= {f"{name}_{suffix}": number for suffix, number in zip(suffixes, value, strict=False)}
        else:
            flat[name] = value
    return flat
