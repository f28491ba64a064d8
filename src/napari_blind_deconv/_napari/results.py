"""Result → layers: the restored image exactly over the original, the PSF beside it, both saying how they were made."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from napari.utils.transforms import Affine
from numpy.typing import NDArray

from napari_blind_deconv._napari.findings import chosen
from napari_blind_deconv._napari.layers import PLUGIN, Placement, Source
from napari_blind_deconv._types import Result
from napari_blind_deconv.observation import Arrangement

LayerTuple = tuple[NDArray[Any], dict[str, Any], str]

# Contrast is set by a sample of this many pixels: exact limits are not worth a pass over a large volume.
_SAMPLE: Final = 1_000_000
_PERCENTILES: Final = (0.1, 99.9)


def result_layers(source: Source, result: Result, command: str = "") -> list[LayerTuple]:
    """The two layers of a finished run; the restored image comes last, so that it is the one selected."""
    notes = {
        "source": source.name,
        "voxel_size_um": None if source.voxel_size_um is None else list(source.voxel_size_um),
        "settings": result.report.get("settings", {}),
        "report": result.report,
        "command": command,
    }
    image = image_layer(source, result.image, restored_name(source))
    kernel = kernel_layer(source, result.kernel, kernel_name(source, result.report))
    image[1]["metadata"] = {PLUGIN: {"role": "restored", **notes}}
    kernel[1]["metadata"] = {PLUGIN: {"role": "psf", **notes}}
    return [kernel, image]


def restored_name(source: Source) -> str:
    """What the restored image is called."""
    return f"{source.name} restored"


def kernel_name(source: Source, report: Mapping[str, Any]) -> str:
    """What the PSF is called; where its family was to be found out, with the family."""
    kinds = chosen(report)
    return f"{source.name} PSF" + (f" ({kinds})" if kinds else "")


def image_layer(source: Source, image: NDArray[Any], name: str) -> LayerTuple:
    """A restored image over its source; a preview may lack the channel axis and is then shown for all channels."""
    rgb = source.axes.endswith("S")
    axes = source.axes if image.ndim == source.data.ndim else source.axes.replace("C", "")
    data = on_axes(image, axes, source)
    attributes = placed(source.placement, data.ndim - rgb)
    if rgb:
        return as_colours(source, data), {**attributes, "name": name, "rgb": True}, "image"
    shown = {"colormap": source.placement.colormap, "contrast_limits": contrast(image), "rgb": False}
    return data, {**attributes, **shown, "name": name}, "image"


def kernel_layer(source: Source, kernel: NDArray[Any], name: str) -> LayerTuple:
    """The PSF right of its source, on the source's voxels, centred on it along the other axes."""
    space = Arrangement(source.axes, source.planes).space
    grey = replace(source, axes=source.axes.replace("S", ""))
    shape = source.data.shape[: len(grey.axes)]
    data = on_axes(kernel, space if kernel.ndim == len(space) else "C" + space, grey)
    offset = np.zeros(len(shape))
    for i, letter in enumerate(grey.axes):
        if letter in space:
            offset[i] = shape[i] // 2 - kernel.shape[space.index(letter) - len(space)] // 2
    offset[-1] = shape[-1] + max(2, kernel.shape[-1] // 4)
    attributes = placed(source.placement, data.ndim, offset)
    limits = (0.0, float(kernel.max()) or 1.0)
    return data, {**attributes, "name": name, "colormap": "magma", "contrast_limits": limits, "rgb": False}, "image"


def on_axes(array: NDArray[Any], axes: str, source: Source) -> NDArray[Any]:
    """An array with some of the source's axes, in the source's order.

    An axis that the array lacks, such as time for a PSF, is repeated without copying where it lies between others, and
    left out where it leads: napari shows a layer of fewer axes all along the leading ones.
    """
    ordered = np.transpose(array, [axes.index(a) for a in source.axes if a in axes])
    first = min(source.axes.index(a) for a in axes)
    index = tuple(slice(None) if a in axes else np.newaxis for a in source.axes[first:])
    sizes = dict(zip(axes, array.shape, strict=True))
    shape = [sizes.get(a, n) for a, n in zip(source.axes[first:], source.data.shape[first:], strict=False)]
    return np.broadcast_to(ordered[index], shape)


def placed(placement: Placement, ndim: int, offset: NDArray[np.float64] | None = None) -> dict[str, Any]:
    """Layer attributes of the last ``ndim`` axes of a placement, moved by ``offset`` pixels of the source."""
    full = len(placement.scale)
    world = placement.translate
    if offset is not None:
        linear = Affine(scale=placement.scale, rotate=placement.rotate, shear=placement.shear, ndim=full).linear_matrix
        world = world + linear @ offset
    last = slice(full - ndim, full)
    affine = np.eye(ndim + 1)
    affine[:-1, :-1] = placement.affine[:-1, :-1][last, last]
    affine[:-1, -1] = placement.affine[:-1, -1][last]
    return {
        "scale": placement.scale[last],
        "translate": world[last],
        "rotate": placement.rotate[last, last],
        "shear": shear_of(placement.shear, full, ndim),
        "affine": affine,
        "units": placement.units[last],
        "axis_labels": placement.axis_labels[last],
    }


def shear_of(shear: NDArray[np.float64], full: int, ndim: int) -> NDArray[np.float64]:
    """The shear among the last ``ndim`` axes: napari keeps the upper triangle of the matrix, row by row."""
    if shear.ndim == 2:
        return shear[full - ndim :, full - ndim :]
    matrix = np.eye(full)
    matrix[np.triu_indices(full, 1)] = shear
    return matrix[full - ndim :, full - ndim :][np.triu_indices(ndim, 1)]


def contrast(image: NDArray[Any]) -> tuple[float, float]:
    """Display limits that a few bright pixels do not decide."""
    step = max(1, math.ceil((image.size / _SAMPLE) ** (1 / image.ndim)))
    sample = image[(slice(None, None, step),) * image.ndim]
    low, high = (float(v) for v in np.percentile(sample, _PERCENTILES))
    return (low, high) if high > low else (low, low + 1.0)


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
