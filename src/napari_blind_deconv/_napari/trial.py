"""A trial: the same settings on a box of the image, in seconds, before the whole of it is run."""

import math
from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
from napari.layers import Image, Shapes
from numpy.typing import NDArray

from napari_blind_deconv._napari.cropping import Region
from napari_blind_deconv._napari.drawn import Outlined, drawn_on
from napari_blind_deconv._napari.layer_choice import unwrapped
from napari_blind_deconv._napari.layers import PLUGIN, Placement, Source, pixels, role_of
from napari_blind_deconv._napari.placing import placed
from napari_blind_deconv._types import InputError

ROLE: Final = "trial region"
_SIDE: Final = 256
_SIDE_OF_VOLUMES: Final = 128
_LEAST: Final = 16
"""Pixels along y and x below which a box teaches nothing."""


def region_layer(viewer: Any, taken: Collection[Any]) -> Shapes | None:
    """The layer that a trial's box is drawn in: ours, else the selected one, else any that is shown.

    Parameters
    ----------
    viewer
        Whose layers are looked at.
    taken
        Layers that mean something else.
    """
    shapes = [layer for layer in map(unwrapped, viewer.layers) if isinstance(layer, Shapes)]
    free = [layer for layer in shapes if not any(layer is other for other in taken) and len(layer.data)]
    own = [layer for layer in free if role_of(layer) == ROLE]
    active = unwrapped(viewer.layers.selection.active)
    for layer in (*own, *(layer for layer in free if layer is active), *(layer for layer in free if layer.visible)):
        return layer
    return None


def add_region_layer(viewer: Any, image: Image, axes: str) -> Shapes:
    """A box in the middle of what is seen of an image, ready to be moved."""
    box = middle_box(viewer, image, _SIDE_OF_VOLUMES if "Z" in axes else _SIDE)
    (top, bottom), (left, right) = ((part.start - 0.5, part.stop - 0.5) for part in box)
    corners = np.array([[top, left], [top, right], [bottom, right], [bottom, left]])
    layer: Shapes = unwrapped(
        viewer.add_shapes(
            [corners],
            shape_type="rectangle",
            name=f"{image.name} trial region",
            edge_color="#ffd166",
            face_color="transparent",
            edge_width=max(1.0, (bottom - top) / 80),
            metadata={PLUGIN: {"role": ROLE}},
            **placed(Placement.of(image, axes), 2),
        )
    )
    layer.mode = "select"
    layer.selected_data = {0}
    return layer


def middle_box(viewer: Any, image: Image, side: int) -> tuple[slice, slice]:
    """A box of pixels, ``side`` long where the image is, about the middle of the view."""
    shape = pixels(image).shape[image.ndim - 2 : image.ndim]
    centre = np.array(shape) / 2
    displayed = tuple(viewer.dims.displayed)
    if len(displayed) == 2:
        world = np.array(viewer.dims.point, float)
        # The camera is the scene's, and the viewer's own before napari 0.9.
        world[list(displayed)] = getattr(viewer, "scene", viewer).camera.center[-2:]
        seen = np.array(image.world_to_data(world[-image.ndim :]), float)[-2:]
        centre = np.where((seen >= 0) & (seen < shape), seen, centre)
    starts = [int(np.clip(round(c - side / 2), 0, max(0, n - side))) for c, n in zip(centre, shape, strict=True)]
    top, left = (slice(start, min(n, start + side)) for start, n in zip(starts, shape, strict=True))
    return top, left


def trial_region(viewer: Any, source: Source, image: Image, layer: Shapes) -> Region:
    """The ranges of a trial: the box about what was drawn, all of its planes, and the frame that is shown.

    Raises
    ------
    InputError
        For a box that is beside the image, or too small.
    """
    drawn = drawn_on(layer, image)
    corners = np.concatenate(drawn.polygons) if isinstance(drawn, Outlined) else np.zeros((0, 2))
    step = viewer.dims.current_step[-image.ndim :]
    axes = source.axes.removesuffix("S")
    box = dict(zip("YX", _clipped(corners, pixels(image).shape[image.ndim - 2 : image.ndim], layer), strict=True))
    region = []
    for position, (letter, n) in enumerate(zip(axes, source.data.shape, strict=False)):
        if letter in box:
            region.append(box[letter])
        elif letter in "CZ":
            region.append(slice(0, n))
        else:
            at = min(int(step[position]), n - 1)
            region.append(slice(at, at + 1))
    return (*region, *(slice(0, n) for n in source.data.shape[len(axes) :]))


def _clipped(corners: NDArray[np.float64], shape: Sequence[int], layer: Shapes) -> list[slice]:
    """Whole pixels within an outline's box, as far as they are the image's."""
    found = []
    for low, high, n in zip(corners.min(0, initial=math.inf), corners.max(0, initial=-math.inf), shape, strict=True):
        start, stop = max(0, math.ceil(low - 1e-6)), min(n, math.floor(high + 1e-6) + 1)
        if stop - start < min(_LEAST, n):
            raise InputError(
                f"“{layer.name}” marks less than {_LEAST} pixels of the image along an axis; draw a larger rectangle "
                "on the image, or remove the layer to be given one"
            )
        found.append(slice(start, stop))
    return found
