"""Which layer marks pixels to leave out, and which one the region that the PSF is estimated in."""

from typing import Any, Final

from napari.layers import Image, Labels, Shapes
from qtpy.QtCore import QObject, Signal

from napari_blind_deconv._napari.drawn import Drawn, drawn_on
from napari_blind_deconv._napari.layer_choice import LayerChoice
from napari_blind_deconv._napari.settings_form import SettingsForm

_KINDS: Final = (Labels, Shapes)
_LEAVE_OUT: Final = "Pixels that are no data: those with a label, or inside a shape. A shape counts in all planes."
_REGION: Final = (
    "Where the PSF is estimated, as if the image had been cropped to it; all of the image is restored. "
    "A shape counts in all planes."
)


class MaskChoices(QObject):
    """Two rows of the form; both hold the viewer's labels and shapes layers, and nothing to begin with."""

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self.leave_out = LayerChoice(viewer, "nothing", kinds=_KINDS)
        self.region = LayerChoice(viewer, "the busiest part of the image", kinds=_KINDS)
        self._before: list[Any] = [None, None]
        for choice in self._choices:
            choice.changed.connect(self._told)

    @property
    def _choices(self) -> tuple[LayerChoice, LayerChoice]:
        return self.leave_out, self.region

    def put_into(self, form: SettingsForm) -> None:
        """Add the rows to the part of a form that few people need."""
        form.add_advanced("Estimate the PSF in", self.region, _REGION)
        form.add_advanced("Leave out", self.leave_out, _LEAVE_OUT)

    def drawn_on(self, image: Image, *, estimating: bool) -> tuple[Drawn | None, Drawn | None]:
        """What is left out of an image, and where its PSF is estimated.

        Raises
        ------
        InputError
            For a layer that cannot lie on the image.
        """
        layers = [self.leave_out.value(), self.region.value() if estimating else None]
        left_out, region = (None if layer is None else drawn_on(layer, image) for layer in layers)
        return left_out, region

    def gone(self) -> str:
        """The name of a layer that was chosen and has been removed from the viewer since; asked for once."""
        chosen = [choice.value() for choice in self._choices]
        lost = [
            layer.name
            for layer, now in zip(self._before, chosen, strict=True)
            if layer is not None and now is None and layer not in self._viewer.layers
        ]
        self._before = chosen
        return lost[0] if lost else ""

    def _told(self) -> None:
        self.changed.emit()

    def release(self) -> None:
        """Listen to the viewer no longer."""
        for choice in self._choices:
            choice.release()
