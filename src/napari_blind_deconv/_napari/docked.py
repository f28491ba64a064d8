"""A widget that knows when its dock was closed."""

from abc import abstractmethod

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QWidget


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
