"""One run's input, checked and arranged before anything is computed."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError, VoxelSize, whole
from napari_blind_deconv.defects import Defects, find_defects
from napari_blind_deconv.intensity_checks import checked_camera, checked_levels
from napari_blind_deconv.kernel_priors import InVoxels, Known
from napari_blind_deconv.kernel_priors.known import no_psf
from napari_blind_deconv.networks import Stored
from napari_blind_deconv.observation import (
    Arrangement,
    arrangement,
    checked_image,
    checked_voxel_size,
    filled_words,
    refuse_constant,
    refuse_type,
    refuse_values,
)
from napari_blind_deconv.physical_checks import microscope_doubts, voxel_doubts
from napari_blind_deconv.pipeline.device import device_of
from napari_blind_deconv.pipeline.region import Region, regions_of
from napari_blind_deconv.pipeline.sources import Channel, Source
from napari_blind_deconv.pipeline.surveying import Surveyed, ranged, surveyed
from napari_blind_deconv.pipeline.tone_curve import light_of, white_of
from napari_blind_deconv.settings import Settings
from napari_blind_deconv.support import checked_psf, kernel_shape, largest_kernel


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
            raise TypeError("this channel was looked at part by part")
        return found

    def surveyed(self, index: int) -> Surveyed:
        """What was found in a channel that was looked at part by part."""
        found = self.defects[index]
        if not isinstance(found, Surveyed):
            raise TypeError("this channel was looked at as a whole")
        return found

    def within_region(self, index: int) -> "Run | None":
        """The part of a channel that teaches its PSF, as a run of one channel; ``None``: nobody said which."""
        if self.regions is None:
            return None
        region = self.regions[index]
        return replace(
            self, defects=[region.defects], kernel_shape=region.kernel_shape, largest_kernel=region.largest_kernel
        )


def prepare(
    image: Any,
    settings: Settings,
    axes: Any,
    voxel_size_um: Any,
    psf: Any,
    psf_voxel_size_um: Any,
    mask: Any = None,
    region: Any = None,
) -> Run:
    """Check a run's input and bind its kernel prior to it; arguments and errors as in `deconvolve_steps`."""
    for named in (settings.kernel_prior, settings.image_prior):
        if isinstance(named, Stored):
            named.check_file()
    values, warnings = checked_image(image, settings.fill_nan)
    white = white_of(np.asarray(image)) if settings.encoding == "srgb" else None
    if white is not None:
        values = light_of(values, white)
    checked_levels(values, settings.background, settings.noise_sigma)
    checked_camera(values, settings.likelihood)
    layout = arrangement(values.shape, axes, settings.planes)
    bound = bound_prior(values.shape, layout, settings, (voxel_size_um, psf, psf_voxel_size_um))
    warnings = warnings + bound.warnings
    channels = layout.split(values)
    outside = [None] * len(channels) if mask is None else [~m for m in layout.split_mask(mask, values.shape)]
    defects = [find_defects(c, o) for c, o in zip(channels, outside, strict=True)]
    warnings += said_of_defects(defects)
    regions = None if region is None else regions_of(region, layout, channels, outside, (values.shape, settings))
    return bound.run(settings, layout, values.shape, warnings, defects, regions, white)


def prepare_in_parts(
    image: Source,
    settings: Settings,
    axes: Any,
    voxel_size_um: Any,
    psf: Any,
    psf_voxel_size_um: Any,
    mask: Any = None,
    region: Any = None,
) -> Generator[str, None, Run]:
    """As `prepare`, for an image that is read part by part; a yield after every part."""
    layout = arrangement(image.shape, axes, settings.planes)
    refuse_type(image.dtype, image.shape)
    bound = bound_prior(image.shape, layout, settings, (voxel_size_um, psf, psf_voxel_size_um))
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
    warnings += bound.warnings
    outside = [None] * count if mask is None else [~m for m in layout.split_mask(mask, image.shape)]
    defects: list[Defects | Surveyed] = []
    for channel, found, left_out in zip(channels, ranges, outside, strict=True):
        defects.append((yield from surveyed(channel, found.as_light(white), left_out)))
    warnings += said_of_defects(defects)
    regions = None if region is None else regions_of(region, layout, channels, outside, (image.shape, settings))
    return bound.run(settings, layout, image.shape, warnings, defects, regions, white)


