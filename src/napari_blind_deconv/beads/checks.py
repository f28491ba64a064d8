"""What comes in: a stack that can hold beads, its level of saturation, a size that fits."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_blind_deconv._types import InputError

# Squares and cubes of intensities must stay within single precision.
_MOST = 1e12


def checked_stack(stack: ArrayLike, voxel_size_um: Sequence[float] | None) -> NDArray[np.float32]:
    """The stack as float32.

    Raises
    ------
    InputError
        For what is no image, not finite or constant, and a voxel size of other axes.
    """
    array = np.asarray(stack)
    if array.dtype.kind not in "iuf" or array.ndim == 0:
        raise InputError(
            subject="bead stack",
            value=f"has data type {array.dtype} and shape {array.shape}",
            remedy="give an image of numbers",
        )
    if min(array.shape) < 3:
        raise InputError(
            subject="bead stack",
            value=f"has shape {array.shape}",
            allowed="but every axis needs at least 3 voxels",
            remedy="drop axes of one",
        )
    with np.errstate(over="ignore"):
        values = array.astype(np.float32)
    wrong = int((~np.isfinite(values)).sum())
    if wrong:
        raise InputError(
            subject="bead stack", value=f"has {wrong} values that are NaN or infinite", remedy="export it again"
        )
    low, high = float(values.min()), float(values.max())
    if max(-low, high) > _MOST or 0 < high - low < 1 / _MOST:
        raise InputError(
            subject="bead stack",
            value=f"holds intensities from {low:g} to {high:g}",
            allowed=f"but they must lie below {_MOST:g} and differ by {1 / _MOST:g}",
            remedy="multiply it by a constant",
        )
    if values.min() == values.max():
        raise InputError(
            subject="bead stack",
            value=f"is constant, every voxel is {values.flat[0]:g}",
            allowed="so it contains no bead",
            remedy="export it again",
        )
    if voxel_size_um is not None and len(tuple(voxel_size_um)) != array.ndim:
        raise InputError(
            subject="voxel size",
            value=f"{tuple(voxel_size_um)} µm has {len(tuple(voxel_size_um))} lengths",
            allowed=f"but the bead stack has {array.ndim} axes {array.shape}",
            remedy="give one length per axis",
        )
    return values


def saturation_of(stack: NDArray[Any], given: float | None) -> float:
    """The level of saturation; infinity where nothing looks saturated."""
    if given is not None:
        return float(given)
    top = stack.max()
    if stack.dtype.kind in "iu" and top in {np.iinfo(stack.dtype).max, *(2**bits - 1 for bits in (8, 10, 12, 14, 16))}:
        return float(top)
    flat = stack == top
    # Neighbours that share the highest value by chance are few; those that were cut off are many.
    beside = [(np.take(flat, range(1, n), a) & np.take(flat, range(n - 1), a)).sum() for a, n in enumerate(stack.shape)]
    return float(top) if sum(beside) >= 3 else float("inf")


def checked_size(asked: Sequence[int] | None, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """A size per axis; None where nobody asked for one.

    Raises
    ------
    InputError
        For a size that is even, too small, larger than the stack, or of other axes.
    """
    if asked is None:
        return None
    size = tuple(asked) * len(shape) if len(asked) == 1 else tuple(asked)
    if len(size) != len(shape) or any(n < 3 or n % 2 == 0 for n in size) or any(map(int.__gt__, size, shape)):
        raise InputError(
            subject="kernel_size",
            value=f"{tuple(asked)} does not fit a bead stack of {shape}",
            remedy="give odd numbers of 3 or more, one for all axes or one per axis, none larger than the stack",
        )
    return size
