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
        raise InputError(
            subject="PSF",
            value=f"has data type {array.dtype}",
            allowed="which holds no intensities",
            remedy="convert it to an integer or float type",
        )
    if array.ndim != ndim:
        remedy = (
            "treat the stack as planes with `planes`, or give a 3-D PSF"
            if array.ndim < ndim
            else f"give one of {ndim} axes, such as its sharpest plane"
        )
        raise InputError(
            subject="PSF",
            value=f"has {array.ndim} axes {array.shape}",
            allowed=f"but the image has {ndim} spatial axes {tuple(space_shape)}",
            remedy=remedy,
        )
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError(
            subject="PSF",
            value=f"has {int((~np.isfinite(values)).sum())} values that are NaN or infinite",
            remedy="export it anew",
        )
    if values.min() < 0:
        raise InputError(
            subject="PSF",
            value=f"has {int((values < 0).sum())} negative values, the lowest is {values.min():g}",
            allowed="but is a distribution of light",
            remedy="subtract its background and set what is below zero to zero",
        )
    if values.sum() == 0:
        raise InputError(
            subject="PSF", value="is zero everywhere", allowed="but must hold light", remedy="export it anew"
        )
    if voxel_size_um is not None and psf_voxel_size_um is not None:
        same_voxels(voxel_size_um, psf_voxel_size_um)
    warnings = []
    even = [n % 2 == 0 for n in values.shape]
    if any(even):
        values = np.pad(values, [(0, 1 if e else 0) for e in even])
        warnings.append(f"PSF of even size {array.shape} was padded by zeros to {values.shape}; its centre is n // 2")
    if any(k > n for k, n in zip(values.shape, space_shape, strict=True)):
        raise InputError(
            subject="PSF",
            value=f"of {values.shape} pixels",
            allowed=f"is larger than the image of {tuple(space_shape)}",
            remedy="crop it to its support",
        )
    return (values / values.sum()).astype(np.float32), warnings


def same_voxels(image_um: Sequence[float], psf_um: Sequence[float], tolerance: float = 0.02) -> None:
    """Refuse a PSF sampled on other voxels than the image."""
    image_um, psf_um = tuple(image_um), tuple(psf_um)
    if len(image_um) != len(psf_um):
        raise InputError(
            subject="PSF",
            value=f"has voxels of {psf_um} µm",
            allowed=f"but the image's are {image_um} µm, of another number of axes",
            remedy="give a PSF of the image's spatial axes",
        )
    if any(abs(a - b) > tolerance * a for a, b in zip(image_um, psf_um, strict=True)):
        raise InputError(
            subject="PSF",
            value=f"has voxels of {psf_um} µm",
            allowed=f"but the image's are {image_um} µm",
            remedy="resample the PSF to them, or correct `voxel_size_um`",
        )


def kernel_shape(requested: Sequence[int] | None, space_shape: Sequence[int], of: str = "image") -> tuple[int, ...]:
    """The support: as requested, or at most 31 pixels and a third of the image (half of it along z) per axis.

    A PSF is longest along z, where stacks are shortest. ``of`` is what has that shape: the image, or a region of it.

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
            subject="kernel_size",
            value=f"{tuple(requested)} names {len(sizes)} axes",
            allowed=f"but the PSF has {len(space_shape)}",
            remedy="give one odd number, or one per axis",
        )
    for size, n in zip(sizes, space_shape, strict=True):
        if size > n:
            largest = tuple(n - (n + 1) % 2 for n in space_shape)
            raise InputError(
                subject="kernel_size",
                value=f"{sizes}",
                allowed=f"is larger than the {of} of {tuple(space_shape)} pixels",
                remedy=f"choose {largest} or less",
            )
    return sizes


def largest_kernel(space_shape: Sequence[int]) -> tuple[int, ...]:
    """The largest support that an image teaches anything about: a third of it per axis, half of it along z."""
    parts = [2 if len(space_shape) == 3 and axis == 0 else 3 for axis in range(len(space_shape))]
    limits = [max(3, n // part) for n, part in zip(space_shape, parts, strict=True)]
    return tuple(n - 1 + n % 2 for n in limits)
