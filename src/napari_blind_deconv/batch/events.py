"""What is said of a batch while it is worked on: events that a terminal, a window or a scheduler shows."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from napari_blind_deconv._types import InputError, Progress


@dataclass(frozen=True)
class FileStarted:
    """A file's turn has come; ``index`` counts from 1."""

    path: Path
    index: int
    total: int


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


def label_of(path: Path, image: int | None) -> str:
    """What an image is called: its file and, where that holds several, its number."""
    return str(path) if image is None else f"{path}, image {image}"


Event = FileStarted | Progress | FileReport
