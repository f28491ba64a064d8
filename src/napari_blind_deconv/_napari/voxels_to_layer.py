"""One click: the voxel size that the form has becomes the layer's scale, so that a squashed stack is shown as it is."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from napari.layers import Image, Layer
from napari.utils.transforms import Affine
from numpy.typing import NDArray
from qtpy.QtWidgets import QPushButton

from napari_blind_deconv._napari.layers import PLUGIN
from napari_blind_deconv._types import InputError, whole


class VoxelsToLayer(QPushButton):
    """A button beside the voxel size; there while the layer counts pixels and all lengths are known.

    Parameters
    ----------
    panel
        The input panel, whose layer, axes and lengths count.
    viewer
        Whose other layers lie on the same pixels.
    """

    def __init__(self, panel: Any, viewer: Any) -> None:
        super().__init__("Use for the layer")
        self._panel, self._viewer = panel, viewer
        self.setToolTip("Give the layer this voxel size as its scale, in µm, and its results and labels with it")
        self.clicked.connect(self._use)
        panel.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the button where it would do something."""
        self.setVisible(bool(self._steps()))

    def _steps(self) -> Mapping[int, float]:
        """The lengths by the layer's axes; none where there is nothing to do."""
        layer = self._panel.layer_choice.value()
        if layer is None:
            return {}
        try:
            lengths = whole(self._panel.lengths())
        except InputError:
            return {}
        axes = self._panel.letters().removesuffix("S")
        spatial = [i for i, letter in enumerate(axes) if letter in "ZYX"]
        if lengths is None or len(lengths) != len(spatial) or min(lengths) <= 0:
            return {}
        counts = not any(layer.units[i].is_compatible_with("micrometer") for i in spatial)
        return dict(zip(spatial, lengths, strict=True)) if counts else {}

    def _use(self) -> None:
        layer, steps = self._panel.layer_choice.value(), self._steps()
        if not steps:
            return
        shown = self._viewer.dims.current_step
        use(layer, steps, lying_on(layer, self._viewer.layers))
        # The sliders keep their places in the world, which are other planes now, or none.
        self._viewer.dims.current_step = shown
        self._viewer.reset_view()
        self._panel.layer_choice.changed.emit()
        self.refresh()


def use(layer: Image, steps: Mapping[int, float], others: Iterable[Layer] = ()) -> None:
    """Give a layer lengths in µm along its axes, and take others along that lie on its pixels.

    Parameters
    ----------
    layer
        An image that counts pixels along these axes.
    steps
        Lengths by axis.
    others
        Layers on the same pixels, perhaps of fewer axes: they keep their place on the image.
    """
    before, scale = _linear(layer), np.array(layer.scale, float)
    moved = np.array(layer.translate, float)
    places = [(other, _on_pixels(other, layer, before)) for other in others]
    for axis, length in steps.items():
        moved[axis] *= length / scale[axis]
        scale[axis] = length
    units = tuple("micrometer" if axis in steps else unit for axis, unit in enumerate(layer.units))
    layer.scale, layer.translate, layer.units = scale, moved, units
    after = _linear(layer)
    for other, (factor, offset) in places:
        n = other.ndim
        other.scale = scale[-n:] * factor
        other.translate = (moved + after @ offset)[-n:]
        other.units = units[-n:]


def lying_on(layer: Image, layers: Iterable[Layer]) -> list[Layer]:
    """Layers that count the same pixels: made from the layer by this plugin, or of its shape, place and units."""
    found = []
    for one in layers:
        other = getattr(one, "__wrapped__", one)
        if other is layer or other.ndim > layer.ndim or other.units != layer.units[-other.ndim :]:
            continue
        n = other.ndim
        same = np.array_equal(other.scale, layer.scale[-n:]) and np.array_equal(other.rotate, layer.rotate[-n:, -n:])
        notes = other.metadata.get(PLUGIN)
        made = isinstance(notes, dict) and notes.get("source") == layer.name
        drawn = not isinstance(other, Image) or _shape(other) == _shape(layer)[-n:]
        if same and (made or (drawn and np.array_equal(other.translate, layer.translate[-n:]))):
            found.append(other)
    return found


def _shape(layer: Image) -> tuple[int, ...]:
    shape = layer.data[0].shape if layer.multiscale else layer.data.shape
    return tuple(shape[: layer.ndim])


def _linear(layer: Layer) -> NDArray[np.float64]:
    return np.asarray(
        Affine(scale=layer.scale, rotate=layer.rotate, shear=layer.shear, ndim=layer.ndim).linear_matrix, float
    )


def _on_pixels(other: Layer, layer: Image, linear: NDArray[np.float64]) -> tuple[Any, NDArray[np.float64]]:
    """How much coarser its pixels are, and where its first one lies among those of the layer."""
    n, offset = other.ndim, np.zeros(layer.ndim)
    offset[-n:] = np.array(other.translate) - np.array(layer.translate)[-n:]
    factor = np.array(other.scale) / np.array(layer.scale)[-n:]
    return factor, np.asarray(np.linalg.solve(linear, offset), np.float64)
