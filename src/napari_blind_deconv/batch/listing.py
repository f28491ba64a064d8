"""The list of what became of every file of a batch, beside the results."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError

from .events import FileReport
from .plan import refuse_replacing

BATCH_REPORT = "batch.json"
"""The list's name in an output folder."""

Words = Callable[[FileReport], str]


def entry_of(report: FileReport, words: Words | None = None) -> dict[str, Any]:
    """A file's line in the list; ``words`` says why it failed, where that is worded for somebody."""
    outputs = [str(path) for path in report.outputs]
    message = report.message if words is None else words(report)
    return {"input": report.label, "status": report.status, "message": message, "outputs": outputs}


def refuse_listing(output: Path, keep: Sequence[Path], *, overwrite: bool) -> None:
    """Refuse to replace what has the list's name and is none; an earlier list is added to.

    Raises
    ------
    InputError
        Naming it.
    """
    refuse_replacing([output / BATCH_REPORT], keep, overwrite=overwrite or earlier_entries(output) is not None)


def write_listing(
    output: Path, reports: Sequence[FileReport], labels: Sequence[str], mark: str, words: Words | None = None
) -> None:
    """Write the list of a run, and of earlier runs into the folder whose files are not among it.

    Parameters
    ----------
    output
        The folder.
    reports
        What became of files, in any order.
    labels
        All images of the run, in their order.
    mark
        As of `io.atomic`.
    words
        As of `entry_of`.
    """
    entries = {str(entry.get("input")): entry for entry in earlier_entries(output) or []}
    entries |= {report.label: entry_of(report, words) for report in reports}
    others = [label for label in entries if label not in set(labels)]
    listed = [entries[label] for label in (*others, *labels) if label in entries]
    io.write_json(output / BATCH_REPORT, {"files": listed, "inputs": len(others) + len(labels)}, mark)


def earlier_entries(output: Path) -> list[dict[str, Any]] | None:
    """The lines of a list that is there; ``None`` where there is none, or something else of its name."""
    try:
        found = io.read_json(output / BATCH_REPORT).get("files")
    except InputError:
        return None
    if not isinstance(found, list) or not all(isinstance(e, dict) and "input" in e for e in found):
        return None
    return found
