"""One run's input, checked and arranged before anything is computed."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError, VoxelSize
from napari_blind_deconv.defects import Defects, looked_for
from napari_blind_deconv.intensity_checks import checked_camera, checked_levels
from napari_blind_deconv.kernel_priors import Known, PerChannel
from napari_blind_deconv.networks import Stored
from napari_blind_deconv.observation import (
    Arrangement,
    arrangement,
    checked_image,
    filled_words,
    refuse_constant,
    refuse_type,
    refuse_values,
)
from napari_blind_deconv.pipeline.binding import bound_prior
from napari_blind_deconv.pipeline.comparing import refuse_other_truth
from napari_blind_deconv.pipeline.device import device_of
from napari_blind_deconv.pipeline.region import Region, regions_of
from napari_blind_deconv.pipeline.sources import Channel, Source
from napari_blind_deconv.pipeline.surveying import Surveyed, ranged, surveyed
from napari_blind_deconv.pipeline.tone_curve import light_of, white_of
from napari_blind_deconv.settings import Settings
from napari_blind_deconv.spread import Spreads, in_turn

Masks = Sequence[NDArray[np.bool_] | None]


@dataclass(frozen=True)
class Run:
    """One run's checked input."""

    settings: Settings
    layout: Arrangement
    shape: tuple[int, ...]
    voxel_size_um: VoxelSize | None
    kernel_shape: tuple[int, ...]
    kernel_prior: Any
    device: torch.device
    warnings: list[str]
    largest_kernel: tuple[int, ...] | None
    defects: list[Defects | Surveyed]
    regions: list[Region] | None = None
    white: float | None = None

    def whole(self, index: int) -> Defects:
        """The defects of a channel that was looked at as a whole."""
        found = self.defects[index]
        if not isinstance(found, Defects):
            raise TypeError("this channel was analysed part by part")
        return found

    def surveyed(self, index: int) -> Surveyed:
        """What was found in a channel that was looked at part by part."""
        found = self.defects[index]
        if not isinstance(found, Surveyed):
            raise TypeError("this channel was analysed as a whole")
        return found

    def with_psf_of(self, index: int) -> Run:
        """The run with the kernel prior of a channel, where channels have one each."""
        known = self.kernel_prior
        if isinstance(known, PerChannel):
            return replace(self, kernel_prior=known.of_channel(index, len(self.defects)))
        if not isinstance(known, Known) or known.kernel is None or np.ndim(known.kernel) == len(self.kernel_shape):
            return self
        return replace(self, kernel_prior=replace(known, kernel=known.kernel[index]))

    def within_region(self, index: int) -> Run | None:
        """The part of a channel that teaches its PSF, as a run of one channel; ``None``: nobody said which."""
        if self.regions is None:
            return None
        region = self.regions[index]
        return replace(
            self, defects=[region.defects], kernel_shape=region.kernel_shape, largest_kernel=region.largest_kernel
        )


@dataclass(frozen=True)
class _Looked:
    """What was seen of an image: its channels, what is left out of them, their defects, and what is to be said."""

    channels: list[Any]
    outside: Masks
    defects: Sequence[Defects | Surveyed]
    white: float | None
    warnings: list[str]


def preparing(
    image: NDArray[Any] | Source,
    settings: Settings,
    axes: Any,
    voxel_size_um: Any,
    psf: Any,
    psf_voxel_size_um: Any,
    mask: Any = None,
    region: Any = None,
    *,
    spread: Spreads = in_turn,
) -> Generator[str, None, Run]:
    """Check a run's input and bind its kernel prior to it; arguments and errors as in `deconvolve_steps`.

    An array is looked at as a whole, a `Source` part by part, by whoever ``spread`` is. A yield, of what is being done,
    after every part of the work.
    """
    for named in (settings.kernel_prior, settings.image_prior):
        if isinstance(named, Stored):
            named.check_file()
    refuse_type(image.dtype, image.shape)
    layout = arrangement(image.shape, axes, settings.planes)
    if isinstance(image, np.ndarray):
        seen = yield from _as_a_whole(image, settings, layout, mask)
    else:
        seen = yield from _part_by_part(image, settings, layout, mask, spread)
    bound = bound_prior(image.shape, layout, settings, (voxel_size_um, psf, psf_voxel_size_um))
    warnings = seen.warnings + bound.warnings + said_of_defects(seen.defects)
    regions = None
    if region is not None:
        regions = regions_of(region, layout, seen.channels, list(seen.outside), (image.shape, settings))
    return Run(
        settings,
        layout,
        tuple(image.shape),
        bound.voxels,
        bound.support,
        bound.prior,
        device_of(settings),
        warnings,
        bound.largest,
        list(seen.defects),
        regions,
        seen.white,
    )


