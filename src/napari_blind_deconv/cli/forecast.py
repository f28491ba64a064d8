"""``blind-deconv run --dry-run``: what would be done, before anything is."""

import sys

from rich.markup import escape
from rich.table import Table

from napari_blind_deconv import io
from napari_blind_deconv.batch import Forecast, Prepared, forecasts, free_bytes_at, states

from . import DONE, REFUSED
from .display import wide_console
from .shown import shown

_MINUTE, _HOUR = 60, 3600


def tell_forecast(found: Prepared, *, as_json: bool) -> int:
    """Say what goes in, how each image is worked on, and what all of it takes; gives the exit code of the run's start.

    Nothing is written. The code is 2 where the run would refuse to start.
    """
    expected = forecasts(states(found))
    free = free_bytes_at(found.batch.output)
    if as_json:
        left_out = [{"file": str(path), "why": reason} for path, reason in found.table.left_out]
        told = {
            "files": [one.to_dict() for one in expected],
            "left_out": left_out,
            "psf_from": found.batch.psf_from,
            "predicted_seconds": sum(one.seconds for one in expected),
            "disk_bytes": sum(one.disk_bytes for one in expected),
            "disk_free_bytes": free,
        }
        sys.stdout.write(io.to_json(told) + "\n")
    else:
        _print(found, expected, free)
    return REFUSED if any(one.status == "refused" for one in expected) else DONE


def _print(found: Prepared, expected: list[Forecast], free: int) -> None:
    console = wide_console()
    table = Table("file", "state", "size", "plan", "memory", "time", "disk", box=None)
    for one in expected:
        size = " x ".join(map(str, one.shape))
        figures = [f"{one.gigabytes:.1f} GB", duration(one.seconds), _bytes(one.disk_bytes)]
        cells = [one.status, size, one.words, *(figures if one.status == "to do" else ["", "", ""])]
        table.add_row(escape(shown(one.label)), *(escape(shown(cell)) for cell in cells))
    console.print(table)
    for path, reason in found.table.left_out:
        console.print(shown(f"left out: {path} {reason}"), markup=False)
    todo = [one for one in expected if one.status == "to do"]
    needed, seconds = sum(one.disk_bytes for one in todo), sum(one.seconds for one in todo)
    counts = {status: sum(one.status == status for one in expected) for status in ("to do", "done", "refused", "fails")}
    states_in_words = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    most = max((one.gigabytes for one in todo), default=0.0)
    console.print(
        f"{states_in_words}: about {duration(seconds)}, {most:.1f} GB of memory at most, {_bytes(needed)} of disk "
        f"({_bytes(free)} free)",
        markup=False,
    )
    if needed > free:
        console.print("warning: the disk has less space than that; free some, or choose another folder", markup=False)
    if counts["refused"]:
        console.print("the run would be refused: allow results to be replaced with --overwrite", markup=False)


def duration(seconds: float) -> str:
    """A time span, rounded."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < _HOUR else f"{seconds / _HOUR:.1f} h"


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
