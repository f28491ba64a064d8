"""A file that one process at a time holds; the system lets go of it for a process that dies, whatever it dies of."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_blind_deconv._types import InputError

_TAKEN = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
# Behind all that is ever written: Windows lets nobody else read what is locked.
_FAR = 1 << 40


class TakenError(Exception):
    """Another process, or another run of this one, holds the file."""


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Hold a file, made where it is missing; gives its descriptor, which appends.

    Raises
    ------
    TakenError
        If somebody else holds it.
    InputError
        Where it is no file, or the file system has no locks.
    """
    descriptor = _opened(path)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InputError(subject=str(path), value="is no file", remedy="remove it, or choose another folder")
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno in _TAKEN:
                raise TakenError from error
            raise InputError(
                subject=f"folder {path.parent}",
                value=f"has no locks for files ({(error.strerror or 'unknown reason').lower()})",
                allowed="so two runs could write into it at once",
                remedy="choose an output folder on another disk",
            ) from error
        # Who held it before may have removed it meanwhile.
        if _other(path, descriptor):
            raise TakenError
        yield descriptor
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether somebody holds a file."""
    if not path.is_file():
        return False
    try:
        with held(path):
            return False
    except TakenError:
        return True


def _opened(path: Path) -> int:
    # A pipe in its place is not waited for, and a link is not followed.
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC"):
        flags |= getattr(os, name, 0)
    return os.open(path, flags, 0o666)


def _other(path: Path, descriptor: int) -> bool:
    try:
        return not os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return True


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
