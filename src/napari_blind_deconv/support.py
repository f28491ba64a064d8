"""Where a PSF lives: a known one checked and made odd, an unknown one given its support."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError

_USUAL = 31
# Relative differences of voxel sizes: that of rounding, and that from which on a PSF is another one.
_SAME, _OTHER = 0.02, 0.05
# Between these, sums of a PSF's values are numbers.
_SAFE = 1e-100, 1e100


def checked_psf(
    psf: Any,
    space_shape: Sequence[int],
    voxel_size_um: Sequence[float | None] | None,
    psf_voxel_size_um: Sequence[float | None] | None,
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
            allowed="which is not a type of intensities",
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
            remedy="export it again",
        )
    if values.min() < 0:
        raise InputError(
            subject="PSF",
            value=f"has {int((values < 0).sum())} negative values, the lowest is {values.min():g}",
            allowed="but must be a distribution of light",
            remedy="subtract its background and set negative values to zero",
        )
    if values.max() == 0:
        raise InputError(
            subject="PSF", value="is zero everywhere", allowed="but must hold light", remedy="export it again"
        )
    if not _SAFE[0] < values.max() < _SAFE[1]:
        values = values / values.max()
    warnings = []
    if voxel_size_um is not None and psf_voxel_size_um is not None:
        warnings = voxel_doubts_of_psf(voxel_size_um, psf_voxel_size_um)
    values, said = _fitted(values, space_shape)
    warnings += said
    return (values / values.sum()).astype(np.float32), warnings


def checked_psfs(
    psf: Any,
    space_shape: Sequence[int],
    voxel_size_um: Sequence[float | None] | None,
    psf_voxel_size_um: Sequence[float | None] | None,
    channels: int,
) -> tuple[NDArray[np.float32], list[str]]:
    """As `checked_psf`, where there may be one PSF per channel, along the first axis."""
    array = np.asarray(psf)
    own = channels > 1 and array.ndim > len(space_shape) and array.shape[0] == channels
    if not own:
        return checked_psf(array, space_shape, voxel_size_um, psf_voxel_size_um)
    found = [checked_psf(one, space_shape, voxel_size_um, psf_voxel_size_um) for one in array]
    warnings = [f"channel {number}: {sentence}" for number, (_, said) in enumerate(found, start=1) for sentence in said]
    return np.stack([taps for taps, _ in found]), warnings


def _fitted(values: NDArray[np.float64], space_shape: Sequence[int]) -> tuple[NDArray[np.float64], list[str]]:
    """A PSF of odd size, no larger than the image, about the same centre; with what was done, and the light it cost.

    Whole, a larger one would restore no better (decision 0025), and every pixel would be at the image's border.
    """
    shape, told = values.shape, []
    sizes = [min(n + 1 - n % 2, m - 1 + m % 2) for n, m in zip(shape, space_shape, strict=True)]
    if any(n % 2 == 0 and k > n for n, k in zip(shape, sizes, strict=True)):
        values = np.pad(values, [(0, 1 if n % 2 == 0 else 0) for n in shape])
        told.append(f"PSF of even size {shape} was padded by zeros to {values.shape}; its centre is n // 2")
    if any(k < n for k, n in zip(sizes, shape, strict=True)):
        starts = [n // 2 - k // 2 for n, k in zip(shape, sizes, strict=True)]
        kept = values[tuple(slice(start, start + k) for start, k in zip(starts, sizes, strict=True))]
        cut = 1 - kept.sum() / values.sum()
        if kept.sum() == 0:
            raise InputError(
                subject="PSF",
                value=f"of {shape} pixels",
                allowed=f"has no light in its middle {tuple(sizes)}, which is all that an image of "
                f"{tuple(space_shape)} has room for",
                remedy="centre it, or crop it to its support",
            )
        told.append(
            f"PSF of {shape} pixels is larger than an image of {tuple(space_shape)} has room for: it was trimmed about "
            f"its centre to {tuple(sizes)}, which cut {100 * max(cut, 0.0):.2g} % of its light"
        )
        values = kept
    return values, told


def voxel_doubts_of_psf(image_um: Sequence[float | None], psf_um: Sequence[float | None]) -> list[str]:
    """What is to be said of a PSF whose voxels are nearly the image's, along the axes of which both are known.

    Raises
    ------
    InputError
        For a PSF sampled on other voxels.
    """
    image_um, psf_um = tuple(image_um), tuple(psf_um)
    if len(image_um) != len(psf_um):
        raise InputError(
            subject="PSF",
            value=f"has voxels of {_lengths(psf_um)} µm",
            allowed=f"but the image's are {_lengths(image_um)} µm, of another number of axes",
            remedy="give a PSF of the image's spatial axes",
        )
    pairs = [(a, b) for a, b in zip(image_um, psf_um, strict=True) if a is not None and b is not None]
    worst = max((abs(a - b) / a for a, b in pairs), default=0.0)
    if worst > _OTHER:
        raise InputError(
            subject="PSF",
            value=f"has voxels of {_lengths(psf_um)} µm",
            allowed=f"but the image's are {_lengths(image_um)} µm",
            remedy="resample the PSF to them, or correct `voxel_size_um`",
        )
    if worst <= _SAME:
        return []
    return [
        f"the PSF has voxels of {_lengths(psf_um)} µm, the image of {_lengths(image_um)} µm; it was used unchanged, "
        f"up to {worst:.1%} too narrow or too wide"
    ]


def _lengths(voxel_size_um: Sequence[float | None]) -> str:
    return f"({', '.join('?' if length is None else f'{length:.5g}' for length in voxel_size_um)})"


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
