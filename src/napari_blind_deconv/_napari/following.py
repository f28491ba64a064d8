"""A choice of a layer follows the layer list, unless it was made by hand."""

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer

from napari_blind_deconv._napari.layer_choice import LayerChoice, unwrapped


class Following(QObject):
    """Chooses what is opened, or selected in the layer list.

    Whoever chooses in the box keeps that choice until they select or open another layer: that a layer goes away, or
    that a run adds one, is no choice of theirs.

    Parameters
    ----------
    viewer
        Whose layer list is followed.
    choice
        What follows it.
    worth
        Which layers are followed; results of this plugin are not.
    """

    def __init__(self, viewer: Any, choice: LayerChoice, worth: Callable[[Any], bool]) -> None:
        super().__init__(choice)
        self._viewer, self._choice, self._worth = viewer, choice, worth
        self._by_hand = False
        self._removing = False
        self._before: Any = None
        choice.activated.connect(self._chosen_by_hand)
        viewer.layers.selection.events.active.connect(self._follow)
        viewer.layers.events.removed.connect(self._removed)
        self._follow()

    def release(self) -> None:
        """Listen to the viewer no longer."""
        self._viewer.layers.selection.events.active.disconnect(self._follow)
        self._viewer.layers.events.removed.disconnect(self._removed)

    def _chosen_by_hand(self) -> None:
        self._by_hand = True

    def _removed(self, event: Any = None) -> None:
        # napari selects a neighbour of what has been removed.
        self._removing = True
        QTimer.singleShot(0, self._forget_removal)

    def _forget_removal(self) -> None:
        self._removing = False

    def _follow(self, event: Any = None) -> None:
        layer = unwrapped(self._viewer.layers.selection.active)
        if layer is None or (self._removing and self._by_hand):
            return
        if not any(other is layer for other in self._choice.layers()):
            self._choice.refresh()
        if any(other is layer for other in self._choice.layers()) and self._worth(layer):
            self._by_hand = False
            if self._choice.value() is not layer:
                self._before = self._choice.value()
            self._choice.set_value(layer)

    def step_back(self, layer: Any) -> None:
        """Choose what was chosen before, where a layer that was followed turns out to be a PSF or the like."""
        followed = layer is not None and self._choice.value() is layer and not self._by_hand
        if followed and any(other is self._before for other in self._choice.layers()):
            self._choice.set_value(self._before)
