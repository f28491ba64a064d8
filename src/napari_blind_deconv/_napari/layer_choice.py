"""A combo box of the viewer's layers of some kind that keeps itself up to date."""

from collections.abc import Callable
from typing import Any

from napari.layers import Image
from qtpy.QtCore import Signal

from napari_blind_deconv._napari.editors import CalmComboBox


class LayerChoice(CalmComboBox):
    """One of the viewer's layers; ``value()`` is a layer or ``None``.

    Parameters
    ----------
    viewer
        The viewer whose layers are offered; no other one is ever looked up.
    empty
        The text of a first item that stands for no layer; without it one layer is always chosen if there is any.
    offered
        Which of these layers to offer; by default all.
    kinds
        What kinds of layers are looked at; labels are no images here.
    preferred
        Which of those on offer may be chosen without having been asked for; by default all.
    """

    changed = Signal()

    def __init__(
        self,
        viewer: Any,
        empty: str | None = None,
        offered: Callable[[Any], bool] = bool,
        kinds: tuple[type, ...] = (Image,),
        preferred: Callable[[Any], bool] = bool,
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._empty = empty
        self._offered = offered
        self._kinds = kinds
        self._preferred = preferred
        self._layers: list[Any] = []
        for emitter in self._emitters():
            emitter.connect(self.refresh)
        self.currentIndexChanged.connect(self._chosen)
        self.refresh()

    def value(self) -> Any:
        """The chosen layer."""
        index = self.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def set_value(self, layer: Any) -> None:
        """Choose a layer that is offered."""
        self.setCurrentIndex(next((i for i, other in enumerate(self._layers) if other is layer), -1))

    def layers(self) -> list[Any]:
        """The layers on offer."""
        return [layer for layer in self._layers if layer is not None]

    def refresh(self, event: Any = None) -> None:
        """Offer what the viewer holds now; keep the choice if it is still there."""
        before = self.value()
        found = [unwrapped(layer) for layer in self._viewer.layers]
        fitting = [layer for layer in found if isinstance(layer, self._kinds) and self._offered(layer)]
        self._layers = ([None] if self._empty is not None else []) + fitting
        self.blockSignals(True)
        self.clear()
        for layer in self._layers:
            self.addItem(self._empty if layer is None else layer.name)
        self.set_value(before)
        if self.currentIndex() < 0:
            fit = (i for i, layer in enumerate(self._layers) if layer is None or self._preferred(layer))
            self.setCurrentIndex(next(fit, -1))
        self.blockSignals(False)
        if self.value() is not before:
            self.changed.emit()

    def _chosen(self) -> None:
        self.changed.emit()

    def release(self) -> None:
        """Listen to the viewer no longer: the box outlives its dock otherwise."""
        for emitter in self._emitters():
            emitter.disconnect(self.refresh)
        self._layers = []

    def _emitters(self) -> tuple[Any, ...]:
        # A preview that becomes a result is renamed.
        events = self._viewer.layers.events
        return events.inserted, events.removed, events.reordered, events.renamed


def unwrapped(layer: Any) -> Any:
    """The layer itself: plugins are handed proxies, which are a new object at every access."""
    return getattr(layer, "__wrapped__", layer)
