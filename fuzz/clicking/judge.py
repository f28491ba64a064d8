"""What counts as a fault: exceptions, complaints of Qt, alarms of napari, what is left over, a window that is stuck."""

import contextlib
import faulthandler
import gc
import sys
import threading
import time
import traceback
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from napari.utils.notifications import ErrorNotification, Notification, notification_manager
from qtpy.QtCore import QThreadPool, QTimer, QtMsgType, qInstallMessageHandler
from qtpy.QtWidgets import QApplication, QWidget

OURS: Final = "napari_blind_deconv"
STUCK: Final = 30.0
"""Seconds of a processor's time; on the clock a window that waits for busy processors may take ten times as long."""
BEAT_MS: Final = 100
GRAVE: Final = ("another thread", "Destroyed while", "Cannot create children", "recursive repaint")
"""In a warning of Qt: what is no cosmetic matter."""


class Judge:
    """Listens to everything; ``faults`` are the plugin's, ``foreign`` what went wrong without it."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.foreign: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self.doing = "starting"
        self.longest = 0.0
        self.longest_in = ""
        self.most_worked = 0.0
        self._beaten, self._worked = time.monotonic(), time.thread_time()
        sys.excepthook = self.caught
        threading.excepthook = lambda told: self.caught(told.exc_type, told.exc_value, told.exc_traceback)
        sys.unraisablehook = lambda told: self.caught(told.exc_type, told.exc_value, told.exc_traceback)
        qInstallMessageHandler(self._of_qt)
        notification_manager.notification_ready.connect(self._of_napari)
        self._timer = QTimer()
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self.beat)
        self._timer.start()

    def beat(self) -> None:
        """The event loop is alive."""
        now = time.monotonic()
        waited, self._beaten = now - self._beaten - BEAT_MS / 1000, now
        if waited > self.longest:
            self.longest, self.longest_in = waited, self.doing
        worked, self._worked = time.thread_time() - self._worked, time.thread_time()
        self.most_worked = max(self.most_worked, worked)
        if worked > STUCK or waited > 10 * STUCK:
            self.fault(f"the window stood still for {waited:.0f} s, at work for {worked:.0f} s")

    def begin(self, action: str) -> None:
        """Something is about to be done; where the window gets stuck is written to the log."""
        self.doing = action
        faulthandler.dump_traceback_later(2 * STUCK)

    def fault(self, sentence: str) -> None:
        """Note a fault."""
        self.faults.append(f"{self.doing}: {sentence}")
        print(f"FAULT {self.doing}: {sentence}", flush=True)

    def caught(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """An exception that nobody handled."""
        text = "".join(traceback.format_exception(kind, error, trace))
        print(text, flush=True)
        last = text.strip().splitlines()[-1]
        if f"{OURS}/" in text:
            where = [line.strip() for line in text.splitlines() if f"{OURS}/" in line]
            self.fault(f"{last} [{_place(where[-1])}]")
        else:
            where = [line.strip() for line in text.splitlines() if line.strip().startswith("File ")]
            self.foreign[f"{last[:200]} [{_place(where[-1]) if where else '?'}]"] += 1

    def _of_qt(self, kind: Any, context: Any, message: str) -> None:
        print(f"Qt: {message}", flush=True)
        if kind in {QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg} or any(word in message for word in GRAVE):
            self.fault(f"Qt says: {message}")
        else:
            self.warnings[message[:120]] += 1

    def _of_napari(self, notification: Notification) -> None:
        if isinstance(notification, ErrorNotification):
            error = notification.exception
            self.caught(type(error), error, error.__traceback__)
        else:
            print(f"    napari: {notification.severity}: {notification.message[:200]!a}", flush=True)

    def judge_end(self, seconds: float = 90.0) -> dict[str, Any]:
        """After all has been closed: what is left of it."""
        self.begin("closing")
        until = time.monotonic() + seconds
        while time.monotonic() < until and (_at_work() or _pool().activeThreadCount()):
            idle(0.2)
        for name, place in _at_work():
            self.fault(f"thread {name} is left, in {place}")
        if _pool().activeThreadCount():
            self.fault(f"{_pool().activeThreadCount()} threads of Qt's pool are still at work")
        return {"threads": threading.active_count(), "widgets": _left_behind()}

    def taken(self) -> dict[str, Any]:
        """What was noted since the last call."""
        found = {
            "faults": self.faults,
            "foreign": dict(self.foreign),
            "warnings": dict(self.warnings),
            "longest_wait": self.longest,
            "longest_wait_in": self.longest_in,
            "most_worked": self.most_worked,
        }
        self.faults, self.longest, self.most_worked = [], 0.0, 0.0
        self.foreign.clear()
        self.warnings.clear()
        return found


def idle(seconds: float) -> None:
    """Let the window do its work."""
    from qtpy.QtCore import QEventLoop

    loop = QEventLoop()
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    loop.exec()


def _at_work() -> list[tuple[str, str]]:
    """Threads that are in the plugin's code, and where; pools of dask, napari and torch keep theirs, without work."""
    names = {thread.ident: thread.name for thread in threading.enumerate() if thread is not threading.main_thread()}
    found = []
    for number, frame in sys._current_frames().items():
        places = [entry for entry in traceback.extract_stack(frame) if f"{OURS}/" in entry.filename]
        if number in names and places:
            found.append((names[number], f"{Path(places[-1].filename).name}:{places[-1].lineno}"))
    return found


def _pool() -> Any:
    return QThreadPool.globalInstance()


def _left_behind() -> dict[str, int]:
    """Widgets of the plugin, and windows, that outlive their window."""
    for _ in range(3):
        QApplication.sendPostedEvents(None, 52)  # deferred deletions
        QApplication.processEvents()
        gc.collect()
    found: Counter[str] = Counter()
    for thing in gc.get_objects():
        with contextlib.suppress(ReferenceError, RuntimeError):
            module = str(type(thing).__module__)
            if (module.startswith(OURS) and isinstance(thing, QWidget)) or type(thing).__name__ == "Viewer":
                found[type(thing).__name__] += 1
    return dict(found.most_common(8))


def _place(line: str) -> str:
    """File, line and function of a line of a traceback."""
    parts = line.replace('"', "").split(", ")
    return f"{Path(parts[0].removeprefix('File ')).name}:{' '.join(parts[1:])}" if len(parts) > 2 else line
