"""What the plugin's widgets share in a dock: height, inks, its closing; and docks opened as napari's menu does."""

import itertools
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Final

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QSize, Qt, QTimer
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QDockWidget, QLabel, QMainWindow, QSizePolicy, QWidget

from napari_blind_deconv._napari.layer_choice import unwrapped
from napari_blind_deconv._napari.tones import sheet

_OPENED: Final = itertools.count()
_NARROWEST: Final = 352
"""Width of a widget in pixels, below which its title would be cut, and its texts hard to read."""
_LEAST_HEIGHT: Final = 420  # of a dock in pixels, below which those of this plugin share one place as tabs

DISPLAY_NAME: Final = "Blind Deconvolution"
"""The plugin's name on screen, which napari's menu puts into the title of a dock."""


class Docked(QWidget):
    """A widget in a dock of the viewer; closing the dock closes it down.

    Parameters
    ----------
    viewer
        The viewer that the widget is docked in.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._docked = False
        self._number = next(_OPENED)
        # Below any other widget napari puts a stretch that takes more of its height with every dock that is opened.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._docked_in = viewer
        viewer.events.theme.connect(self._take_theme)
        self._take_theme()

    @abstractmethod
    def close_down(self) -> None:
        """End what runs, and listen to the viewer no longer."""

    def event(self, event: QEvent) -> bool:
        """Notice that the dock was closed: napari then takes the widget out of it and forgets it."""
        if event.type() == QEvent.Type.ParentChange:
            if self._docked and self.parent() is None:
                self._docked_in.events.theme.disconnect(self._take_theme)
                self.close_down()
            elif not self._docked:
                QTimer.singleShot(0, self._share_place)
            self._docked = self.parent() is not None
        return bool(super().event(event))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as much of the title as there is room for."""
        super().resizeEvent(event)
        dock = _dock_of(self)
        if dock is not None:
            _fit_title(dock)

    def minimumSizeHint(self) -> QSize:
        """No narrower than titles and fields need."""
        hint = super().minimumSizeHint()
        return QSize(max(hint.width(), _NARROWEST), hint.height())

    def sizeHint(self) -> QSize:
        """As narrow as it can be: the width belongs to the picture."""
        return QSize(self.minimumSizeHint().width(), super().sizeHint().height())

    def _take_theme(self, event: Any = None) -> None:
        if isalive(self):
            self.setStyleSheet(sheet(self._docked_in.theme))

    def _share_place(self) -> None:
        """Become a tab beside the plugin's other docks where they would leave each other too little height."""
        dock = _dock_of(self) if isalive(self) else None
        window = None if dock is None else dock.parent()
        if dock is None or not isinstance(window, QMainWindow) or dock.isFloating():
            return
        area = window.dockWidgetArea(dock)
        column = [
            d
            for d in window.findChildren(QDockWidget)
            if d is dock or (window.dockWidgetArea(d) == area and _is_shown(d))
        ]
        inside = {d: d.findChild(Docked) for d in column}
        before = {w._number: d for d, w in inside.items() if w is not None and w._number < self._number}
        room = (window.centralWidget() or window).height()
        if before and room < _LEAST_HEIGHT * len(column):
            window.tabifyDockWidget(before[min(before)], dock)
            dock.show()
            dock.raise_()


def _is_shown(dock: QDockWidget) -> bool:
    return not dock.isHidden() and not dock.isFloating()


def _fit_title(dock: QDockWidget) -> None:
    """Leave the plugin's name out of a title that would be cut off."""
    bar: Any = dock.titleBarWidget()
    words = None if bar is None or bar.layout() is None else bar.findChild(QLabel)
    if words is None:
        return
    words.setText(dock.objectName())
    if bar.layout().minimumSize().width() > bar.width():
        words.setText(dock.objectName().removesuffix(f" ({DISPLAY_NAME})"))


def _dock_of(widget: QWidget) -> QDockWidget | None:
    above = widget.parent()
    while above is not None and not isinstance(above, QDockWidget):
        above = above.parent()
    return above


def show_dock(viewer: Any, title: str, make: Callable[[Any], QWidget], area: Qt.DockWidgetArea | None = None) -> None:
    """Show the dock of a title; one that is open already, from the menu or from here, is shown, not made again.

    Parameters
    ----------
    viewer
        Of whose window.
    title
        The widget's title in the manifest.
    make
        Makes the widget for the viewer, where there is no dock yet.
    area
        Where a new dock goes; by default to the right.
    """
    window = viewer.window
    name = next((n for n in window.dock_widgets if n.startswith(f"{title} (")), "")
    if name:
        dock = window.dock_widgets[name].parent()
        while not hasattr(dock, "setFloating"):
            dock = dock.parent()
        dock.show()
        dock.raise_()
        return
    # Qt takes no proxies, which napari hands to plugins.
    dock = unwrapped(window.add_dock_widget(make(viewer), name=f"{title} ({DISPLAY_NAME})"))
    if area is not None:
        # A wide dock below must not take its height from the forms on the right.
        dock.parent().setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        dock.parent().addDockWidget(area, dock)
