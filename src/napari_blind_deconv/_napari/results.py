"""Result → layers: the restored image and its maps exactly over the original, the PSF beside it, all saying how they
were made.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._napari.findings import chosen
from napari_blind_deconv._napari.layers import PLUGIN, Source
from napari_blind_deconv._napari.lazy_levels import Levels
from napari_blind_deconv._napari.map_layers import map_layers
from napari_blind_deconv._napari.placing import LayerTuple, contrast, on_axes, placed, shown_lazily
from napari_blind_deconv._types import Result
from napari_blind_deconv.observation import Arrangement


def result_layers(
    source: Source, result: Result, command: str = "", used: Mapping[str, Any] | None = None
) -> list[LayerTuple]:
    """The layers of a finished run; the restored image comes last, above its maps, so that it is the one selected.

    ``command`` and ``used`` are what the layers keep of how they were made, beside settings and report.
    """
    notes = {
        "source": source.name,
        "voxel_size_um": None if source.voxel_size_um is None else list(source.voxel_size_um),
        "settings": result.report.get("settings", {}),
        "report": result.report,
        "command": command,
        **({} if used is None else {"used": dict(used)}),
    }
    image = image_layer(source, result.image, restored_name(source))
    axes = result.report.get("psf_axes", "")
    axes = axes.replace("P", "Z") if source.planes and "P" not in source.axes else axes
    kernel = kernel_layer(source, result.kernel, kernel_name(source, result.report), axes=axes)
    image[1]["metadata"] = {PLUGIN: {"role": "restored", **notes}}
    kernel[1]["metadata"] = {PLUGIN: {"role": "psf", **notes}}
    return [kernel, *field_layers(source, result, notes), *map_layers(source, result, notes), image]


def restored_name(source: Source) -> str:
    """What the restored image is called."""
    return f"{source.name} restored"


def kernel_name(source: Source, report: Mapping[str, Any]) -> str:
    """What the PSF is called; where its family was to be found out, with the family."""
    kinds = chosen(report)
    return f"{source.name} PSF" + (f" ({kinds})" if kinds else "")


def image_layer(source: Source, image: NDArray[Any] | Levels, name: str) -> LayerTuple:
    """A restored image over its source; a preview may lack the channel axis and is then shown for all channels."""
    rgb = source.axes.endswith("S")
    if isinstance(image, Levels):
        shown = {"colormap": source.placement.colormap, "contrast_limits": contrast(image.glance()), "rgb": False}
        return shown_lazily(image, {**placed(source.placement, image.ndim), **shown, "name": name})
    axes = source.axes if image.ndim == source.data.ndim else source.axes.replace("C", "")
    data = on_axes(image, axes, source)
    attributes = placed(source.placement, data.ndim - rgb)
    if rgb:
        return as_colours(source, data), {**attributes, "name": name, "rgb": True}, "image"
    shown = {"colormap": source.placement.colormap, "contrast_limits": contrast(image), "rgb": False}
    return data, {**attributes, **shown, "name": name}, "image"


def kernel_layer(source: Source, kernel: NDArray[Any], name: str, beside: int = 0, *, axes: str = "") -> LayerTuple:
    """The PSF right of its source, ``beside`` pixels further, on its voxels, centred on it along the other axes.

    Its own axes are those of space, or channels and space, where nothing else is said.
    """
    space = Arrangement(source.axes, source.planes).space
    grey = replace(source, axes=source.axes.replace("S", ""))
    shape = source.data.shape[: len(grey.axes)]
    data = on_axes(kernel, axes or (space if kernel.ndim == len(space) else "C" + space), grey)
    offset = np.zeros(len(shape))
    for i, letter in enumerate(grey.axes):
        if letter in space:
            offset[i] = shape[i] // 2 - kernel.shape[space.index(letter) - len(space)] // 2
    offset[-1] = shape[-1] + max(2, kernel.shape[-1] // 4) + beside
    attributes = placed(source.placement, data.ndim, offset)
    limits = (0.0, float(kernel.max()) or 1.0)
    return data, {**attributes, "name": name, "colormap": "magma", "contrast_limits": limits, "rgb": False}, "image"


def field_layers(source: Source, result: Result, notes: Mapping[str, Any]) -> list[LayerTuple]:
    """PSFs over the field side by side, each in its place, right of the PSF; nothing where there is one PSF."""
    if not result.psf_fields:
        return []
    mosaics = [field.mosaic for field in result.psf_fields]
    space = Arrangement(source.axes, source.planes).space
    mosaic = np.stack(mosaics) if result.kernel.ndim > len(space) else mosaics[0]
    name = f"{kernel_name(source, result.report)} over the field"
    data, attributes, kind = kernel_layer(source, mosaic, name, beside=result.kernel.shape[-1])
    return [(data, {**attributes, "metadata": {PLUGIN: {"role": "psf field", **notes}}}, kind)]


def as_colours(source: Source, image: NDArray[Any]) -> NDArray[Any]:
    """Colours in the source's type, for napari shows floating-point colours between 0 and 1 only; opacity as it was."""
    dtype = np.dtype(source.data.dtype)
    if dtype.kind in "iu":
        image = np.clip(np.rint(image), np.iinfo(dtype).min, np.iinfo(dtype).max).astype(dtype)
    else:
        image = np.clip(image, 0, 1).astype(dtype)
    if source.has_alpha:
        image = np.concatenate([image, np.asarray(source.data[..., 3:])], axis=-1)
    return image
