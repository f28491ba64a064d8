"""What options of several commands share: their readers, and the one for JSON."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the results of an earlier run.")]
Json = Annotated[bool, typer.Option("--json", help="Write the result as JSON to stdout, and nothing else there.")]


def one_of(kinds: Sequence[str]) -> str:
    """A list for a help text.

    Examples
    --------
    >>> one_of(("auto", "cpu", "cuda"))
    'auto, cpu or cuda'
    """
    return f"{', '.join(kinds[:-1])} or {kinds[-1]}"


def number(text: str) -> float:
    """A number; its range is for the settings to judge."""
    try:
        return float(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a number.") from error


def whole(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a whole number.") from error


Workers = Annotated[
    int | None,
    typer.Option("--workers", parser=whole, metavar="N", help="Restore N files at once, in processes of this machine."),
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="Use the workers of a Dask scheduler."),
]
SchedulerFile = Annotated[
    Path | None, typer.Option("--scheduler-file", help="The same, by the file that the scheduler has written.")
]
Dashboard = Annotated[bool, typer.Option("--dashboard", help="With --workers: serve Dask's dashboard to this machine.")]
Shard = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="Only the I-th of N parts of the images, for a job array."),
]
SharePsf = Annotated[
    str | None, typer.Option(help="What shares one PSF: frames (default), time, plane, channel, all or none.")
]
PsfDrift = Annotated[
    int | None,
    typer.Option(parser=whole, metavar="N", help="Let the PSF change with time: compare groups of N frames."),
]
NoiseSigma = Annotated[
    float | None, typer.Option(parser=number, metavar="F", help="Noise in units of the image. Default: estimated.")
]
Background = Annotated[
    float | None, typer.Option(parser=number, metavar="F", help="Camera offset in units of the image.")
]
Planes = Annotated[
    bool | None, typer.Option("--planes/--no-planes", help="Treat a stack as planes that share one 2-D PSF.")
]
FillNan = Annotated[
    bool | None,
    typer.Option("--fill-nan/--no-fill-nan", help="Fill NaN and infinite pixels from their neighbours."),
]
SettingsFile = Annotated[
    Path | None, typer.Option(help="Settings: JSON, a report, or an image that this program restored.")
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="a.b=VALUE", help="One setting by its path; may be repeated.")
]
Mask = Annotated[Path | None, typer.Option(help="Pixels to use: those where this image is zero are left out.")]
LeaveOut = Annotated[
    Path | None, typer.Option(help="The opposite of --mask: pixels where this image is not zero are left out.")
]
