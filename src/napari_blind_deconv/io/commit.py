"""The moment at which new files take the place of old ones: who dies in it can be finished, or taken back, by another.

Before anything is renamed, it is written down what is to be (`Commit.noted`); what is half-done then tells by the files
that are left how far it came (`recover`).
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_AT_ONCE = 8  # files of a store that are waited for
_RECORD = "commit"
_LARGEST = 1 << 20  # bytes of a record


@dataclass(frozen=True)
class Commit:
    """New files and the names that they are to have, in one folder; the last of these is the commit point.

    Attributes
    ----------
    temporary
        The new files.
    paths
        Their names, in the same order.
    aside
        Where what was there before waits meanwhile, by its name, the old commit point first.
    """

    temporary: tuple[Path, ...]
    paths: tuple[Path, ...]
    aside: Mapping[Path, Path]

    @classmethod
    def of(cls, temporary: Sequence[Path], paths: Sequence[Path], outdated: Sequence[Path], mark: str) -> "Commit":
        """A commit that replaces, or removes, what is there; places have names with ``mark`` in front."""
        olds = [path for path in (paths[-1], *paths[:-1], *outdated) if path.exists() or path.is_symlink()]
        return cls(tuple(temporary), tuple(paths), {old: beside(old, mark) for old in olds})

    def carry_out(self) -> None:
        """Put the old files aside, the commit point first, and name the new ones, the commit point last."""
        folder = self.paths[-1].parent
        try:
            for old, place in self.aside.items():
                old.replace(place)
            sync_folder(folder)
            for path, target in zip(self.temporary[:-1], self.paths[:-1], strict=True):
                path.replace(target)
            sync_folder(folder)
            self.temporary[-1].replace(self.paths[-1])
            sync_folder(folder)
        finally:
            # An interruption may arrive after any call, so the files say how far it came.
            self.settle()

    def settle(self) -> None:
        """Make it all of the new files, or all of the old ones; may itself be broken off and repeated."""
        if not self.temporary[-1].exists():
            with suppress(OSError):
                for place in self.aside.values():
                    remove(place)
            return
        for path, target in zip(self.temporary[:-1], self.paths[:-1], strict=True):
            # What was there before and lies at its name again has been taken back already.
            old_is_back = target in self.aside and not _is_there(self.aside[target])
            if not path.exists() and not old_is_back:
                remove(target)
        # The old commit point last.
        for old, place in reversed(list(self.aside.items())):
            if _is_there(place):
                place.replace(old)

    @contextmanager
    def noted(self, mark: str) -> Iterator[None]:
        """A context in which the commit can be settled by `recover`, should this process die."""
        folder = self.paths[-1].parent
        record, draft = folder / f".{mark}{_RECORD}.tmp", beside(folder / _RECORD, mark)
        names = {
            "temporary": [path.name for path in self.temporary],
            "paths": [path.name for path in self.paths],
            "aside": [[old.name, place.name] for old, place in self.aside.items()],
        }
        try:
            # Names that are no UTF-8 are escaped.
            draft.write_text(json.dumps(names), encoding="ascii")
            sync(draft)
            draft.replace(record)
            sync_folder(folder)
            yield
        finally:
            with suppress(OSError):
                record.unlink(missing_ok=True)
                draft.unlink(missing_ok=True)


def recover(folder: Path, mark: str) -> int:
    """Settle what a process that died has left half-done, and remove its temporaries; gives how many there were.

    Parameters
    ----------
    folder
        Where it wrote.
    mark
        What the names of its temporaries begin with, behind the dot.
    """
    left = [path for path in folder.iterdir() if path.name.startswith(f".{mark}") and path.name.endswith(".tmp")]
    records = [path for path in left if path.name.endswith(f"{_RECORD}.tmp")]
    for record in records:
        found = _recorded(record, mark)
        if found is not None:
            found.settle()
    # The records last: who dies here finds them again.
    for path in sorted(left, key=lambda path: path in records):
        remove(path)
    if left:
        sync_folder(folder)
    return len(left)


def _recorded(record: Path, mark: str) -> Commit | None:
    """A commit that was noted; ``None`` for what is none, or names what a commit of ours cannot."""
    try:
        with record.open("rb") as file:
            found: Any = json.loads(file.read(_LARGEST))
        temporary, paths = list(found["temporary"]), list(found["paths"])
        aside = {str(old): str(place) for old, place in found["aside"]}
    except (OSError, ValueError, TypeError, LookupError):
        return None
    names = [*temporary, *paths, *aside, *aside.values()]
    hidden = [*temporary, *aside.values()]
    plain = all(isinstance(name, str) and name and name == Path(name).name for name in names)
    if not plain or not paths or len(paths) != len(temporary):
        return None
    if not all(name.startswith(f".{mark}") for name in hidden):
        return None
    folder = record.parent
    return Commit(
        tuple(folder / name for name in temporary),
        tuple(folder / name for name in paths),
        {folder / old: folder / place for old, place in aside.items()},
    )


def beside(path: Path, mark: str = "") -> Path:
    """A hidden name in the same folder."""
    return path.with_name(f".{mark}{secrets.token_hex(6)}.tmp")


def is_folder(path: Path) -> bool:
    """Whether there is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def remove(path: Path) -> None:
    """Remove a file, a link or a store, if it is there."""
    if is_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file, or all that is in a folder, is on the disk."""
    if is_folder(path):
        inside = sorted(path.rglob("*"))
        # Most of the time is spent waiting, for many small files, and the disk serves several at once.
        with ThreadPoolExecutor(_AT_ONCE) as workers:
            list(workers.map(sync, [inner for inner in inside if not inner.is_dir()]))
        for folder in (path, *(inner for inner in inside if inner.is_dir())):
            sync_folder(folder)
    else:
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the new names durable; Windows has no such call for folders."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()
