"""The layers that show a run while it runs; they go when it ends, however it ends."""

from typing import Any, Final

import numpy as np
from napari.layers import Image

from napari_blind_deconv._napari.layer_choice import unwrapped
from napari_blind_deconv._napari.layers import PLUGIN, Source
from napari_blind_deconv._napari.results import LayerTuple, image_layer, kernel_layer
from napari_blind_deconv._types import Progress

PREVIEW: Final = "preview"


class LivePreview:
    """A preview of the restored image and one of the growing PSF.

    Parameters
    ----------
    viewer
        Where the layers appear.
    source
        What is being restored.
    """

    def __init__(self, viewer: Any, source: Source) -> None:
        self._viewer = viewer
        self._source = source
        self._layers: dict[str, Image] = {}

    def show(self, progress: Progress) -> None:
        """Show a step's arrays, where it has any."""
        if progress.kernel is not None:
            name = f"{self._source.name} PSF (preview)"
            self._update("psf", kernel_layer(self._source, progress.kernel, name))
        if progress.image is not None:
            name = f"{self._source.name} restored (preview)"
            self._update("restored", image_layer(self._source, progress.image, name))

    def remove(self) -> None:
        """Take the previews away, unless somebody else already did."""
        for layer in self._layers.values():
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._layers = {}

    def _update(self, role: str, content: LayerTuple) -> None:
        data, attributes, _ = content
        layer = self._layers.get(role)
        if layer is None:
            attributes["metadata"] = {PLUGIN: {"role": PREVIEW}}
            self._layers[role] = add_image(self._viewer, data, attributes)
        elif layer in self._viewer.layers:
            _refresh(layer, data, attributes)


def add_image(viewer: Any, data: Any, attributes: dict[str, Any]) -> Image:
    """Add an image layer without moving the camera, the sliders or the selection's tools."""
    step = viewer.dims.current_step
    layer = unwrapped(viewer.add_image(data, **attributes))
    if viewer.dims.current_step != step and len(viewer.dims.current_step) == len(step):
        viewer.dims.current_step = step
    return layer


def _refresh(layer: Image, data: Any, attributes: dict[str, Any]) -> None:
    grown = layer.data.shape != data.shape
    layer.data = data
    # Setting an equal placement would make napari slice the layer again.
    if grown and not np.array_equal(layer.translate, attributes["translate"]):
        layer.translate = attributes["translate"]
    if "contrast_limits" in attributes:
        layer.contrast_limits = attributes["contrast_limits"]
