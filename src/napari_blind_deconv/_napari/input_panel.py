"""Which image is deconvolved, how its axes and voxels are understood, and where that could be wrong."""

import json
from types import MappingProxyType
from typing import Any, Final

from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_blind_deconv._napari.axes_choice import AxesChoice
from napari_blind_deconv._napari.channel_choice import ChannelChoice
from napari_blind_deconv._napari.cropping import channel_region, cropped
from napari_blind_deconv._napari.editors import ListEditor
from napari_blind_deconv._napari.file_facts import channel_names, described
from napari_blind_deconv._napari.following import Following
from napari_blind_deconv._napari.form_rows import add_row, beside, form_layout
from napari_blind_deconv._napari.layer_choice import LayerChoice
from napari_blind_deconv._napari.layer_memory import LayerMemory
from napari_blind_deconv._napari.layers import (
    Source,
    leading_axes,
    pixels,
    role_of,
    shape_in_words,
    source_of,
    voxel_size,
)
from napari_blind_deconv._napari.live import PREVIEW
from napari_blind_deconv._napari.tones import ALARM, QUIET, set_tone
from napari_blind_deconv._napari.voxels_to_layer import VoxelsToLayer
from napari_blind_deconv._napari.wrapped_label import WrappedLabel
from napari_blind_deconv._types import InputError, VoxelSize

_ORIGINS: Final = MappingProxyType(
    {
        "layer": "from the layer",
        "run": "as in the run that made it",
        "file": "read from the file",
        "scale": "from the layer's scale, taken as µm",
        "typed": "typed in",
        "": "unknown: lengths count in pixels",
    }
)
_TYPED: Final = "typed"

_UNKNOWN: Final = "?"  # in place of a length


def is_input(layer: Image) -> bool:
    """Whether somebody may want to restore a layer: a result, a PSF or a reference is there because it was added."""
    return role_of(layer) in {"", "observed"}