@dataclass(frozen=True)
class _Bound:
    """A kernel prior bound to an image, with what that took."""

    voxels: VoxelSize | None
    support: tuple[int, ...]
    prior: Any
    largest: tuple[int, ...] | None
    warnings: list[str]

    def run(
        self,
        settings: Settings,
        layout: Arrangement,
        shape: tuple[int, ...],
        warnings: list[str],
        defects: Sequence[Defects | Surveyed],
        regions: list[Region] | None,
        white: float | None,
    ) -> Run:
        """The run of an image whose defects were found."""
        device = device_of(settings)
        return Run(
            settings,
            layout,
            shape,
            self.voxels,
            self.support,
            self.prior,
            device,
            warnings,
            self.largest,
            list(defects),
            regions,
            white,
        )


def bound_prior(shape: tuple[int, ...], layout: Arrangement, settings: Settings, given: tuple[Any, Any, Any]) -> _Bound:
    """The kernel prior for an image of a shape; ``given`` are voxel size, PSF and its voxel size."""
    voxel_size_um, psf, psf_voxel_size_um = given
    warnings: list[str] = []
    space_shape = [shape[layout.axes.index(a)] for a in layout.space]
    voxels = checked_voxel_size(voxel_size_um, layout.space, settings.planes)
    prior = settings.kernel_prior
    if psf is not None and not isinstance(prior, Known):
        raise InputError(
            subject=f"kernel_prior={prior.kind}",
            value="cannot use the PSF that was given",
            remedy="choose `kernel_prior=known`, or give no PSF",
        )
    if isinstance(prior, Known):
        if psf is None:
            psf = prior.kernel
        if psf is None and prior.psf is not None:
            psf, voxels_of_file, said_of_file = _from_file(Path(prior.psf))
            psf_voxel_size_um = voxels_of_file if psf_voxel_size_um is None else psf_voxel_size_um
            warnings = warnings + said_of_file
        if psf is None:
            raise no_psf()
        taps, said = checked_psf(psf, space_shape, voxels, psf_voxel_size_um)
        prior, support = replace(prior, kernel=taps), taps.shape
        warnings = warnings + said
    else:
        support = kernel_shape(settings.kernel_size, space_shape)
        if isinstance(prior, InVoxels):
            prior = _in_voxels(prior, voxels, layout.space)
    warnings = warnings + _physical_doubts(prior, voxels, settings.kernel_size and support)
    largest = largest_kernel(space_shape) if settings.kernel_size is None else None
    return _Bound(voxels, support, prior, largest, warnings)


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
                allowed="as all are masked or defective",
                remedy="check the mask",
            )
    return said


def checked_truth(truth: Any, true_psf: Any, run: Run) -> tuple[Any, Any]:
    """Truths that can be compared with the result, refused before the work rather than after."""
    if truth is not None and np.shape(truth) != run.shape:
        raise InputError(
            subject="truth",
            value=f"has shape {np.shape(truth)}",
            allowed=f"but must have the image's, {run.shape}",
            remedy="crop or pad it to that",
        )
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


def _in_voxels(prior: InVoxels, voxels: VoxelSize | None, space: str) -> Any:
    """A prior in the image's voxels; where it needs them all, it is said which one is not known."""
    try:
        return prior.in_voxels(whole(voxels))
    except InputError as error:
        unknown = [letter for letter, length in zip(space, voxels or (), strict=False) if length is None]
        if not unknown:
            raise
        raise InputError(
            subject=error.subject,
            value="needs the voxel size",
            allowed=f"which is not known along {', '.join(unknown)}",
            remedy=error.remedy,
        ) from error


def _from_file(path: Path) -> tuple[NDArray[Any], VoxelSize | None, list[str]]:
    """A PSF's values and voxel size, and what is odd about its file."""
    # Imported here so that who works on arrays alone loads no library for files.
    from napari_blind_deconv.io import read

    volume = read(path)
    return volume.data, volume.voxel_size_um, volume.doubts


def _physical_doubts(prior: Any, voxels: VoxelSize | None, size: tuple[int, ...] | None) -> list[str]:
    """What is strange about voxels, and about the numbers of a microscope that are fixed, of a prior that has any."""
    names = ("na", "emission_um", "excitation_um", "immersion_index", "sample_index", "sheet_um")
    fixed = {name: value for name in names if isinstance(value := getattr(prior, name, None), int | float)}
    if not fixed:
        return voxel_doubts(voxels)
    modality: Any = getattr(prior, "modality", "widefield")
    return microscope_doubts(voxel_size_um=voxels, modality=modality, kernel_shape=size, **fixed)
