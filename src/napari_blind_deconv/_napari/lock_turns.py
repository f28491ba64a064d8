"""Short turns of Python's lock while a run computes, so that the window gets its own at once.

A thread that computes keeps the lock for a turn, by default 5 ms, before another one gets it. Every event of a window
asks for it anew, napari's own filter of events included, and ten events in a row then wait 50 ms.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_TURN: Final = 0.0005
"""Seconds; a run pays less than a hundredth for turns as short as that."""

_usual: list[float] = []


@contextmanager
def short_turns() -> Iterator[None]:
    """Turns are short while this is entered; after the last of several runs they are as long as they were.

    Examples
    --------
    >>> import sys
    >>> usual = sys.getswitchinterval()
    >>> with short_turns():
    ...     sys.getswitchinterval() <= 0.0005
    True
    >>> sys.getswitchinterval() == usual
    True
    """
    _usual.append(_usual[0] if _usual else sys.getswitchinterval())
    sys.setswitchinterval(min(_TURN, _usual[0]))
    try:
        yield
    finally:
        usual = _usual.pop()
        if not _usual:
            sys.setswitchinterval(usual)
