"""Layers that people have: small, of every kind."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

import dask.array as da
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fuzz.case import Rng, chance, pick

NAMES: Final = ("cells", "a/b", "ä µ", "", "x" * 120, "cells restored", "  ", "cells [1]", "<b>bold</b>", "a\nb")
UM: Final = MappingProxyType({"units": "um"})


def scene(rng: Rng, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Blurred spots in noise."""
    spots = (rng.random(shape) > 0.98) * rng.uniform(50, 100, shape)
    blur = [0 if n < 6 else 1.3 for n in shape]
    return np.asarray(ndimage.gaussian_filter(spots, blur) + rng.normal(20, 0.5, shape), np.float32)


def _plane(rng: Rng) -> Any:
    voxels = {"scale": (0.1, 0.1), **UM} if chance(rng, 0.6) else {}
    return scene(rng, pick(rng, [(48, 52), (40, 40), (31, 64)])), voxels


def _colours(rng: Rng) -> Any:
    channels = int(pick(rng, [3, 4]))
    return np.clip(2 * scene(rng, (40, 44, channels)), 0, 255).astype(np.uint8), {"rgb": True}


def _stack(rng: Rng) -> Any:
    return scene(rng, (9, 32, 34)), {"scale": (0.3, 0.1, 0.1), "axis_labels": ("z", "y", "x"), **UM}


def _movie(rng: Rng) -> Any:
    return scene(rng, (4, 40, 36)), {"axis_labels": ("t", "y", "x")}


def _channels(rng: Rng) -> Any:
    labels = {"axis_labels": ("c", "z", "y", "x")} if chance(rng, 0.7) else {}
    return scene(rng, (3, 7, 28, 30)), {"scale": (1, 0.3, 0.1, 0.1), **labels}


def _levels(rng: Rng) -> Any:
    full = scene(rng, (64, 64))
    return [full, full[::2, ::2], full[::4, ::4]], {"multiscale": True}


def _lazy(rng: Rng) -> Any:
    return da.from_array(scene(rng, (6, 32, 32)), chunks=(2, 16, 16)), {}


def _counts(rng: Rng) -> Any:
    return rng.poisson(np.abs(scene(rng, (44, 40)))).astype(np.uint16), {"scale": (0.065, 0.065), **UM}


def _psf(rng: Rng) -> Any:
    grids = np.meshgrid(*[np.arange(n) - n // 2 for n in pick(rng, [(9, 9), (7, 9), (5, 9, 9)])], indexing="ij")
    return np.exp(-sum(g**2 for g in grids) / 4.0).astype(np.float32), {"name": "PSF"}


def _odd(rng: Rng) -> Any:
    data = scene(rng, (32, 32)).astype(pick(rng, [np.float64, np.float16, np.int32]))
    how = int(rng.integers(6))
    if how == 0 and data.dtype.kind == "f":
        data[3, 4] = pick(rng, [np.nan, np.inf])
    return pick(rng, [data, data[:1], data[:2, :3], np.zeros_like(data), data > 30, data[None, None, None]]), {}


IMAGES: Final[MappingProxyType[str, Callable[[Rng], Any]]] = MappingProxyType(
    {
        "plane": _plane,
        "colours": _colours,
        "stack": _stack,
        "movie": _movie,
        "channels": _channels,
        "levels": _levels,
        "lazy": _lazy,
        "counts": _counts,
        "psf": _psf,
        "odd": _odd,
    }
)


def add_made(rng: Rng, viewer: Any) -> str:
    """Add a layer of some kind to a viewer; its kind."""
    name = str(pick(rng, NAMES)) if chance(rng, 0.3) else None
    kind = str(pick(rng, [*IMAGES, "labels", "shapes", "points"]))
    if kind == "labels":
        viewer.add_labels((scene(rng, (48, 52)) > 30).astype(np.uint8), name=name)
    elif kind == "shapes":
        corner, size = rng.uniform(0, 20, 2), rng.uniform(4, 30, 2)
        viewer.add_shapes(
            [np.array([corner, corner + size])], shape_type=pick(rng, ["rectangle", "ellipse"]), name=name
        )
    elif kind == "points":
        viewer.add_points(rng.uniform(0, 40, (5, 2)), name=name)
    else:
        data, attributes = IMAGES[kind](rng)
        viewer.add_image(data, **({"name": name or kind} | attributes))
    return kind
