"""A guard for layers that are removed: the canvas's OpenGL context must be the current one.

napari 0.9.2 frees a removed layer's buffers outside of any drawing. Where another context is current then, the canvas
goes on reading them, and the process ends at one of the next frames: adding two layers, removing both and adding two
again is enough on Mesa. Making the context current before is all it takes.
"""

from typing import Any

from qtpy.compat import isalive
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QWidget


class CanvasGuard:
    """Makes the canvases of a widget's window current whenever a layer is about to be removed.

    Parameters
    ----------
    viewer
        Whose layers are watched.
    widget
        A widget docked in that viewer's window.
    """

    def __init__(self, viewer: Any, widget: QWidget) -> None:
        self._viewer = viewer
        self._widget = widget
        self._canvases: list[QOpenGLWidget] = []
        viewer.layers.events.removing.connect(self.make_current)

    def remember(self) -> None:
        """Find the canvases while the widget is docked: a closed dock has to clear up after itself, too."""
        found = self._widget.window().findChildren(QOpenGLWidget)
        self._canvases = found or self._canvases

    def make_current(self, event: Any = None) -> None:
        """Make every canvas of the window current."""
        self.remember()
        for canvas in self._canvases:
            if isalive(canvas):
                canvas.makeCurrent()

    def release(self) -> None:
        """Listen to the viewer no longer."""
        self._viewer.layers.events.removing.disconnect(self.make_current)
