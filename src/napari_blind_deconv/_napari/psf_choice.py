"""Which layers are compared, and with which of them."""

from typing import Any
from weakref import WeakSet

from napari.layers import Image
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem

from napari_blind_deconv._napari.layer_choice import unwrapped
from napari_blind_deconv._napari.layers import role_of
from napari_blind_deconv._napari.live import PREVIEW
from napari_blind_deconv._napari.psf_arrays import looks_like_psf

_ROWS_SHOWN = 5


class PsfChoice(QListWidget):
    """The viewer's image layers with a tick before those that are compared; what looks like a PSF is ticked at once.

    Parameters
    ----------
    viewer
        The viewer whose layers are offered.
    """

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._layers: list[Image] = []
        self._seen: WeakSet[Image] = WeakSet()
        self._ticked: WeakSet[Image] = WeakSet()
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setToolTip("Tick the PSFs to compare")
        for emitter in self._emitters():
            emitter.connect(self.refresh)
        self.itemChanged.connect(self._toggled)
        self.refresh()

    def sizeHint(self) -> QSize:
        """A few rows: the rest scrolls."""
        row = max(self.sizeHintForRow(0), self.fontMetrics().height() + 6)
        return QSize(220, row * max(2, min(self.count(), _ROWS_SHOWN)) + 2 * self.frameWidth() + 4)

    def minimumSizeHint(self) -> QSize:
        """As `sizeHint`: a list of three layers needs no scroll bar."""
        return self.sizeHint()

    def chosen(self) -> list[Image]:
        """The ticked layers, in the order of the layer list from the bottom up."""
        return [layer for layer in self._layers if layer in self._ticked]

    def tick(self, layer: Image, *, on: bool = True) -> None:
        """Tick a layer or take its tick away."""
        for number, other in enumerate(self._layers):
            if other is layer:
                self.item(number).setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    def refresh(self, event: Any = None) -> None:
        """Offer what the viewer holds now; ticks stay, a new PSF gets one."""
        before = self.chosen()
        found = [unwrapped(layer) for layer in self._viewer.layers]
        self._layers = [layer for layer in found if isinstance(layer, Image) and role_of(layer) != PREVIEW]
        for layer in self._layers:
            if layer not in self._seen:
                self._seen.add(layer)
                if looks_like_psf(layer):
                    self._ticked.add(layer)
        self.blockSignals(True)
        self.clear()
        for layer in self._layers:
            item = QListWidgetItem(layer.name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if layer in self._ticked else Qt.CheckState.Unchecked)
            self.addItem(item)
        self.blockSignals(False)
        self.updateGeometry()
        renamed = event is not None and getattr(event, "type", "") == "renamed"
        if renamed or [id(layer) for layer in self.chosen()] != [id(layer) for layer in before]:
            self.changed.emit()

    def _toggled(self, item: QListWidgetItem) -> None:
        layer = self._layers[self.row(item)]
        (self._ticked.add if item.checkState() == Qt.CheckState.Checked else self._ticked.discard)(layer)
        self.changed.emit()

    def release(self) -> None:
        """Listen to the viewer no longer."""
        for emitter in self._emitters():
            emitter.disconnect(self.refresh)
        self._layers = []

    def _emitters(self) -> tuple[Any, ...]:
        events = self._viewer.layers.events
        return events.inserted, events.removed, events.reordered, events.renamed
