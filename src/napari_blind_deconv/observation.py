"""What comes in: checked, and arranged so that batch axes come first and spatial axes last."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError, VoxelSize
from napari_blind_deconv.intensity_checks import refuse_extreme

SPATIAL = "ZYX"
_DEFAULT_AXES = {2: "YX", 3: "ZYX"}
# From a picometre to a metre; and how much longer than another a side of a voxel may be.
_LENGTHS_UM, _LONGEST = (1e-6, 1e6), 1e4
_SMALLEST = 3


@dataclass(frozen=True)
class Arrangement:
    """Which axes of an array are space, which share one PSF, and which have a PSF each.

    Attributes
    ----------
    axes
        One letter per axis: ``Z``, ``Y``, ``X`` space, ``T`` time, ``S`` colour samples, ``C`` channels; any other
        letter (``P`` positions, ``Q`` unknown) counts like time.
    planes
        Whether ``Z`` is a batch of planes rather than depth.
    """

    axes: str
    planes: bool = False

    @property
    def space(self) -> str:
        """Spatial axes of the PSF, in the order z, y, x."""
        return "".join(a for a in SPATIAL if a in self.axes and not (self.planes and a == "Z"))

    @property
    def axes_of_frames(self) -> str:
        """The axes with ``P`` for a ``Z`` that counts planes: what only names space keeps its name."""
        return self.axes.replace("Z", "P") if self.planes else self.axes

    @property
    def channel(self) -> int | None:
        """Position of the channel axis, if there is one: channels have a PSF each."""
        return self.axes.index("C") if "C" in self.axes else None

    def frames(self, shape: Sequence[int]) -> int:
        """How many frames a channel of an image of ``shape`` has: of time, planes, colours, positions."""
        return math.prod(n for axis, n in zip(self.axes, shape, strict=True) if axis not in f"C{self.space}")

    def apart(self, image: NDArray[Any]) -> list[NDArray[Any]]:
        """One array per channel, its axes in the input's order."""
        return [image] if self.channel is None else list(np.moveaxis(image, self.channel, 0))

    def split(self, image: NDArray[Any]) -> list[NDArray[Any]]:
        """One array per channel, shape ``(batch, *space)``.

        Raises
        ------
        InputError
            For a channel that is constant.
        """
        channels = self.apart(image)
        refuse_constant([(float(np.nanmin(c)), float(np.nanmax(c))) for c in channels])
        return [self._flattened(c) for c in channels]

    def split_mask(self, mask: NDArray[Any], shape: tuple[int, ...], name: str = "mask") -> list[NDArray[np.bool_]]:
        """A mask as `split` splits the image of ``shape``: of the image's own shape, or of its space, for all alike.

        Raises
        ------
        InputError
            Where its shape is neither.
        """
        chosen = np.asarray(mask) != 0
        space = tuple(shape[self.axes.index(a)] for a in self.space)
        if chosen.shape == tuple(shape):
            return [self._flattened(c) for c in self.apart(chosen)]
        if chosen.shape == space:
            sizes = [n for a, n in zip(self.axes, shape, strict=True) if a != "C" and a not in self.space]
            channels = 1 if self.channel is None else shape[self.channel]
            return [np.broadcast_to(chosen, (int(np.prod(sizes, dtype=int)), *space))] * channels
        raise InputError(
            subject=name,
            value=f"has shape {chosen.shape}",
            allowed=f"but the image has {tuple(shape)}",
            remedy=f"give one of that shape, or of its space {space}",
        )

    def restack(self, part: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """One channel back in the input's order of axes; ``shape`` is the input's, without its channel axis."""
        order = self._order()
        moved = part.reshape([shape[i] for i in order])
        return np.ascontiguousarray(np.transpose(moved, np.argsort(order)))

    def join(self, parts: Sequence[NDArray[Any]], shape: tuple[int, ...]) -> NDArray[Any]:
        """The inverse of `split`; ``shape`` is the whole input's."""
        if self.channel is None:
            return self.restack(parts[0], shape)
        rest = tuple(n for i, n in enumerate(shape) if i != self.channel)
        return np.stack([self.restack(p, rest) for p in parts], self.channel)

    def _order(self) -> list[int]:
        rest = self.axes.replace("C", "")
        batch = [i for i, a in enumerate(rest) if a not in self.space]
        return batch + [rest.index(a) for a in self.space]

    def _flattened(self, image: NDArray[Any]) -> NDArray[Any]:
        moved = np.transpose(image, self._order())
        return np.ascontiguousarray(moved.reshape(-1, *moved.shape[moved.ndim - len(self.space) :]))


def arrangement(shape: Sequence[int], axes: str | None, planes: bool) -> Arrangement:
    """Read the axes, or infer them where there are two or three.

    Raises
    ------
    InputError
        Where axes and shape do not agree, an axis is named twice or there is no plane to work in.
    """
    if axes is None:
        if len(shape) not in _DEFAULT_AXES:
            raise InputError(
                subject="image",
                value=f"has {len(shape)} axes {tuple(shape)}",
                allowed="whose meaning is not known",
                remedy="name them with `axes`, such as TZYX (T time, C channel, S colour, Z, Y, X)",
            )
        axes = _DEFAULT_AXES[len(shape)]
    axes = axes.upper()
    if len(axes) != len(shape):
        raise InputError(
            subject="axes",
            value=f"{axes!r} name {len(axes)} axes",
            allowed=f"but the image has {len(shape)}: {tuple(shape)}",
            remedy="give one letter per axis",
        )
    if len(set(axes)) != len(axes):
        raise InputError(
            subject="axes",
            value=f"{axes!r} name an axis twice",
            allowed="but each letter may occur once",
            remedy="give every axis its own letter",
        )
    if not {"Y", "X"} <= set(axes):
        raise InputError(
            subject="axes",
            value=repr(axes),
            allowed="must contain Y and X, because a PSF is estimated in planes or volumes",
            remedy="name two axes of the image Y and X",
        )
    out = Arrangement(axes, planes)
    for letter in out.space:
        n = shape[axes.index(letter)]
        if n < _SMALLEST:
            raise InputError(
                subject="image",
                value=f"has {n} {'pixel' if n == 1 else 'pixels'} along {letter}",
                allowed=f"but at least {_SMALLEST} are needed",
                remedy="treat the stack as planes with `planes`" if letter == "Z" else "crop it less",
            )
    return out


def checked_image(image: Any, fill_nan: bool) -> tuple[NDArray[Any], list[str]]:
    """The image as floats, not constant, with what had to be said about it.

    What is NaN or infinite stays so, to be left out later, or is filled from its nearest neighbours.

    Raises
    ------
    InputError
        For an empty or constant image, one without a finite pixel, and types that hold no intensities.
    """
    array = np.asarray(image)
    refuse_type(array.dtype, array.shape)
    warnings = []
    # Whole numbers of four bytes do not fit into single precision.
    small = array.dtype.itemsize <= (4 if array.dtype.kind == "f" else 2)
    values = array.astype(np.float32 if small else np.float64, copy=False)
    bad = ~np.isfinite(values)
    count = int(bad.sum())
    if count and count < array.size and fill_nan:
        nearest = scipy.ndimage.distance_transform_edt(bad, return_distances=False, return_indices=True)
        values = values[tuple(nearest)]
        warnings.append(filled_words(count))
    refuse_values(values if not count or fill_nan else values[~bad], count, array.size)
    return values, warnings


def filled_words(count: int) -> str:
    """What is said of pixels that were filled."""
    return f"{count} pixels that were NaN or infinite were filled from their nearest neighbours"


def refuse_type(dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """Refuse what holds no intensities, and what is empty."""
    if dtype.kind not in "iuf":
        raise InputError(
            subject="image",
            value=f"has data type {dtype}",
            allowed="which is not a type of intensities",
            remedy="convert it to an integer or float type",
        )
    if 0 in shape:
        raise InputError(
            subject="image",
            value=f"is empty, its shape is {shape}",
            allowed=f"but every axis needs at least {_SMALLEST} pixels",
            remedy="export it again",
        )


def refuse_values(finite: NDArray[Any], infinite: int, size: int) -> None:
    """Refuse an image by its finite values, or some with the lowest and the highest; others are ``infinite``."""
    if infinite == size:
        raise InputError(
            subject="image",
            value="holds no finite value",
            allowed="because every pixel is NaN or infinite",
            remedy="export it again",
        )
    refuse_extreme(finite)
    if finite.min() == finite.max():
        raise InputError(
            subject="image",
            value=f"is constant, every pixel is {finite.flat[0]:g}",
            allowed="so there is nothing to deconvolve",
            remedy="export it again",
        )


def refuse_constant(ranges: Sequence[tuple[float, float]]) -> None:
    """Refuse a channel that is constant; ``ranges`` holds the lowest and the highest value of each."""
    for number, (low, high) in enumerate(ranges, start=1):
        if low == high:
            raise InputError(
                subject=f"channel {number} of {len(ranges)}",
                value=f"is constant, every pixel is {low:g}",
                allowed="so there is nothing to deconvolve in it",
                remedy="leave it out",
            )


def checked_voxel_size(voxel_size_um: Sequence[float | None] | None, space: str, planes: bool) -> VoxelSize | None:
    """Voxel size of the PSF's axes in µm, (z, y, x) or (y, x); ``None`` along an axis of which none is known.

    Raises
    ------
    InputError
        For a wrong number of lengths or one that is not positive and finite.
    """
    if voxel_size_um is None:
        return None
    size = tuple(None if v is None else float(v) for v in voxel_size_um)
    if planes and len(size) == len(space) + 1:
        size = size[1:]
    if len(size) != len(space):
        raise InputError(
            subject="voxel size",
            value=f"{size} has {len(size)} lengths",
            allowed=f"but the image has {len(space)} spatial axes ({space})",
            remedy="give one length in µm per axis",
        )
    for letter, value in zip(space, size, strict=True):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise InputError(
                subject="voxel size",
                value=f"along {letter} is {value:g} µm",
                allowed="but must be positive",
                remedy="give the right one with `voxel_size_um`",
            )
    known = [value for value in size if value is not None]
    if not known:
        return None
    if not _LENGTHS_UM[0] <= min(known) <= max(known) <= _LENGTHS_UM[1] or max(known) > _LONGEST * min(known):
        raise InputError(
            subject="voxel size",
            value=f"{size} µm",
            allowed=f"must lie between {_LENGTHS_UM[0]:g} and {_LENGTHS_UM[1]:g} µm, no side more than {_LONGEST:g} "
            "times another",
            remedy="give the right one with `voxel_size_um`",
        )
    return size
