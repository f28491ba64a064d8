"""Files, and folders that are images, that appear complete or not at all."""

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_blind_deconv._types import InputError

from .commit import Commit, beside, is_folder, remove, sync, sync_folder
from .zarr_nodes import is_store

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_MB = 1e6


@contextmanager
def atomic(*paths: Path, needed_bytes: int = 0, outdated: Sequence[Path] = (), mark: str = "") -> Iterator[list[Path]]:
    """Temporary paths to write to, beside ``paths``; on leaving they take those names, on failure they are removed.

    The last path is the commit point. Whenever the process may die, a file of that name is there only beside the
    other files of its own writing: an older one is put aside before anything else changes, and the new one appears
    last. On a failure short of death what was there comes back. Missing folders are made, and removed again on failure.

    Parameters
    ----------
    paths
        Files, or zarr stores, which are folders, to appear, in this order, once all are written and safely on disk; all
        in one folder. A store may replace a file or a store, never another folder.
    needed_bytes
        What will be written; refused beforehand if the disk has less.
    outdated
        Files of an older writing that nothing replaces, such as its maps; they go when the new files come.
    mark
        What the names of temporaries begin with, by which `recover` settles what a process that died has left.

    Raises
    ------
    InputError
        For a full disk or a folder that cannot be written to, naming it.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> target = Path(mkdtemp()) / "note.txt"
    >>> with atomic(target) as (temporary,):
    ...     _ = temporary.write_text("done")
    >>> target.read_text()
    'done'
    """
    temporary = [beside(path, mark) for path in paths]
    made: list[Path] = []
    complete = False
    try:
        for path in paths:
            made += _make_folder(path.parent)
        _check_room(paths[0].parent, needed_bytes)
        yield temporary
        for path in temporary:
            sync(path)
        _commit(temporary, paths, outdated, mark)
        complete = True
    except OSError as error:
        raise _refusal(error, paths[0].parent, needed_bytes) from error
    finally:
        with suppress(OSError):
            for path in temporary:
                remove(path)
        if not complete:
            _remove_empty(made)


@contextmanager
def growing(folder: Path, needed_bytes: int = 0, mark: str = "") -> Iterator[Callable[[], Path]]:
    """Hidden paths in a folder, for what is written while it is computed; what is left there on leaving is removed.

    What is complete is to be moved to a path that `atomic` gives.

    Parameters
    ----------
    folder
        Where results go; made where it is missing, and removed again if nothing has come into it.
    needed_bytes
        What will be written; refused beforehand if the disk has less.
    mark
        As of `atomic`.

    Raises
    ------
    InputError
        For a full disk or a folder that cannot be written to, naming it.
    """
    given: list[Path] = []
    made: list[Path] = []

    def path() -> Path:
        given.append(beside(folder / "image", mark))
        return given[-1]

    try:
        with worded(folder, needed_bytes):
            made = _make_folder(folder)
            _check_room(folder, needed_bytes)
        yield path
    finally:
        with suppress(OSError):
            for left in given:
                remove(left)
        _remove_empty(made)


@contextmanager
def worded(folder: Path, needed_bytes: int = 0) -> Iterator[None]:
    """What the system says of a folder that cannot be written to, as an `InputError`."""
    try:
        yield
    except OSError as error:
        raise _refusal(error, folder, needed_bytes) from error


def _commit(temporary: Sequence[Path], paths: Sequence[Path], outdated: Sequence[Path], mark: str) -> None:
    """Give the files their names; the last one says that all of them are there."""
    for path in (*paths, *outdated):
        if is_folder(path) and not is_store(path):
            raise OSError(errno.EISDIR, f"{path.name} is a folder there")
    if len(paths) == 1 and not outdated and not is_folder(paths[0]) and not is_folder(temporary[0]):
        temporary[0].replace(paths[0])
        sync_folder(paths[0].parent)
        return
    commit = Commit.of(temporary, paths, outdated, mark)
    if not mark:
        commit.carry_out()
        return
    with commit.noted(mark):
        commit.carry_out()


def check_folder(folder: Path) -> None:
    """Try to write into a folder that may not exist yet, leaving no trace.

    Raises
    ------
    InputError
        If it cannot be written to.
    """
    made: list[Path] = []
    probe = folder / f".{secrets.token_hex(6)}.tmp"
    try:
        made = _make_folder(folder)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise _refusal(error, folder, 0) from error
    finally:
        _remove_empty(made)


def check_room(folder: Path, needed_bytes: int) -> None:
    """Refuse a folder whose disk has less room than that.

    Raises
    ------
    InputError
        Naming it.
    """
    with worded(folder, needed_bytes):
        _check_room(folder, needed_bytes)


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder and those above it; gives the ones that were missing, innermost first."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _remove_empty(folders: list[Path]) -> None:
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _check_room(folder: Path, needed_bytes: int) -> None:
    if shutil.disk_usage(folder).free < needed_bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _refusal(error: OSError, folder: Path, needed_bytes: int) -> InputError:
    subject, another = f"output folder {folder}", "choose another folder"
    # NumPy reports a short write without an error number; nothing but a lack of room makes writes short.
    if error.errno in _FULL or (error.errno is None and "written" in str(error)):
        amount = f"{max(needed_bytes, _MB) / _MB:.0f} MB"
        return InputError(
            subject=subject, value=f"has not enough space: {amount} are needed", remedy=f"free that much or {another}"
        )
    if error.errno in _FORBIDDEN:
        return InputError(subject=subject, value="is not writable", remedy=f"{another} or change its permissions")
    if error.errno in {errno.EEXIST, errno.ENOTDIR}:
        return InputError(subject=subject, value="is a file, or lies in one", remedy=another)
    return InputError(subject=subject, value=f"cannot be written to ({error.strerror or error})", remedy=another)
