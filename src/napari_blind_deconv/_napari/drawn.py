"""Labels and shapes → pixels of an image: where something was painted or drawn, by the layers' world coordinates.

A layer of fewer axes counts all along the image's leading ones. Shapes are flat: one that was drawn in a plane or a
frame counts in all of them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import scipy
import skimage
from napari.layers import Image, Labels, Shapes
from numpy.typing import NDArray

from napari_blind_deconv._napari.layers import pixels
from napari_blind_deconv._types import InputError

Mask = NDArray[np.bool_]
_AROUND: Final = 128
"""Corners of the polygon that stands for an ellipse."""
_ROUNDING: Final = 1e-6


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What one layer marks of an image.

    Attributes
    ----------
    name, image
        Of the layer, and of the image.
    shape
        The image's, without colours.
    colours
        How many colour samples a pixel of the image has; ``None``: it has no axis of colours.
    path
        The layer's file, if it has one.
    """

    name: str
    image: str
    shape: tuple[int, ...]
    colours: int | None
    path: str | None

    def marked(self) -> Mask:
        """Where it marks the image, on the last axes of `shape`."""
        raise NotImplementedError

    def frozen(self) -> "Drawn":
        """The same, whatever becomes of the layer."""
        return self

    def load(self) -> Mask:
        """Where it marks the image, of the image's shape; to be called off the main thread.

        Raises
        ------
        InputError
            If it marks nothing of the image.
        """
        marked = self.marked()
        if not marked.any():
            raise InputError(
                f"“{self.name}” marks no pixel of “{self.image}”: it is empty, or lies beside it; paint or draw on the "
                "image, or choose another layer under Advanced"
            )
        whole = np.broadcast_to(marked, self.shape)
        return whole if self.colours is None else np.broadcast_to(whole[..., None], (*self.shape, self.colours))

    def box(self) -> tuple[slice, ...] | None:
        """Ranges of y and x, where it marks a box of every plane and nothing else."""
        marked = self.marked()
        if marked.ndim > 2 or not marked.any():
            return None
        box = tuple(slice(int(at.min()), int(at.max()) + 1) for at in marked.nonzero())
        return box if marked[box].all() else None


@dataclass(frozen=True, kw_only=True)
class Painted(Drawn):
    """Pixels with a label: ``labels`` at ``matrix @ pixel + offset``, perhaps lazy."""

    labels: Any
    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]

    def frozen(self) -> "Painted":
        """With a copy of the labels, which painting changes in place; lazy ones are read when they are needed."""
        return replace(self, labels=self.labels != 0) if isinstance(self.labels, np.ndarray) else self

    def marked(self) -> Mask:
        """Every pixel has the label that its centre lies on."""
        labelled = np.asarray(self.labels) != 0
        shape = self.shape[len(self.shape) - labelled.ndim :]
        still = np.allclose(self.matrix, np.eye(labelled.ndim), atol=_ROUNDING)
        if still and np.allclose(self.offset, 0, atol=_ROUNDING) and labelled.shape == shape:
            return labelled
        # Between pixels the left one has the last word everywhere, and not by rounding errors.
        offset = self.offset - _ROUNDING
        return np.asarray(
            scipy.ndimage.affine_transform(
                labelled.astype(np.uint8), self.matrix, offset, shape, order=0, mode="grid-constant", prefilter=False
            )
            > 0
        )


@dataclass(frozen=True, kw_only=True)
class Outlined(Drawn):
    """The inside of polygons, each an array of corners (y, x) in pixels of the image."""

    polygons: tuple[NDArray[np.float64], ...]

    def marked(self) -> Mask:
        """Pixels whose centre lies inside."""
        out = np.zeros(self.shape[-2:], bool)
        for corners in self.polygons:
            out[skimage.draw.polygon(corners[:, 0], corners[:, 1], out.shape)] = True
        return out


