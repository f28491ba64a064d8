"""Layer → OME-TIFF or OME-Zarr with voxel size, axes and how it was made: napari's own writer keeps none of them."""

from pathlib import Path
from typing import Any

from napari.layers import Image, Layer

from napari_blind_deconv import io
from napari_blind_deconv._napari.layers import PLUGIN, leading_axes, pixels, voxel_size


def write_image(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Save an image layer as float32, piece by piece; what the run recorded in its metadata goes into the file.

    Parameters
    ----------
    path
        File to write, whose end says in which format.
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
    io.save(Path(path), io.as_floats(io.ArraySource(pixels(layer), axes, lengths)), notes)
    return [path]
