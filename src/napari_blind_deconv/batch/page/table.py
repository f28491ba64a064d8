"""Records as a table with a row per PSF, and as JSON."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from napari_blind_deconv.printable import shown
from napari_blind_deconv.report import versions

from .records import Channel, Record

MADE_BY = "napari-blind-deconv report"
# A spreadsheet takes text that begins so for a formula, and would run what a file's name says.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """A flat row per PSF, all with the same keys; lengths say their unit in the key, what is not known is None."""
    found = [_row(record, channel) for record in records for channel in record.channels or (None,)]
    names = dict.fromkeys(name for row in found for name in row)
    return [{name: row.get(name) for name in names} for row in found]


def as_csv(records: Sequence[Record]) -> str:
    """The rows as comma-separated values with a heading, for spreadsheets."""
    held = io.StringIO()
    table = rows(records)
    writer = csv.writer(held, lineterminator="\r\n")
    writer.writerow(table[0])
    writer.writerows([_cell(value) for value in row.values()] for row in table)
    return held.getvalue()


def as_json(title: str, records: Sequence[Record], told: Sequence[str]) -> dict[str, Any]:
    """Everything that the page shows but its pictures; names of files may hold what JSON has to escape."""
    listed = []
    for record in records:
        entry = asdict(record)
        for channel, own in zip(entry["channels"], record.channels, strict=True):
            channel.pop("taps")
            channel |= {"fwhm_px": own.fwhm_px, "over_theory": own.over_theory}
        listed.append(entry | {"doubts": record.doubts, "differs": record.differs})
    return {"made_by": MADE_BY, "versions": dict(versions()), "folder": title, "files": listed, "notes": list(told)}


def _row(record: Record, channel: Channel | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "file": record.name,
        "channel": channel.number or None if channel else None,
        "status": record.status,
        "message": record.message,
        "doubts": None if channel is None else "; ".join(check.name for check in channel.doubts),
        "psf_differs": None if channel is None else "; ".join(channel.marks),
        "kernel_prior": record.kernel_prior,
    }
    if channel is not None:
        row |= _of_psf(channel) | _of_image(channel)
    return row | {
        "seconds": record.seconds,
        "peak_memory_mb": record.peak_memory_mb,
        "axes": record.axes,
        "shape": " ".join(str(n) for n in record.shape),
        "dtype": record.dtype,
        "sha256": record.sha256,
        "report": record.report,
        "version": record.version,
        "warnings": " | ".join(record.warnings),
        "command": record.command,
    }


def _of_psf(channel: Channel) -> dict[str, Any]:
    figures = channel.figures
    found: dict[str, Any] = {}
    columns: Mapping[str, Sequence[float] | None] = {
        "voxel_{}_um": channel.voxel_size_um,
        "fwhm_{}_um": channel.fwhm_um,
        "fwhm_{}_px": channel.fwhm_px,
        "theory_{}_um": channel.theory,
        "over_theory_{}": channel.over_theory,
    }
    for form, values in columns.items():
        known = dict(zip(channel.axes, values or (), strict=False))
        found |= {form.format(axis): known.get(axis) for axis in "zyx"}
    for name in ("ellipticity", "asymmetry", "entropy_nats", "border_fraction"):
        found[f"psf_{name}"] = getattr(figures, name, None)
    found["distance_to_median_psf"] = channel.distance
    for figure in channel.fitted:
        found |= {figure.name: figure.value, f"{figure.name}_error": figure.error}
    return found


def _of_image(channel: Channel) -> dict[str, Any]:
    detail = channel.detail
    best = channel.families[0] if channel.families else None
    return {
        "chosen_kind": best.kind if best else None,
        "evidence_nats": best.gain_nats if best else None,
        "flux_ratio": channel.flux_ratio,
        "noise_sigma": channel.noise_sigma,
        "noise": channel.noise_words,
        "detail_before": detail and detail.before,
        "detail_before_limit": detail and detail.limit_before,
        "detail_after": detail and detail.after,
        "detail_after_limit": detail and detail.limit_after,
        "detail_unit": detail and detail.unit,
    }


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return str(value)
    text = shown(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
