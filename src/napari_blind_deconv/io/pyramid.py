"""Coarser levels of an image, by local means."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_blind_deconv._types import VoxelSize

from .volume import SPATIAL

_SMALLEST = 256  # pixels; an image whose y and x are not larger needs no coarser level
_ISOTROPIC = 1.5  # times as long as x a voxel may be along z, and z still is halved with x and y


def factors(shape: Sequence[int], axes: str, voxel_size_um: VoxelSize | None) -> list[tuple[int, ...]]:
    """By how much each level is coarser than the finest one, axis by axis, the finest first.

    x and y are halved, and z where its voxels are known to be hardly longer, so that levels tend towards cubes.

    Examples
    --------
    >>> factors((40, 1024, 1024), "ZYX", (0.3, 0.1, 0.1))
    [(1, 1, 1), (1, 2, 2), (2, 4, 4)]
    """
    spatial = [letter for letter in SPATIAL if letter in axes]
    size = dict(zip(spatial, voxel_size_um or (), strict=False))
    levels = [(1,) * len(axes)]
    while True:
        factor = dict(zip(axes, levels[-1], strict=True))
        now = {axis: -(-n // factor[axis]) for axis, n in zip(axes, shape, strict=True)}
        if max(now["Y"], now["X"]) <= _SMALLEST:
            return levels
        depth, width = size.get("Z"), size.get("X")
        halved = {"Y", "X"}
        if depth and width and depth * factor["Z"] <= _ISOTROPIC * width * factor["X"]:
            halved.add("Z")
        levels.append(tuple(factor[a] * (2 if a in halved and now[a] > 1 else 1) for a in axes))


def means(values: NDArray[Any], factor: Sequence[int]) -> NDArray[Any]:
    """Means over two neighbours along every axis of factor 2, in the type of the values; the last may be alone.

    NaN is left out where one of them is a number.

    Examples
    --------
    >>> means(np.array([[1.0, 3.0, 5.0], [1.0, np.nan, 7.0]]), (2, 2))
    array([[1.66666667, 6.        ]])
    """
    wide = np.float32 if values.dtype.itemsize < 4 or values.dtype == np.float32 else np.float64
    there = np.isfinite(values) if values.dtype.kind == "f" else np.True_
    total, count = values if there.all() else np.where(there, values, 0), np.broadcast_to(there, values.shape)
    # The last axis first: what follows is smaller.
    for axis in reversed(range(values.ndim)):
        if factor[axis] == 2:
            total, count = _sums(total, axis, wide), _sums(count, axis, np.uint8)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(count > 0, total / count, np.nan)
    if values.dtype.kind == "f":
        return found.astype(values.dtype)
    return (found >= 0.5 if values.dtype.kind == "b" else np.rint(found)).astype(values.dtype)


def _sums(values: NDArray[Any], axis: int, dtype: DTypeLike) -> NDArray[Any]:
    """Sums of pairs along an axis."""
    moved = np.moveaxis(values, axis, 0)
    pairs = moved[::2].astype(dtype)
    pairs[: len(moved) // 2] += moved[1::2]
    return np.moveaxis(pairs, 0, axis)
