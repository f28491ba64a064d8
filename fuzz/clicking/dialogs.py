"""Dialogs are answered at once: nobody is there to do it."""

from pathlib import Path
from typing import Any, Final

from qtpy.QtCore import QTimer
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QApplication, QDialog, QFileDialog, QMenu, QWidget

from fuzz.case import Rng, chance, pick

_CLOSE_MS: Final = 400
_timers: list[QTimer] = []


def answer(rng: Rng, folder: Path) -> None:
    """Answer from now on with files in a folder, or with Cancel; what opens all the same is closed."""

    def one(*_: Any, **__: Any) -> tuple[str, str]:
        there = sorted(str(path) for path in folder.rglob("*.tif"))
        return ("", "") if chance(rng, 0.3) or not there else (str(pick(rng, there)), "")

    def several(*_: Any, **__: Any) -> tuple[list[str], str]:
        path, _kind = one()
        return ([path] if path else []), ""

    def new(*_: Any, **__: Any) -> tuple[str, str]:
        name = pick(rng, ["t.csv", "t.png", "t.svg", "t", "nowhere/t.csv", "images"])
        return ("", "") if chance(rng, 0.3) else (str(folder / name), "")

    def directory(*_: Any, **__: Any) -> str:
        return "" if chance(rng, 0.3) else str(folder / pick(rng, ["images", "nowhere", "results0"]))

    QFileDialog.getOpenFileName = one
    QFileDialog.getOpenFileNames = several
    QFileDialog.getSaveFileName = new
    QFileDialog.getExistingDirectory = directory
    QDesktopServices.openUrl = lambda *_: True
    if not _timers:
        timer = QTimer()
        timer.setInterval(_CLOSE_MS)
        timer.timeout.connect(_close)
        timer.start()
        _timers.append(timer)


def _close() -> None:
    """Close a menu, a list or a dialog that is open."""
    popup: QWidget | None = QApplication.activePopupWidget()
    if popup is not None:
        print(f"    closes {type(popup).__name__}", flush=True)
        if isinstance(popup, QMenu):
            popup.close()
        else:
            popup.hide()
    modal = QApplication.activeModalWidget()
    if isinstance(modal, QDialog):
        print(f"    closes {type(modal).__name__} {modal.windowTitle()!a}", flush=True)
        modal.reject()
