"""Ctrl-C and SIGTERM that cannot get lost."""

import signal
from types import FrameType, TracebackType


class Interruption:
    """Raises ``KeyboardInterrupt`` like Python's own handler, and remembers that it did.

    An exception raised while a finaliser or a library's callback runs is swallowed there; the work then goes on as if
    nobody had asked. `raise_if_interrupted`, called between two steps, asks again.
    """

    def __init__(self) -> None:
        self.arrived = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Answer a signal."""
        self.arrived = True
        raise KeyboardInterrupt

    def __enter__(self) -> "Interruption":
        # A scheduler that takes its machine back says so by SIGTERM; that is an interruption like any other.
        self._before = [(number, signal.signal(number, self)) for number in (signal.SIGINT, signal.SIGTERM)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before:
            signal.signal(number, handler)


def raise_if_interrupted() -> None:
    """Raise ``KeyboardInterrupt`` if one was asked for and did not arrive."""
    handler = signal.getsignal(signal.SIGINT)
    if isinstance(handler, Interruption) and handler.arrived:
        raise KeyboardInterrupt
