"""What the first run of a process imports, in a thread of its own, so that a run can be cancelled meanwhile.

An import cannot be stopped: of a run that is cancelled it ends in the background, and serves the next one.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from threading import Thread, get_ident
from typing import Final

from napari_blind_deconv import _torch

_STEPS: Final = {
    "loading NumPy's and SciPy's transforms": ("scipy.fft", "scipy.optimize"),
    "loading PyTorch, once": ("torch",),
    "loading the steps of the run": ("napari_blind_deconv.pipeline.recipe",),
}
STARTING_SECONDS: Final = 2.5
"""What all of that takes on an ordinary machine whose files are warm."""
_LOOK: Final = 0.1
"""Seconds between two looks at whether it is done."""


def started() -> Iterator[tuple[str, float]]:
    """Import what a run needs: what is being loaded, and the seconds of computing it took so far, ten times a second.

    Raises
    ------
    ImportError
        Where a package is missing or damaged.
    """
    if _torch.is_loaded():
        return
    # Threads that wait for each other leave the processor to the window, and to whatever else runs: with two other
    # programs at work on two cores, a volume took 31 s in place of 44 (decision 45).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    loading = _Loading()
    loading.start()
    while loading.is_alive():
        loading.join(_LOOK)
        yield loading.words, loading.seconds()
    if loading.error is not None:
        raise loading.error


class _Loading(Thread):
    def __init__(self) -> None:
        super().__init__(name="loading PyTorch", daemon=True)
        self.words = next(iter(_STEPS))
        self.error: ImportError | None = None
        self._begun, self._computed = time.monotonic(), 0.0
        self._clock: int | None = None

    def run(self) -> None:
        # Not on Windows and macOS.
        if hasattr(time, "pthread_getcpuclockid"):
            self._clock = time.pthread_getcpuclockid(get_ident())
        try:
            for self.words, modules in _STEPS.items():
                if "torch" in modules:
                    _torch.load_libraries()
                for name in modules:
                    import_module(name)
        except ImportError as error:
            self.error = error

    def seconds(self) -> float:
        """Of computing, as far as the system tells them, else on the clock."""
        if not hasattr(time, "pthread_getcpuclockid"):
            return time.monotonic() - self._begun
        # Of a thread that has ended since, what was known last.
        with suppress(OSError):
            self._computed = self._computed if self._clock is None else time.clock_gettime(self._clock)
        return self._computed
