"""Small files that people name, read with care: a pipe would never end, and a disk image would fill the memory."""

import os
import stat
from pathlib import Path

from napari_blind_deconv._types import InputError

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_bytes(path: Path, what: str, most: int) -> bytes:
    """All bytes of a regular file.

    Parameters
    ----------
    path
        The file.
    what
        What it is to be, in words: "settings file".
    most
        Bytes that such a file may have.

    Raises
    ------
    InputError
        Where it is missing, no regular file, or larger.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "a.json"
    >>> _ = path.write_bytes(b"{}")
    >>> read_bytes(path, "settings file", 10)
    b'{}'
    """
    try:
        # Without waiting for somebody to write into a pipe.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise _no_file(path, what, mode)
            content = file.read(most + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        if path.is_dir():
            raise _no_file(path, what, stat.S_IFDIR) from error
        reason = getattr(error, "strerror", None) or "its name contains characters that file names cannot have"
        raise InputError(
            subject=what, value=str(path), allowed=f"cannot be read ({reason.lower()})", remedy="check the path"
        ) from error
    if len(content) > most:
        raise InputError(
            subject=what,
            value=str(path),
            allowed=f"has more than {_amount(most)}, which no {what} has",
            remedy="check the path",
        )
    return content


def _no_file(path: Path, what: str, mode: int) -> InputError:
    kind = next((name for test, name in _KINDS if test(mode)), "of another kind")
    return InputError(subject=what, value=str(path), allowed=f"is {kind}, no file", remedy="give the path of a file")


def _amount(size: int) -> str:
    return f"{size // 2**20} MB" if size >= 2**20 else f"{size} bytes"
