"""What the table of a batch shows of an image: plain data, and how events change it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from napari_blind_deconv import io
from napari_blind_deconv._napari.refusals import on_screen, refusal_on_screen
from napari_blind_deconv._napari.run import duration
from napari_blind_deconv._types import Progress
from napari_blind_deconv.batch import FileReport, Forecast, State
from napari_blind_deconv.batch.plan import Job
from napari_blind_deconv.batch.states import skipped_outputs
from napari_blind_deconv.doubts import counted, reasons
from napari_blind_deconv.printable import shown

Status = Literal["", "to do", "done", "refused", "fails", "running", "failed"]


@dataclass(frozen=True)
class Row:
    """An image of a batch.

    Attributes
    ----------
    path, label
        Its file, and what it is called in the batch.
    status
        As of `batch.State` and `batch.Forecast`; ``running`` and ``failed`` are those of this run; empty: not known.
    words
        How it is worked on, which step is being done, or what is wrong.
    shape, gigabytes, seconds, disk_bytes
        As of `batch.Forecast`; of what is done, the seconds that it took.
    share
        The part of it that is done, while it is worked on.
    outputs
        The files of its result.
    doubts
        How many reasons there are to doubt the result.
    """

    path: Path
    label: str
    status: Status = ""
    words: str = ""
    shape: tuple[int, ...] = ()
    gigabytes: float = 0.0
    seconds: float = 0.0
    disk_bytes: int = 0
    share: float = 0.0
    outputs: tuple[Path, ...] = ()
    doubts: int = 0

    @property
    def name(self) -> str:
        """Its file without the format, and its number where that holds several."""
        return shown(io.stem(self.path) + self.label.removeprefix(str(self.path)))


def row_of(job: Job) -> Row:
    """An image that nothing is known of yet."""
    return Row(job.path, job.label)


def looked_at(row: Row, state: State, forecast: Forecast) -> Row:
    """The image with what has become of it, and what is to be expected."""
    found = replace(
        row,
        status=forecast.status,
        words=forecast.words,
        shape=forecast.shape,
        gigabytes=forecast.gigabytes,
        seconds=forecast.seconds,
        disk_bytes=forecast.disk_bytes,
    )
    if state.status != "done":
        return found
    return _done(found, skipped_outputs(state), state.report or {})


def started(row: Row) -> Row:
    """The image, now that its turn has come."""
    return replace(row, status="running", words="reading", share=0.0)


def stepped(row: Row, progress: Progress, share: float = 0.0) -> Row:
    """The image after a step; ``share`` is the part of its time that is over, where that is known."""
    if not share and progress.total > 0:
        share = min(progress.step / progress.total, 1.0)
    return replace(row, words=step_in_words(progress), share=share)


def step_in_words(progress: Progress) -> str:
    """The stage, and which of its steps has been done.

    Examples
    --------
    >>> step_in_words(Progress("restoring", 5, 20)), step_in_words(Progress("reading", 0, 0))
    ('restoring, step 5 of 20', 'reading …')
    """
    detail = f" ({on_screen(progress.message)})" if progress.message else ""
    step = f", step {progress.step} of {progress.total}" if progress.total > 0 else " …"
    return f"{progress.stage}{detail}{step}"


def ended(row: Row, report: FileReport) -> Row:
    """The image that is done, or has failed."""
    if report.status == "failed":
        return replace(row, status="failed", words=message_of(report), share=0.0)
    return _done(row, report.outputs, report.report)


def interrupted(row: Row) -> Row:
    """What was being worked on is to be done again."""
    return replace(row, status="to do", words="", share=0.0) if row.status == "running" else row


def message_of(report: FileReport) -> str:
    """Why a file failed, in the words of the widget."""
    return report.message if report.refusal is None else refusal_on_screen(report.refusal)


def state_in_words(row: Row) -> str:
    """What the table says of an image; what all rows have in common, its path, is left out.

    Examples
    --------
    >>> image = Row(Path("in/a.tif"), "in/a.tif", "failed", "file in/a.tif is empty; give an image")
    >>> state_in_words(image)
    'failed: a.tif is empty; give an image'
    """
    place = f"{row.path.parent}{os.sep}"
    words = row.words.replace(f"file {row.path}", row.path.name).replace(place, "")
    match row.status:
        case "running":
            share = f" ({row.share:.0%})" if row.share else ""
            text = f"running: {words}{share}"
        case "done" if row.doubts:
            text = f"done, {counted(row.doubts)}"
        case "refused":
            text = f"refused: {_in_the_way(words)}"
        case "fails":
            text = f"will fail: {words}"
        case "failed":
            text = f"failed: {words}"
        case _:
            text = row.status or "…"
    return shown(text)


def total_in_words(rows: list[Row], free_bytes: int, *, shared: bool = False) -> str:
    """What all that is to do will take, and how many images are in which state.

    With several processes, ``shared``, the figures are still those of one.

    Examples
    --------
    >>> one = Row(Path("a.tif"), "a.tif", "to do", gigabytes=0.4, seconds=75.0, disk_bytes=3_000_000)
    >>> total_in_words([one, Row(Path("b.tif"), "b.tif", "done")], 40_000_000_000)
    '1 to do, 1 done: about 1 min 15 s, 0.4 GB of memory at most, 3.0 MB of disk (40.0 GB free)'
    """
    words = {"to do": "to do", "done": "done", "refused": "refused", "fails": "will fail", "failed": "failed"}
    counts = {text: sum(row.status == status for row in rows) for status, text in words.items()}
    found = ", ".join(f"{count} {text}" for text, count in counts.items() if count)
    todo = [row for row in rows if row.status == "to do"]
    if not todo:
        return found
    most, disk = max(row.gigabytes for row in todo), sum(row.disk_bytes for row in todo)
    return (
        f"{found}: about {duration(sum(row.seconds for row in todo))}{' of one process' if shared else ''}, "
        f"{most:.1f} GB of memory at most{' for each' if shared else ''}, "
        f"{size_in_words(disk)} of disk ({size_in_words(free_bytes)} free)"
    )


def size_in_words(count: int) -> str:
    """Bytes in a unit that suits them.

    Examples
    --------
    >>> size_in_words(2_400_000), size_in_words(12_000_000_000)
    ('2.4 MB', '12.0 GB')
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _done(row: Row, outputs: tuple[Path, ...], report: Mapping[str, Any]) -> Row:
    seconds = report.get("seconds")
    return replace(
        row,
        status="done",
        words="",
        share=0.0,
        outputs=outputs,
        seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
        doubts=len(reasons(report)),
    )


def _in_the_way(words: str) -> str:
    """What is there instead; its name is that of the image, and the hint has its path."""
    _, there, why = words.partition(" is there already, ")
    return f"a result is there, {why}" if there else words
