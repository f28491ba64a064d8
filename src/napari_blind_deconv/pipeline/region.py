"""The part of an image that teaches its PSF, where a user says which: as if the image had been cropped to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError
from napari_blind_deconv.defects import Defects, find_defects
from napari_blind_deconv.intensity_checks import checked_levels
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.observation import Arrangement
from napari_blind_deconv.pipeline.sources import Channel
from napari_blind_deconv.settings import Settings
from napari_blind_deconv.support import kernel_shape, largest_kernel

Mask = NDArray[np.bool_]
_SMALLEST = 8


@dataclass(frozen=True)
class Region:
    """Where the PSF of one channel is estimated: frames, a box in them, and in it pixels of any outline.

    Attributes
    ----------
    frames
        Indices of the frames that hold a pixel of it.
    box
        Slices of the spatial axes: the smallest that hold all of it.
    pixels
        How many pixels it has.
    defects
        The channel within the box; what lies outside the outline is left out there like a mask's zeros.
    kernel_shape, largest_kernel
        The support of the PSF, as an image of the box's size would have it.
    """

    frames: NDArray[np.intp]
    box: tuple[slice, ...]
    pixels: int
    defects: Defects
    kernel_shape: tuple[int, ...]
    largest_kernel: tuple[int, ...] | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: first and last pixel plus one of every spatial axis, frames, and the number of pixels."""
        return {
            "start": [part.start for part in self.box],
            "stop": [part.stop for part in self.box],
            "frames": [int(frame) for frame in self.frames],
            "pixels": self.pixels,
        }


def regions_of(
    given: Any,
    layout: Arrangement,
    channels: Sequence[NDArray[Any] | Channel],
    outside: Sequence[Mask | None],
    run: Any,
) -> list[Region]:
    """One region per channel.

    Parameters
    ----------
    given
        A mask, not zero within the region, of the image's shape or that of its space; or one slice per spatial axis.
    layout
        The image's axes.
    channels, outside
        The image channel by channel, ``(batch, *space)``, and what a mask leaves out of each.
    run
        The image's shape and the run's settings.

    Raises
    ------
    InputError
        For a region that is not on the image, holds too little of it, or has no use with these settings.
    """
    shape, settings = run
    _refuse_needless(settings)
    boxed = given if isinstance(given, (tuple, list)) else (given,)
    if all(isinstance(part, slice) for part in boxed):
        given = _mask_of(boxed, layout, shape)
    masks = layout.split_mask(np.asarray(given), shape, name="region")
    return [
        _region(channel, inside, left_out, settings)
        for channel, inside, left_out in zip(channels, masks, outside, strict=True)
    ]


def _refuse_needless(settings: Settings) -> None:
    if isinstance(settings.kernel_prior, Known):
        raise InputError(
            subject="region",
            value="cannot be used with `kernel_prior=known`",
            allowed="because no PSF is estimated",
            remedy="give no region, or another `kernel_prior`",
        )


def _mask_of(box: Sequence[slice], layout: Arrangement, shape: Sequence[int]) -> Mask:
    """The box as a mask of the image's space."""
    space = tuple(shape[layout.axes.index(a)] for a in layout.space)
    if len(box) != len(space):
        raise InputError(
            subject="region",
            value=f"has {len(box)} ranges",
            allowed=f"but the image has {len(space)} spatial axes ({layout.space})",
            remedy="give one range per axis",
        )
    for letter, part, n in zip(layout.space, box, space, strict=True):
        start, stop = part.start or 0, n if part.stop is None else part.stop
        if part.step not in (None, 1) or not 0 <= start < stop <= n:
            raise InputError(
                subject="region",
                value=f"{start}:{stop} along {letter}",
                allowed=f"must lie within 0:{n}",
                remedy="give the first pixel and the one after the last",
            )
    mask = np.zeros(space, bool)
    mask[tuple(box)] = True
    return mask


def _region(channel: NDArray[Any] | Channel, inside: Mask, left_out: Mask | None, settings: Settings) -> Region:
    if not inside.any():
        raise InputError(subject="region", value="holds no pixel of the image", remedy="draw one that lies on it")
    frames = np.flatnonzero(inside.reshape(len(inside), -1).any(1))
    anywhere: Mask = np.asarray(inside.any(0))
    box = [slice(int(places.min()), int(places.max()) + 1) for places in np.nonzero(anywhere)]
    cut = (slice(None), *box)
    size = tuple(part.stop - part.start for part in box)
    if min(size) < _SMALLEST and min(size) < min(anywhere.shape):
        raise InputError(
            subject="region",
            value=f"is {' × '.join(map(str, size))} pixels large",
            allowed=f"but must be {_SMALLEST} or more along every axis",
            remedy="draw a larger one: several times as wide as the PSF",
        )
    outside = ~inside[frames][cut] if left_out is None else (~inside | left_out)[frames][cut]
    part = channel.part(frames.tolist(), tuple(box)) if isinstance(channel, Channel) else channel[frames][cut]
    defects = find_defects(part, outside)
    _refuse_empty(defects, settings)
    support = kernel_shape(settings.kernel_size, size, of="region")
    largest = largest_kernel(size) if settings.kernel_size is None else None
    return Region(frames, tuple(box), int((~outside).sum()), defects, support, largest)


def _refuse_empty(defects: Defects, settings: Settings) -> None:
    seen = defects.image if defects.missing is None else defects.image[~defects.missing]
    if not seen.size or seen.min() == seen.max():
        raise InputError(
            subject="region",
            value="holds no pixel that can be used" if not seen.size else "is constant",
            allowed="so no PSF can be estimated in it",
            remedy="draw it where the image has structure",
        )
    checked_levels(seen, settings.background, settings.noise_sigma, of="region")
