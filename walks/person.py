"""What a person does at a window: drops a file, clicks, types, chooses, waits, looks.

Only what can be seen and is enabled can be clicked: a walk that a person could not do stops with the reason.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import napari
from napari._qt.dialogs.qt_notification import NapariQtNotification
from PIL import Image
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QScrollArea,
    QWidget,
)

PLUGIN: Final = "napari-blind-deconv"
_POLL_S: Final = 0.01
_PATIENCE_S: Final = 10.0  # on a busy machine
_READ: Final = 12  # of a list of commands, before somebody gives up
_LEFT: Final = Qt.MouseButton.LeftButton


class CannotError(Exception):
    """What a person wanted to do and could not, and why."""


class Person:
    """Somebody in front of a new napari window.

    Parameters
    ----------
    name
        Of the walk: screenshots are ``walk-NAME-STEP.png``.
    pictures
        Folder of the screenshots; ``None`` takes none.
    every
        Whether there is a screenshot of every step, or only those that the documentation shows.
    size
        Width and height of the window in px.
    """

    def __init__(
        self, name: str, pictures: Path | None = None, *, every: bool = False, size: tuple[int, int] = (1400, 900)
    ) -> None:
        self.name, self.pictures, self.every = name, pictures, every
        self.viewer = napari.Viewer(title="napari")
        self.window: Any = self.viewer.window
        self.window.resize(*size)
        self.waits(0.5)

    def leaves(self) -> None:
        """Close the window."""
        self.viewer.close()
        self.waits(0.1)

    # What a person sees

    def looks(self, step: str, *, page: bool = True) -> None:
        """Take a screenshot of the whole window, notifications closed: of a ``page``, or of every step if asked."""
        self.waits(0.6)
        for note in self.window._qt_window.findChildren(NapariQtNotification):
            note.close()
        self.waits(0.3)
        if self.pictures is not None and (page or self.every):
            self.pictures.mkdir(parents=True, exist_ok=True)
            path = self.pictures / f"walk-{self.name}-{step}.png"
            pixels = self.viewer.screenshot(canvas_only=False, flash=False)
            # 256 colours are enough for a window, and a quarter of the bytes.
            Image.fromarray(pixels[..., :3]).quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)

    def waits(self, seconds: float) -> None:
        """Let the window live for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(_POLL_S)

    def waits_for(self, what: str, happens: Callable[[], bool], seconds: float = 120.0) -> None:
        """Wait until something is seen.

        Raises
        ------
        CannotError
            If it is not seen in time.
        """
        end = time.monotonic() + seconds
        while not happens():
            if time.monotonic() > end:
                raise CannotError(f"waited {seconds:g} s in vain for {what}")
            QApplication.processEvents()
            time.sleep(_POLL_S)

    # What a person does

    def clicks(self, part: QWidget) -> None:
        """Click a widget, scrolled into view where it lies in a scroll area."""
        self._reaches(part)
        # Of a box to tick, only the box and its words react.
        place = QPoint(8, part.height() // 2) if isinstance(part, QCheckBox) else part.rect().center()
        QTest.mouseClick(part, _LEFT, pos=place)
        self.waits(0.05)

    def chooses(self, box: QComboBox, text: str) -> None:
        """Choose an item of a list: open it and click the item that starts so."""
        self._reaches(box)
        number = next((i for i in range(box.count()) if box.itemText(i).startswith(text)), None)
        if number is None:
            offered = ", ".join(box.itemText(i) for i in range(box.count()))
            raise CannotError(f"the list does not offer {text!r}; it offers {offered}")
        box.showPopup()
        self.waits(0.1)
        view = box.view()
        index = box.model().index(number, box.modelColumn())
        view.scrollTo(index)
        QTest.mouseMove(view.viewport(), view.visualRect(index).center())
        QTest.mouseClick(view.viewport(), _LEFT, pos=view.visualRect(index).center())
        self.waits(0.2)
        if box.currentIndex() != number:
            raise CannotError(f"{text!r} was clicked, but {box.currentText()!r} is chosen")

    def types(self, field: QLineEdit, text: str) -> None:
        """Replace what stands in a field, and leave it by the tabulator."""
        self.clicks(field)
        QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Tab)
        self.waits(0.05)

    def drops(self, *files: Path, on: QWidget | None = None) -> None:
        """Drag files out of a folder onto the canvas, or on a widget."""
        target = self.window._qt_viewer if on is None else on
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
        place, button, none = target.rect().center(), _LEFT, Qt.KeyboardModifier.NoModifier
        for event in (
            QDragEnterEvent(place, Qt.DropAction.CopyAction, data, button, none),
            QDropEvent(QPointF(place), Qt.DropAction.CopyAction, data, button, none),
        ):
            QApplication.sendEvent(target, event)
        self.waits(0.2)

    def finds(self, words: str, title: str) -> None:
        """Type words into napari's command palette, and go down to the command of a title."""
        main = self.window._qt_window
        main.activateWindow()
        QTest.qWaitForWindowActive(main)
        QTest.keyClick(main, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        self.waits(0.2)
        palette = main._command_palette
        if not palette.isVisible():
            raise CannotError("the command palette does not open")
        field = palette.findChild(QLineEdit)
        QTest.keyClicks(field, words)
        self.waits(0.2)
        titles = [command.title for command in palette._list.iter_command()][:_READ]
        number = next((i for i, found in enumerate(titles) if found.startswith(title)), None)
        if number is None:
            raise CannotError(f"for {words!r} the palette first offers {titles}, not {title!r}")
        for _ in range(number):
            QTest.keyClick(field, Qt.Key.Key_Down)
        QTest.keyClick(field, Qt.Key.Key_Return)
        self.waits(0.3)

    def sees(self, title: str) -> Any:
        """The plugin's widget of a title, in whichever dock it is open."""
        open_ = self.window.dock_widgets
        found = [widget for name, widget in open_.items() if name.startswith(f"{title} (")]
        if len(found) != 1:
            raise CannotError(f"there are {len(found)} docks {title!r}; open are {', '.join(open_)}")
        return found[0]

    def _reaches(self, part: QWidget) -> None:
        """Scroll a widget into view; a form that has just changed lays itself out first."""
        end = time.monotonic() + _PATIENCE_S
        while True:
            above = part.parentWidget()
            while above is not None:
                if isinstance(above, QScrollArea):
                    above.ensureWidgetVisible(part)
                above = above.parentWidget()
            self.waits(0.05)
            if part.isVisible() and not part.visibleRegion().isEmpty() and part.isEnabled():
                return
            if time.monotonic() > end:
                break
        why = "not to be seen" if not part.isVisible() else "disabled" if not part.isEnabled() else "hidden"
        raise CannotError(f"{_words(part)} is {why}")


def _words(part: QWidget) -> str:
    text = getattr(part, "text", lambda: "")()
    return f"{type(part).__name__} {text!r}"