class InputPanel(QWidget):
    """The image layer with its axes and voxel size; ``source()`` captures them for a run."""

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.layer_choice = LayerChoice(viewer, offered=lambda layer: role_of(layer) != PREVIEW, preferred=is_input)
        self.layer_choice.setPlaceholderText("choose an image")
        self._typed, self._meant = LayerMemory[str](), LayerMemory[list[str]]()
        self.shape = WrappedLabel()
        self.axes = AxesChoice()
        self.channel = ChannelChoice()
        self.facts: dict[str, Any] = {}
        self.voxel_size = ListEditor("unknown")
        self.origin = WrappedLabel()
        self._origin = ""
        self._rows = form_layout(self)
        add_row(self._rows, "Image", self.layer_choice)
        self._rows.addRow("Shape", self.shape)
        add_row(self._rows, "Axes", self.axes)
        add_row(self._rows, "Channels", self.channel)
        add_row(self._rows, "Voxel size (µm)", self.voxel_size)
        self.use_voxels = VoxelsToLayer(self, viewer)
        self._rows.addRow("", beside(self.origin, self.use_voxels))
        self.layer_choice.changed.connect(self._layer_changed)
        self.axes.changed.connect(self._axes_changed)
        self.channel.changed.connect(self.changed)
        self.voxel_size.changed.connect(self._typed_in)
        self._layer_changed()
        self._following = Following(viewer, self.layer_choice, is_input)

    def choose(self, layer: Any) -> None:
        """Choose a layer if it is on offer."""
        wanted = getattr(layer, "__wrapped__", layer)
        if any(other is wanted for other in self.layer_choice.layers()):
            self.layer_choice.set_value(wanted)

    def is_no_input(self, layer: Any) -> None:
        """A layer is used as something else: where it was chosen because it was opened, the one before is chosen."""
        self._following.step_back(layer)

    def letters(self) -> str:
        """One letter per axis of the chosen layer's pixels."""
        layer = self.layer_choice.value()
        return self.axes.value() + "YX" + ("S" if layer is not None and layer.rgb else "")

    def source(self) -> Source:
        """The chosen layer as the pipeline takes it.

        Raises
        ------
        InputError
            If there is no image, or the voxel size is not made of numbers.
        """
        layer = self.layer_choice.value()
        if layer is None:
            raise InputError("there is no image to deconvolve; open one, or take one from File > Open Sample")
        whole = source_of(layer, self.letters(), self.lengths(), planes=self.axes.planes())
        index = self.channel.value()
        if index is None or "C" not in whole.axes:
            return whole
        return cropped(whole, channel_region(whole, index), f"{whole.name} {self.channel.names[index]}")

    def lengths(self) -> VoxelSize | None:
        """The voxel size as it stands in the field; ``None`` if it is empty, and for a question mark in it."""
        typed = [None if length == _UNKNOWN else length for length in self.voxel_size.value()]
        for length in typed:
            if length is not None and not isinstance(length, (int, float)):
                raise InputError(
                    subject="voxel size",
                    value=f"{length!r}",
                    allowed="is not a number",
                    remedy="give lengths in µm, such as 0.3, 0.1, 0.1",
                )
        return tuple(None if length is None else float(length) for length in typed) or None

    def show_voxels_needed(self, *, needed: bool) -> None:
        """Say where the voxel size is from; and where lengths are asked for and the field is empty, that they are."""
        typed = bool(self.voxel_size.value())
        missing = (
            needed and (not typed or _UNKNOWN in self.voxel_size.value()) and self.layer_choice.value() is not None
        )
        origin = _ORIGINS[self._origin if typed or self._origin != _TYPED else ""]
        self.origin.setText(f"({self._spatial()}) {'needed: type it in, in µm' if missing else origin}")
        set_tone(self.origin, ALARM if missing else QUIET)

    def _spatial(self) -> str:
        return ", ".join(letter for letter in self.letters().lower() if letter in "zyx")

    def release(self) -> None:
        """Listen to the viewer no longer."""
        self._following.release()
        self.layer_choice.release()

    def _typed_in(self) -> None:
        self._typed.keep(self.layer_choice.value(), self._spatial(), self.voxel_size.box.text())
        self._origin = _TYPED
        self.changed.emit()

    def _layer_changed(self) -> None:
        layer = self.layer_choice.value()
        self.facts = {} if layer is None else described(layer)
        self.blockSignals(True)
        if layer is None:
            self.axes.offer((), "")
            self.shape.setText("no image yet")
        else:
            self.axes.offer(pixels(layer).shape[: layer.ndim - 2], leading_axes(layer))
            self.axes.set_meanings(self._meant.of(layer, "") or ())
            self.shape.setText(self._shape_in_words(layer))
        self._rows.setRowVisible(self.axes, bool(self.axes.boxes))
        self._axes_changed()
        self.blockSignals(False)
        self.changed.emit()

    def _shape_in_words(self, layer: Image) -> str:
        shape = pixels(layer).shape
        names = ", ".join((self.axes.value() + "YX").lower())
        words = f"{shape_in_words(shape[: layer.ndim])} ({names}), {pixels(layer).dtype}"
        if layer.rgb:
            words += f", {'colour' if shape[-1] == 3 else 'colour with opacity'}"
        if layer.multiscale:
            words += f"; the finest of {len(layer.data)} resolution levels"
        return words

    def _axes_changed(self) -> None:
        layer = self.layer_choice.value()
        if not self.signalsBlocked():
            self._meant.keep(layer, "", self.axes.meanings())
        self._show_lengths(layer)
        self._show_channels(layer)
        if layer is not None:
            self.shape.setText(self._shape_in_words(layer))
        self.changed.emit()

    def _show_channels(self, layer: Image | None) -> None:
        letters = self.letters()
        count = 1 if layer is None or "C" not in letters else pixels(layer).shape[letters.index("C")]
        self.channel.offer(channel_names(self.facts, count))
        self._rows.setRowVisible(self.channel, count > 1)

    def _show_lengths(self, layer: Image | None) -> None:
        """Those of the layer or its file, unless somebody has typed in others."""
        lengths, self._origin = (None, "") if layer is None else voxel_size(layer, self.letters())
        spatial = self._spatial()
        text = ", ".join(_UNKNOWN if length is None else json.dumps(length) for length in lengths or ())
        if self._origin != "layer" and (typed := self._typed.of(layer, spatial)) is not None:
            text, self._origin = typed, _TYPED
        self.voxel_size.blockSignals(True)
        self.voxel_size.box.setText(text)
        self.voxel_size.blockSignals(False)
        self.voxel_size.setEnabled(self._origin != "layer")
        self.voxel_size.box.setPlaceholderText(spatial)
        self.voxel_size.setToolTip(f"Lengths of a voxel along {spatial}, in µm; {_UNKNOWN} for one that is not known")
        self.show_voxels_needed(needed=False)