def _as_a_whole(
    image: NDArray[Any], settings: Settings, layout: Arrangement, mask: Any
) -> Generator[str, None, _Looked]:
    values, warnings = checked_image(image, settings.fill_nan)
    white = white_of(image) if settings.encoding == "srgb" else None
    if white is not None:
        values = light_of(values, white)
    checked_levels(values, settings.background, settings.noise_sigma)
    checked_camera(values, settings.likelihood)
    channels = layout.split(values)
    outside: Masks = _outside(mask, layout, image.shape, len(channels))
    yield "analysing the image"
    defects = []
    for channel, left_out in zip(channels, outside, strict=True):
        defects.append((yield from looked_for(channel, left_out)))
    return _Looked(channels, outside, defects, white, warnings)


def _part_by_part(
    image: Source, settings: Settings, layout: Arrangement, mask: Any, spread: Spreads
) -> Generator[str, None, _Looked]:
    count = 1 if layout.channel is None else image.shape[layout.channel]
    white, raw = None, [Channel(image, layout, index) for index in range(count)]
    ranges = []
    for channel in raw:
        ranges.append((yield from ranged(channel)))  # noqa: PERF401 - a comprehension cannot yield
    values = np.concatenate([found.sample for found in ranges])
    infinite = sum(found.infinite for found in ranges)
    refuse_values(values, infinite, sum(found.size for found in ranges))
    refuse_constant([(found.low, found.high) for found in ranges])
    if settings.encoding == "srgb":
        white = white_of(values.astype(image.dtype))
        values = light_of(values, white)
    checked_levels(values, settings.background, settings.noise_sigma)
    checked_camera(values, settings.likelihood)
    channels = [replace(channel, white=white, fill_nan=settings.fill_nan) for channel in raw]
    warnings = [filled_words(infinite)] if infinite and settings.fill_nan else []
    outside: Masks = _outside(mask, layout, image.shape, count)
    defects: list[Surveyed] = []
    for channel, found, left_out in zip(channels, ranges, outside, strict=True):
        defects.append((yield from surveyed(channel, found.as_light(white), left_out, spread)))
    return _Looked(channels, outside, defects, white, warnings)


def _outside(mask: Any, layout: Arrangement, shape: tuple[int, ...], channels: int) -> Masks:
    return [None] * channels if mask is None else [~m for m in layout.split_mask(mask, shape)]


def said_of_defects(defects: Sequence[Defects | Surveyed]) -> list[str]:
    """What is to be said of every channel's defects.

    Raises
    ------
    InputError
        Where nothing is left of a channel.
    """
    said = []
    for number, found in enumerate(defects, start=1):
        prefix = f"channel {number}: " if len(defects) > 1 else ""
        said += [prefix + sentence for sentence in found.sentences()]
        if found.share_missing == 1:
            raise InputError(
                subject="image",
                value=f"has no pixel left to restore{f' in channel {number}' if prefix else ''}",
                allowed="because all are masked or defective",
                remedy="check the mask",
            )
    return said


def checked_truth(truth: Any, true_psf: Any, run: Run) -> tuple[Any, Any]:
    """Truths that can be compared with the result, refused before the work rather than after."""
    refuse_other_truth(truth, run.shape)
    if true_psf is not None:
        shape = np.squeeze(np.asarray(true_psf)).shape
        expected = len(run.kernel_shape) + (run.layout.channel is not None)
        if len(shape) != expected:
            raise InputError(
                subject="true PSF",
                value=f"has {len(shape)} axes {shape}",
                allowed=f"but must have the estimated one's {expected}",
                remedy="give one of those axes",
            )
    return truth, true_psf
