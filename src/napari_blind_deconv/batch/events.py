"""What is said of a batch while it is worked on: events that a terminal, a window or a scheduler shows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, Progress


@dataclass(frozen=True)
class FileStarted:
    """A file's turn has come; ``index`` counts from 1, ``image`` is its number in a file that holds several."""

    path: Path
    index: int
    total: int
    image: int | None = None

    @property
    def label(self) -> str:
        """What its input is called, also in the journal."""
        return label_of(self.path, self.image)


@dataclass(frozen=True)
class FileProgress(Progress):
    """A step of one of several files that are worked on at once; ``index`` is that of its `FileStarted`."""

    index: int = 0


@dataclass(frozen=True)
class FileReport:
    """A file is done or has failed; with the refusal where its input, rather than an accident, is the reason.

    ``skipped``: an earlier run had done it already; ``image`` is its number in a file that holds several.
    """

    path: Path
    status: Literal["done", "failed"]
    message: str = ""
    outputs: tuple[Path, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)
    refusal: InputError | None = None
    skipped: bool = False
    image: int | None = None

    @property
    def refused(self) -> bool:
        """Whether its input is the reason."""
        return self.refusal is not None

    @property
    def label(self) -> str:
        """What its input is called, also in the journal."""
        return label_of(self.path, self.image)


def report_to_dict(report: FileReport) -> dict[str, Any]:
    """JSON-able; numbers that JSON does not have are ``None``, as in the report's file.

    Examples
    --------
    >>> found = FileReport(Path("a.tif"), "failed", "a b", refusal=InputError(subject="a", remedy="b"), image=2)
    >>> again = report_from_dict(report_to_dict(found))
    >>> again.label, again.message, again.refusal.subject
    ('a.tif, image 2', 'a b', 'a')
    """
    refusal = report.refusal
    parts = ("sentence", "subject", "value", "allowed", "remedy")
    return {
        "path": str(report.path),
        "status": report.status,
        "message": report.message,
        "outputs": [str(path) for path in report.outputs],
        "report": json.loads(io.to_json(report.report)),
        "refusal": None if refusal is None else {part: getattr(refusal, part) for part in parts},
        "image": report.image,
    }


def report_from_dict(values: Mapping[str, Any]) -> FileReport:
    """From what `report_to_dict` gives."""
    refusal = values["refusal"]
    return FileReport(
        Path(values["path"]),
        values["status"],
        values["message"],
        tuple(Path(path) for path in values["outputs"]),
        dict(values["report"]),
        None if refusal is None else _refusal(**refusal),
        image=values["image"],
    )


def _refusal(sentence: str, subject: str, value: str, allowed: str, remedy: str) -> InputError:
    return InputError(sentence, subject=subject, value=value, allowed=allowed, remedy=remedy)


def label_of(path: Path, image: int | None) -> str:
    """What an image is called: its file and, where that holds several, its number."""
    return str(path) if image is None else f"{path}, image {image}"


Event = FileStarted | Progress | FileReport
