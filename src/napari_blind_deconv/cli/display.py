"""What people see of a run: a bar while it lasts, on stderr, and a summary at the end, on stdout."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from napari_blind_deconv._types import Progress as Step
from napari_blind_deconv.batch import Event, FileReport, FileStarted
from napari_blind_deconv.doubts import reasons
from napari_blind_deconv.metrics import METRICS

from .bars import Bars
from .interruption import raise_if_interrupted
from .names import in_options
from .shown import shown

_LINES_UP_TO = 3  # files; more of them are told as a table
_TABLE_WIDTH = 132  # letters; a narrower terminal, or a log, wraps lines rather than cells


def follow(events: Iterator[Event], reports: list[FileReport], total: int) -> None:
    """Draw a bar for every file that is worked on, and add each file's report to ``reports`` as it ends.

    Where stderr is no terminal (a log), every finished file of several is one line instead. How many an earlier run had
    done is said at the end.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    skipped = 0
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        bars = Bars(bar, total)
        for event in events:
            raise_if_interrupted()
            if isinstance(event, FileStarted):
                bars.start(event)
            elif isinstance(event, Step):
                bars.step(event)
            else:
                bars.end(event)
                reports.append(event)
                skipped += event.skipped
                if event.skipped:
                    continue
                if total > 1 and not console.is_terminal:
                    console.print(shown(f"[{len(reports)}/{total}] {_outcome(event)}"), markup=False)
    if skipped:
        console.print(f"{skipped} of {total} {'file was' if total == 1 else 'files were'} done already", markup=False)


def summarise(reports: Sequence[FileReport]) -> None:
    """Say what was written and what was found."""
    console = Console(highlight=False, soft_wrap=True)
    done = [report for report in reports if report.status == "done"]
    if len(reports) > _LINES_UP_TO:
        wide_console().print(_table(reports))
    else:
        for report in done:
            for line in lines(report):
                console.print(shown(line), markup=False)
    for report in reports:
        if report.status == "failed":
            console.print(shown(f"failed: {report.path}: {report.message}"), markup=False)


def wide_console() -> Console:
    """Standard output, wide enough for a table."""
    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, _TABLE_WIDTH)
    return console


def lines(report: FileReport) -> list[str]:
    """The summary of one file, line by line."""
    found = report.report
    already = " by an earlier run," if report.skipped else ""
    told = [f"{report.path.name}: done{already} in {found['seconds']:.1f} s on {found['device']}"]
    told += [f"  wrote    {path}" for path in report.outputs]
    if found["plan"]["blocks"] > 1:
        told.append(f"  plan     {found['plan']['words']}")
    if "drift" in found:
        told += [f"  drift    {drift['reason']}" for drift in _as_list(found["drift"])]
    several = _as_list(found["kernel"])
    for kernel, name in zip(several, found.get("psf_of", [""] * len(several)), strict=True):
        widths = _widths(kernel, found["input"]["voxel_size_um"])
        told.append(f"  PSF      {_size(kernel['size'])} px, FWHM {widths}" + (f", {name}" if name else ""))
    told += [f"  noise    {noise['words'].removeprefix('noise of ')}" for noise in _as_list(found["noise"])]
    told += [f"  left out {words}" for words in (left["words"] for left in _as_list(found["left_out"])) if words]
    told += [f"  {METRICS[name].label:<8} {text}" for name, text in graded(found.get("metrics", {})).items()]
    return told + [f"  warning  {in_options(sentence)}" for sentence in reasons(found)]


def graded(figures: Mapping[str, Any]) -> dict[str, str]:
    """Every figure with its grade, in words."""
    grades = figures.get("grades", {})
    words = {name: f" ({grades[name]})" if name in grades else "" for name in METRICS}
    return {name: f"{figures[name]:.4g}{words[name]}" for name in METRICS if figures.get(name) is not None}


def _outcome(report: FileReport) -> str:
    if report.status == "failed":
        return f"{report.path.name}: failed: {report.message}"
    return f"{report.path.name}: done in {report.report['seconds']:.1f} s"


def _table(reports: Sequence[FileReport]) -> Table:
    done = [report for report in reports if report.status == "done"]
    compared = [name for name in METRICS if any(name in report.report.get("metrics", {}) for report in done)]
    table = Table(
        "file", "seconds", "PSF FWHM", "noise", *[METRICS[name].label for name in compared], "warnings", box=None
    )
    for report in done:
        found = report.report
        widths = "; ".join(_widths(kernel, found["input"]["voxel_size_um"]) for kernel in _as_list(found["kernel"]))
        noise = ", ".join(f"{sigma:.3g}" for sigma in _as_list(found["noise_sigma"]))
        figures = graded(found.get("metrics", {}))
        cells = [f"{found['seconds']:.1f}", widths, noise, *[figures.get(name, "") for name in compared]]
        table.add_row(escape(shown(report.path.name)), *cells, str(len(reasons(found)) or ""))
    return table


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _size(numbers: Sequence[Any]) -> str:
    return " x ".join(str(number) for number in numbers)


def _widths(kernel: dict[str, Any], voxel_size_um: Sequence[float | None] | None) -> str:
    widths = f"{_size([f'{width:.2f}' for width in kernel['fwhm_px']])} px"
    if voxel_size_um is None or len(voxel_size_um) != len(kernel["fwhm_px"]):
        return widths
    lengths = ["?" if v is None else f"{w * v:.3f}" for w, v in zip(kernel["fwhm_px"], voxel_size_um, strict=True)]
    return f"{widths} ({_size(lengths)} µm)"
