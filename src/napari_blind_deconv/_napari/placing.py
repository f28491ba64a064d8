"""Arrays on the axes and at the place of the layer that they came from."""

import math
from typing import Any, Final

import numpy as np
from napari.utils.transforms import Affine
from numpy.typing import NDArray

from napari_blind_deconv._napari.layers import Placement, Source
from napari_blind_deconv._napari.lazy_levels import Levels

LayerTuple = tuple[Any, dict[str, Any], str]

# Contrast is set by a sample of this many pixels: exact limits are not worth a pass over a large volume.
_SAMPLE: Final = 1_000_000
_PERCENTILES: Final = (0.1, 99.9)


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


def shown_lazily(levels: Levels, attributes: dict[str, Any]) -> LayerTuple:
    """A layer of several resolutions, or of one."""
    several = len(levels) > 1
    return list(levels) if several else levels[0], {**attributes, "multiscale": several}, "image"


def contrast(image: NDArray[Any]) -> tuple[float, float]:
    """Display limits that a few bright pixels do not decide."""
    step = max(1, math.ceil((image.size / _SAMPLE) ** (1 / image.ndim)))
    sample = image[(slice(None, None, step),) * image.ndim]
    low, high = (float(v) for v in np.percentile(sample, _PERCENTILES))
    return (low, high) if high > low else (low, low + 1.0)
