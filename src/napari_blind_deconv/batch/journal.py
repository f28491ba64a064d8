"""What happens in an output folder, line by line, so that a run that died can be continued and cleared up after.

The journal is JSON lines that are only ever appended, each on the disk before the work goes on. Who works in the folder
holds it; the system lets go of it for a process that died, and then every temporary of an earlier run is a leftover.
"""

import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError

JOURNAL = "batch_journal.jsonl"
"""The journal's name in an output folder."""

_LOCK = "lock.tmp"
_RUN_DIGITS = 6  # bytes of a run's name


@dataclass
class Journal:
    """An output folder that this process alone works in.

    Attributes
    ----------
    folder
        The output folder.
    run
        What this run is called; names of its temporaries begin with it.
    earlier
        What earlier runs wrote, oldest first; lines that are torn are left out.
    cleared
        How many leftovers of dead runs were removed.
    kept
        Whether it stays although there was none before: of a single file there is nothing to continue.
    """

    folder: Path
    run: str
    earlier: list[dict[str, Any]]
    cleared: int = 0
    kept: bool = True
    _descriptor: int = field(default=-1, repr=False)
    _begun: bool = False

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.folder / JOURNAL

    def mark(self, number: int) -> str:
        """What the names of the temporaries of the file of this number begin with."""
        return f"{self.run}-{number:06d}-"

    def begin(self) -> None:
        """Say who works here: before the first temporary is made, so that it is known whose it is."""
        self._begun = True
        self.note("run", pid=os.getpid(), host=socket.gethostname())

    def note(self, event: str, **facts: Any) -> None:
        """Append a line, and wait until it is on the disk.

        Raises
        ------
        InputError
            Where the disk is full.
        """
        line = json.dumps({"event": event, "run": self.run, "time": _now(), **facts}) + "\n"
        with io.worded(self.folder):
            data = line.encode("ascii")
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fsync(self._descriptor)

    def last_of_inputs(self) -> dict[str, dict[str, Any]]:
        """What earlier runs said last of every input, by its name."""
        return {entry["input"]: entry for entry in self.earlier if isinstance(entry.get("input"), str)}

    @property
    def is_needed(self) -> bool:
        """Whether it stays when the run ends."""
        return bool(self.earlier) or (self._begun and self.kept)


@contextmanager
def opened(folder: Path, *, kept: bool = True) -> Iterator[Journal]:
    """Take an output folder, made where it is missing, and clear up what died there; nothing is written before `begin`.

    ``kept`` is as of `Journal`.

    Raises
    ------
    InputError
        If another run works in it, and for a folder that cannot be written to.
    """
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    path = folder / JOURNAL
    with io.worded(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with _held(path) as descriptor:
            earlier, torn = _read(path)
            journal = Journal(folder, secrets.token_hex(_RUN_DIGITS), earlier, kept=kept, _descriptor=descriptor)
            # A last line that was cut off is closed, and stays what it is.
            if torn:
                with io.worded(folder):
                    os.write(descriptor, b"\n")
            journal.cleared = _cleared(folder, earlier)
            try:
                yield journal
            finally:
                if not journal.is_needed:
                    with suppress(OSError):
                        path.unlink()
    finally:
        with suppress(OSError):
            for one in made:
                one.rmdir()


@contextmanager
def working(folder: Path, mark: str) -> Iterator[None]:
    """A context that shows others that temporaries of this mark belong to a process that lives."""
    path = folder / f".{mark}{_LOCK}"
    try:
        with io.worded(folder), io.held(path):
            yield
    except io.TakenError as error:
        raise _taken(folder) from error
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def settled(folder: Path, mark: str) -> bool:
    """Clear up what a process that died has left of the file with this mark; ``False``: it lives, nothing is done."""
    if io.is_held(folder / f".{mark}{_LOCK}"):
        return False
    if folder.is_dir():
        with io.worded(folder):
            io.recover(folder, mark)
    return True


@contextmanager
def _held(path: Path) -> Iterator[int]:
    try:
        with io.worded(path.parent), io.held(path) as descriptor:
            yield descriptor
    except io.TakenError as error:
        raise _taken(path.parent, _holder(path)) from error


def _taken(folder: Path, who: str = "") -> InputError:
    return InputError(
        subject=f"output folder {folder}",
        value=f"is in use by another run{who}",
        remedy="wait until that has ended, or choose another folder",
    )


def _holder(path: Path) -> str:
    """Who began last, in words."""
    try:
        found = [entry for entry in _read(path)[0] if entry.get("event") == "run"]
    except OSError:
        return ""
    return f" (process {found[-1].get('pid')} on {found[-1].get('host')})" if found else ""


def _cleared(folder: Path, earlier: list[dict[str, Any]]) -> int:
    """Settle and remove what earlier runs have left; refuse where one of their workers still lives."""
    runs = {str(entry["run"]) for entry in earlier if _is_name(entry.get("run"))}
    for run in runs:
        if any(io.is_held(path) for path in folder.glob(f".{run}-*{_LOCK}")):
            raise _taken(folder)
    with io.worded(folder):
        return sum(io.recover(folder, f"{run}-") for run in runs)


def _is_name(run: Any) -> bool:
    return isinstance(run, str) and len(run) == 2 * _RUN_DIGITS and set(run) <= set("0123456789abcdef")


def read_journal(folder: Path) -> list[dict[str, Any]]:
    """What happened in an output folder, oldest first; nothing where there is no journal.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> with opened(folder) as journal:
    ...     journal.begin()
    ...     journal.note("started", input="a.tif")
    >>> [entry["event"] for entry in read_journal(folder)]
    ['run', 'started']
    """
    path = folder / JOURNAL
    return _read(path)[0] if path.is_file() else []


def _read(path: Path) -> tuple[list[dict[str, Any]], bool]:
    """The entries, and whether the last line is torn."""
    content = path.read_bytes()
    found: list[dict[str, Any]] = []
    for line in content.split(b"\n"):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, Mapping):
            found.append(dict(entry))
    return found, bool(content) and not content.endswith(b"\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
