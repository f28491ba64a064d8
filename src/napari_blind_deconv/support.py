"""Where a PSF lives: a known one checked and made odd, an unknown one given its support."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError

_USUAL = 31


def checked_psf(
    psf: Any,
    space_shape: Sequence[int],
    voxel_size_um: Sequence[float] | None,
    psf_voxel_size_um: Sequence[float] | None,
) -> tuple[NDArray[np.float32], list[str]]:
    """A known PSF of odd size and unit sum, with what had to be changed.

    Raises
    ------
    InputError
        Where its dimensions, size, voxel size or values cannot be a PSF of this image.
    """
    array, ndim = np.asarray(psf), len(space_shape)
    while array.ndim > ndim and 1 in array.shape:
        array = array.squeeze(array.shape.index(1))
    if array.dtype.kind not in "iuf":
        raise InputError(f"PSF has data type {array.dtype}; convert it to an integer or float type")
    if array.ndim != ndim:
        hint = (
            "treat the stack as planes (planes=True, --planes), or give a 3-D PSF"
            if array.ndim < ndim
            else f"give one of {ndim} axes, such as its sharpest plane"
        )
        raise InputError(
            f"PSF has {array.ndim} axes {array.shape}, but the image has {ndim} spatial axes {tuple(space_shape)}; "
            f"{hint}"
        )
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError(f"PSF has {int((~np.isfinite(values)).sum())} values that are NaN or infinite; export it anew")
    if values.min() < 0:
        raise InputError(
            f"PSF has {int((values < 0).sum())} negative values, the lowest is {values.min():g}; a PSF is a "
            "distribution of light: subtract its background and set what is below zero to zero"
        )
    if values.sum() == 0:
        raise InputError("PSF is zero everywhere; it must hold light")
    if voxel_size_um is not None and psf_voxel_size_um is not None:
        same_voxels(voxel_size_um, psf_voxel_size_um)
    warnings = []
    even = [n % 2 == 0 for n in values.shape]
    if any(even):
        values = np.pad(values, [(0, 1 if e else 0) for e in even])
        warnings.append(f"PSF of even size {array.shape} was padded by zeros to {values.shape}; its centre is n // 2")
    if any(k > n for k, n in zip(values.shape, space_shape, strict=True)):
        raise InputError(
            f"PSF of {values.shape} pixels is larger than the image of {tuple(space_shape)}; crop it to its support"
        )
    return (values / values.sum()).astype(np.float32), warnings


def same_voxels(image_um: Sequence[float], psf_um: Sequence[float], tolerance: float = 0.02) -> None:
    """Refuse a PSF sampled on other voxels than the image."""
    image_um, psf_um = tuple(image_um), tuple(psf_um)
    if len(image_um) != len(psf_um):
        raise InputError(f"PSF has voxels of {psf_um} µm, the image of {image_um} µm; their numbers of axes differ")
    if any(abs(a - b) > tolerance * a for a, b in zip(image_um, psf_um, strict=True)):
        raise InputError(
            f"PSF has voxels of {psf_um} µm, but the image's are {image_um} µm; resample the PSF to them, "
            "or correct the voxel size"
        )


def kernel_shape(requested: Sequence[int] | None, space_shape: Sequence[int]) -> tuple[int, ...]:
    """The support: as requested, or at most 31 pixels and a third of the image (half of it along z) per axis.

    A PSF is longest along z, where stacks are shortest.

    Raises
    ------
    InputError
        Where the number of sizes does not fit the axes, or the kernel is larger than the image.
    """
    if requested is None:
        return tuple(min(_USUAL, n) for n in largest_kernel(space_shape))
    sizes = tuple(requested) * len(space_shape) if len(requested) == 1 else tuple(requested)
    if len(sizes) != len(space_shape):
        raise InputError(
            f"kernel_size {tuple(requested)} names {len(sizes)} axes, but the PSF has {len(space_shape)}; give one "
            "odd number, or one per axis"
        )
    for size, n in zip(sizes, space_shape, strict=True):
        if size > n:
            largest = tuple(n - (n + 1) % 2 for n in space_shape)
            raise InputError(
                f"kernel_size {sizes} is larger than the image of {tuple(space_shape)} pixels; choose {largest} or less"
            )
    return sizes


def largest_kernel(space_shape: Sequence[int]) -> tuple[int, ...]:
    """The largest support that an image teaches anything about: a third of it per axis, half of it along z."""
    parts = [2 if len(space_shape) == 3 and axis == 0 else 3 for axis in range(len(space_shape))]
    limits = [max(3, n // part) for n, part in zip(space_shape, parts, strict=True)]
    return tuple(n - 1 + n % 2 for n in limits)
