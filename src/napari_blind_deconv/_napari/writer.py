"""Layer → OME-TIFF with voxel size, axes and how it was made: napari's own writer keeps none of them."""

from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image, Layer

from napari_blind_deconv import io
from napari_blind_deconv._napari.layers import PLUGIN, leading_axes, pixels, voxel_size


def write_image(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Save an image layer; what the run recorded in its metadata goes into the file.

    Parameters
    ----------
    path
        File to write.
    data, attributes
        The layer, as napari hands it to writers.

    Returns
    -------
    list of str
        The files written.

    Raises
    ------
    InputError
        If the folder is full or not writable, or the array cannot be an image.
    """
    layer = Layer.create(data, attributes, "image")
    if not isinstance(layer, Image):
        raise TypeError(f"expected an image layer, got {type(layer).__name__}")
    axes = leading_axes(layer) + "YX" + ("S" if layer.rgb else "")
    lengths, _ = voxel_size(layer, axes)
    notes = layer.metadata.get(PLUGIN, {})
    io.write(Path(path), io.Volume(np.asarray(pixels(layer)), axes, lengths), notes)
    return [path]
