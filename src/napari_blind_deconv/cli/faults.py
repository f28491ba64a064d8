"""What nobody foresaw, in one line: no traceback reaches a user, but whoever wants one can have it."""

import os
import sys
import warnings
from collections.abc import Callable
from types import TracebackType

TRACEBACK = "BLIND_DECONV_TRACEBACK"
"""Variable of the environment that, set to anything, gives the traceback."""

_FAILED, _FAULT, _NO_READER = 1, 70, 141


class OneLine:
    """A context in which an exception becomes one line and an exit code, and Python's warnings are kept to itself.

    Warnings of libraries, as of a division by zero, are about lines that no user sees; results are checked instead.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.code: int | None = None
        self._say = say

    def __enter__(self) -> "OneLine":
        self._filters = warnings.catch_warnings()
        self._filters.__enter__()
        if not sys.warnoptions:
            warnings.showwarning = lambda *_, **__: None
        # A terminal of another encoding lacks letters such as µ; escaped, they are no reason to end.
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._filters.__exit__(kind, error, trace)
        if not isinstance(error, Exception) or os.environ.get(TRACEBACK):
            return False
        if isinstance(error, BrokenPipeError):
            # Who read the output has gone, and Python would complain once more at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            self.code = _NO_READER
            return True
        from napari_blind_deconv.failures import in_words, is_fault

        fault = is_fault(error)
        self.code = _FAULT if fault else _FAILED
        self._say(in_words(error) + (f"; with {TRACEBACK}=1 it says where" if fault else ""))
        return True
