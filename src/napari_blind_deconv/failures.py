"""What stops a run other than its input, in words for people: they can do nothing with an exception's name."""

import traceback
from pathlib import Path

_PACKAGE = Path(__file__).parent
# What torch says, by a plain RuntimeError, where it finds no room.
_NO_ROOM = ("can't allocate memory", "not enough memory", "out of memory", "failed to allocate", "invalid buffer size")
OTHER_PIXELS = "has other pixels by now"
"""What is said of an image, as a layer or a file, that is no longer the one that a result was made from."""
_FAULT = "a fault of this program stopped it"


def in_words(error: Exception) -> str:
    """One sentence without the exception's name.

    Examples
    --------
    >>> in_words(MemoryError("Unable to allocate 8.00 TiB for an array"))
    'not enough memory; crop the image, or use a machine with more memory'
    """
    if is_memory(error):
        return "not enough memory; crop the image, or use a machine with more memory"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror.lower()}; check the file, the disk and the permissions"
    return f"{_FAULT}{_place(error)}; please report it, with the command or the settings"


def is_memory(error: Exception) -> bool:
    """Whether there was no room for an array."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _NO_ROOM)


def is_fault(error: Exception) -> bool:
    """Whether the program itself is to blame, rather than memory or a disk."""
    return not is_memory(error) and not (isinstance(error, OSError) and error.strerror)


def _place(error: Exception) -> str:
    """The last line of this package that was reached: what a report of the fault needs first."""
    lines = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    ours = [(file.relative_to(_PACKAGE), line) for file, line in lines if file.is_relative_to(_PACKAGE)]
    return f" at {ours[-1][0].as_posix()}, line {ours[-1][1]}" if ours else ""