def drawn_on(layer: Labels | Shapes, image: Image) -> Drawn:
    """What a layer marks of an image; nothing is read or computed yet.

    Raises
    ------
    InputError
        For a layer that cannot lie on the image, and for shapes without an inside.
    """
    shape = tuple(pixels(image).shape)
    common = {
        "name": layer.name,
        "image": image.name,
        "shape": shape[: image.ndim],
        "colours": min(shape[-1], 3) if image.rgb else None,
        "path": layer.source.path,
    }
    if isinstance(layer, Shapes):
        return Outlined(polygons=tuple(_polygons(layer, image)), **common)
    labels = layer.data[0] if layer.multiscale else layer.data
    while labels.ndim > image.ndim and labels.shape[0] == 1:
        labels = labels[0]
    if labels.ndim > image.ndim:
        raise InputError(
            f"“{layer.name}” has {layer.ndim} axes, but “{image.name}” has {image.ndim}; choose a layer of at most as "
            "many axes, or take one plane of it"
        )
    matrix, offset = _between(image, layer, labels.ndim)
    return Painted(labels=labels, matrix=matrix, offset=offset, **common)


def _between(image: Image, layer: Labels | Shapes, ndim: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(matrix, offset) from pixels of the image to those of the layer, on the last axes of both."""
    (ours, our_start), (theirs, their_start) = _last_axes(image, ndim), _last_axes(layer, ndim)
    factors = _lengths(image, layer, ndim)
    back = np.linalg.inv(theirs)
    return back @ (factors[:, None] * ours), back @ (factors * our_start - their_start)


def _to_world(layer: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(matrix, offset) from data to world."""
    start = np.array(layer.data_to_world((0,) * layer.ndim))
    return np.stack([np.array(layer.data_to_world(unit)) - start for unit in np.eye(layer.ndim)], 1), start


def _last_axes(layer: Any, ndim: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(matrix, offset) from data to world of the last axes.

    Raises
    ------
    InputError
        Where the layer is turned so that these depend on the ones before.
    """
    matrix, start = _to_world(layer)
    leading = layer.ndim - ndim
    if np.abs(matrix[leading:, :leading]).max(initial=0) > _ROUNDING * np.abs(matrix).max():
        raise InputError(
            f"“{layer.name}” is turned or sheared out of its planes, so that no layer of {ndim} axes lies on "
            f"it; choose one of {layer.ndim} axes"
        )
    return matrix[leading:, leading:], start[leading:]


def _lengths(image: Image, layer: Labels | Shapes, ndim: int) -> NDArray[np.float64]:
    """The image's unit of length in that of the layer, per axis; 1 where one of them counts pixels, as on screen."""
    pairs = zip(image.units[-ndim:], layer.units[-ndim:], strict=True)
    return np.array([float((1 * a).to(b).magnitude) if a.is_compatible_with(b) else 1.0 for a, b in pairs])


def _polygons(layer: Shapes, image: Image) -> Iterator[NDArray[np.float64]]:
    ours, start = _last_axes(image, 2)
    theirs, their_start = _to_world(layer)
    factors = _lengths(image, layer, 2)
    for number, (corners, kind) in enumerate(zip(layer.data, layer.shape_type, strict=True), start=1):
        if kind in ("line", "path"):
            raise InputError(
                f"shape {number} of “{layer.name}” is a {kind}, which has no inside; draw a rectangle, an ellipse or a "
                "polygon"
            )
        outline = _round(corners) if kind == "ellipse" else corners
        world = outline @ theirs.T + their_start
        if np.ptp(world[:, :-2], axis=0).max(initial=0) > _ROUNDING * max(1.0, np.abs(world).max()):
            raise InputError(
                f"shape {number} of “{layer.name}” was not drawn in the plane of y and x; draw it there, or paint "
                "labels"
            )
        yield np.asarray(np.linalg.solve(ours, (world[:, -2:] / factors - start).T).T, np.float64)


def _round(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ellipse in a rectangle or parallelogram of four corners."""
    angles = np.arange(_AROUND) * 2 * math.pi / _AROUND
    across, along = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    return corners.mean(0) + np.cos(angles)[:, None] * across + np.sin(angles)[:, None] * along
