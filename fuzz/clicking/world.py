"""What an action acts on: a window, the widgets in it, a folder, and a generator of random numbers."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from napari import Viewer
from qtpy.compat import isalive
from qtpy.QtWidgets import QDockWidget

from fuzz.case import Rng

PLUGIN: Final = "napari-blind-deconv"
WIDGETS: Final = ("Blind deconvolution", "Batch", "Deconvolution metrics", "Compare PSFs", "PSF from beads")


@dataclass
class World:
    """One window of napari and what is in it."""

    viewer: Viewer
    rng: Rng
    folder: Path
    opened: list[Any] = field(default_factory=list)
    """Widgets of the plugin that were opened, closed ones included."""
    files: list[str] = field(default_factory=list)
    """What was saved, and may be opened again."""

    def widgets(self, kind: str = "") -> list[Any]:
        """Those that are in a dock now, all or those of one class."""
        there = [widget for widget in self.opened if isalive(widget) and widget.parent() is not None]
        return [widget for widget in there if not kind or type(widget).__name__ == kind]

    def docks(self) -> list[Any]:
        """The docks around the plugin's widgets."""
        return [dock for widget in self.widgets() if (dock := dock_of(widget)) is not None]

    @property
    def is_busy(self) -> bool:
        """Whether any widget is at work."""
        return any(getattr(w, "is_running", False) or getattr(w, "is_busy", False) for w in self.opened if isalive(w))


def dock_of(widget: Any) -> QDockWidget | None:
    """The dock that a widget is in, however deep."""
    above = widget.parent()
    while above is not None and not isinstance(above, QDockWidget):
        above = above.parent()
    return above
