"""Before and after: the image and what was made of it, one in place of the other, side by side, with one contrast."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from napari.layers import Image
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QWidget

from napari_blind_deconv._napari.layers import PLUGIN, pixels, role_of


class BeforeAfter(QWidget):
    """A row that is there while the selected layer is a restored image whose source is there, too.

    Parameters
    ----------
    viewer
        Whose layers are compared; layers and grid are left as they were once a button is let go.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._hidden: dict[Any, bool] = {}
        self._grid: dict[str, Any] = {}
        self._limits: tuple[Any, Any] | None = None
        self.before = QPushButton("Before")
        self.before.setToolTip("Show the image that went in, as long as this is pressed; a space bar does it, too")
        self.beside = QPushButton("Side by side")
        self.beside.setCheckable(True)
        self.beside.setToolTip("The image and the restored one beside each other, moved and zoomed together")
        self.contrast = QCheckBox("Same contrast")
        self.contrast.setToolTip("Show both with the contrast limits of the image that went in")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for part in (self.before, self.beside, self.contrast):
            row.addWidget(part)
        self.before.pressed.connect(self._show_before)
        self.before.released.connect(self._show_again)
        self.beside.toggled.connect(self._show_beside)
        self.contrast.toggled.connect(self._share_contrast)
        self._events = (viewer.layers.selection.events.active, viewer.layers.events.removed)
        for event in self._events:
            event.connect(self.refresh)
        self._pair: tuple[Image, Image] | None = None
        self.refresh()

    def refresh(self, event: Any = None) -> None:
        """Look for a pair; another one ends what was shown of the last."""
        pair = pair_of(self._viewer.layers)
        if pair is None and self._pair is not None and all(layer in self._viewer.layers for layer in self._pair):
            # Another layer is selected, such as the image itself: the comparison goes on.
            pair = self._pair
        if pair != self._pair:
            self._end()
            self._pair = pair
        self.setVisible(pair is not None)

    def _show_before(self) -> None:
        if self._pair is not None:
            source, _ = self._pair
            self._show_only([source])

    def _show_again(self) -> None:
        if not self.beside.isChecked():
            self._give_back()
        elif self._pair is not None:
            self._show_only(list(self._pair))

    def _show_beside(self, checked: bool) -> None:
        grid = grid_of(self._viewer)
        if checked and self._pair is not None:
            self._grid = {name: getattr(grid, name) for name in ("shape", "stride", "enabled")}
            self._show_only(list(self._pair))
            grid.shape, grid.stride, grid.enabled = (1, 2), -1 if self._is_above() else 1, True
        elif self._grid:
            for name, value in self._grid.items():
                setattr(grid, name, value)
            self._grid = {}
            self._give_back()

    def _is_above(self) -> bool:
        """Whether the image lies above what was made of it: a grid has layers in their order, the lowest first."""
        order = list(self._viewer.layers)
        return self._pair is not None and order.index(self._pair[0]) > order.index(self._pair[1])

    def _show_only(self, shown: list[Image]) -> None:
        layers = list(self._viewer.layers)
        if not self._hidden:
            self._hidden = {layer: layer.visible for layer in layers}
        for layer in layers:
            layer.visible = any(layer is one for one in shown)

    def _give_back(self) -> None:
        """What was visible is so again, of the layers that are still there."""
        for layer, visible in self._hidden.items():
            if layer in self._viewer.layers:
                layer.visible = visible
        self._hidden = {}

    def _share_contrast(self, checked: bool) -> None:
        if self._pair is None or any(layer.rgb for layer in self._pair):
            return
        source, restored = self._pair
        if checked:
            self._limits = tuple(restored.contrast_limits), tuple(restored.contrast_limits_range)
            low, high = source.contrast_limits
            widest = restored.contrast_limits_range
            restored.contrast_limits_range = (min(low, widest[0]), max(high, widest[1]))
            restored.contrast_limits = (low, high)
        elif self._limits is not None:
            restored.contrast_limits_range = self._limits[1]
            restored.contrast_limits = self._limits[0]
            self._limits = None

    def _end(self) -> None:
        with _quiet(self.beside, self.contrast):
            if self._grid:
                self._show_beside(False)
            self._give_back()
            if self._limits is not None and self._pair is not None and self._pair[1] in self._viewer.layers:
                self._share_contrast(False)
            self._limits = None
            self.beside.setChecked(False)
            self.contrast.setChecked(False)

    def release(self) -> None:
        """Leave everything as it was, and listen to the viewer no longer."""
        self._end()
        for event in self._events:
            event.disconnect(self.refresh)


@contextmanager
def _quiet(*widgets: Any) -> Iterator[None]:
    for widget in widgets:
        widget.blockSignals(True)
    yield
    for widget in widgets:
        widget.blockSignals(False)


def grid_of(viewer: Any) -> Any:
    """The grid of a viewer, which belongs to its canvas from napari 0.9 on."""
    canvas = getattr(viewer, "canvas", None)
    return viewer.grid if canvas is None else canvas.grid


def pair_of(layers: Any) -> tuple[Image, Image] | None:
    """The selected restored image behind the image that it was made from; nothing where either is missing."""
    restored = getattr(layers.selection.active, "__wrapped__", layers.selection.active)
    if not isinstance(restored, Image) or role_of(restored) != "restored":
        return None
    name = restored.metadata[PLUGIN].get("source")
    found = [getattr(layer, "__wrapped__", layer) for layer in layers if layer.name == name]
    fitting = [layer for layer in found if isinstance(layer, Image) and pixels(layer).shape == pixels(restored).shape]
    return (fitting[0], restored) if fitting else None
