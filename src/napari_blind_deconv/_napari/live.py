"""The layers that show a run while it runs: previews that become the results, or go."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from napari.layers import Image

from napari_blind_deconv._napari.layer_choice import unwrapped
from napari_blind_deconv._napari.layers import PLUGIN, Source
from napari_blind_deconv._napari.placing import LayerTuple
from napari_blind_deconv._napari.results import image_layer, kernel_layer
from napari_blind_deconv._types import Progress

PREVIEW: Final = "preview"


class LiveLayers:
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
        """Show a step's arrays, where it has any; a preview that somebody deleted stays away."""
        found: dict[str, LayerTuple] = {}
        if progress.kernel is not None:
            found["psf"] = kernel_layer(self._source, progress.kernel, f"{self._source.name} PSF (preview)")
        if progress.image is not None:
            found["restored"] = image_layer(self._source, progress.image, f"{self._source.name} restored (preview)")
        for role, (data, attributes, _) in found.items():
            if self._is_there(role):
                _refresh(self._layers[role], data, attributes)
            elif role not in self._layers:
                attributes["metadata"] = {PLUGIN: {"role": PREVIEW}}
                self._layers[role] = add_image(self._viewer, data, attributes)

    def settle(self, results: list[LayerTuple]) -> None:
        """Turn previews into results, all at once; as of `settling`."""
        for _ in self.settling(results):
            pass

    def settling(self, results: list[LayerTuple]) -> Iterator[None]:
        """Turn previews into results; add the results that have no preview to turn into, below the last of them.

        A yield after every layer: each takes napari a while.
        """
        added: list[Image] = []
        layer: Image | None = None
        for data, attributes, _ in results:
            role = attributes["metadata"][PLUGIN]["role"]
            if not self._is_there(role) or isinstance(data, list) or self._layers[role].data.ndim != data.ndim:
                layer = add_image(self._viewer, data, attributes)
                added.append(layer)
                yield
                continue
            layer = self._layers.pop(role)
            _refresh(layer, data, attributes)
            layer.metadata = attributes["metadata"]
            layer.name = attributes["name"]
            yield
        if layer is not None:
            # Layers are drawn in their order: what was added must not cover the restored image, which is the last.
            layers = self._viewer.layers
            # Somebody may have removed one meanwhile.
            for other in added if layer in layers else ():
                if other is not layer and other in layers:
                    layers.move(layers.index(other), layers.index(layer))
            if layer in layers:
                layers.selection.active = layer
        self.remove()

    def remove(self) -> None:
        """Take the previews away, unless somebody else already did."""
        for role, layer in self._layers.items():
            if self._is_there(role):
                self._viewer.layers.remove(layer)
        self._layers = {}

    def _is_there(self, role: str) -> bool:
        return role in self._layers and self._layers[role] in self._viewer.layers


def add_image(viewer: Any, data: Any, attributes: dict[str, Any]) -> Image:
    """Add an image layer without moving the camera or the sliders."""
    step = viewer.dims.current_step
    layer: Image = unwrapped(viewer.add_image(data, **attributes))
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
