"""A widget that knows when its dock was closed, and docks that are opened as napari's menu opens them."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Final

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QWidget

DISPLAY_NAME: Final = "Blind Deconvolution"
"""The plugin's name on screen, which napari's menu puts into the title of a dock."""


class Docked(QWidget):
    """A widget in a dock of the viewer; closing the dock closes it down."""

    def __init__(self) -> None:
        super().__init__()
        self._docked = False

    @abstractmethod
    def close_down(self) -> None:
        """End what runs, and listen to the viewer no longer."""

    def event(self, event: QEvent) -> bool:
        """Notice that the dock was closed: napari then takes the widget out of it and forgets it."""
        if event.type() == QEvent.Type.ParentChange:
            if self._docked and self.parent() is None:
                self.close_down()
            self._docked = self.parent() is not None
        return bool(super().event(event))


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
    dock = window.add_dock_widget(make(viewer), name=f"{title} ({DISPLAY_NAME})")
    if area is not None:
        dock.parent().addDockWidget(area, dock)
