"""The kernel prior of a run, bound to its image: what is given of the PSF, checked against the image's shape."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_blind_deconv._types import InputError, VoxelSize, whole
from napari_blind_deconv.kernel_priors import InVoxels, Known
from napari_blind_deconv.kernel_priors.known import no_psf
from napari_blind_deconv.observation import Arrangement, checked_voxel_size
from napari_blind_deconv.prior_checks import doubts_of_channels
from napari_blind_deconv.settings import Settings
from napari_blind_deconv.support import checked_psfs, kernel_shape, largest_kernel


@dataclass(frozen=True)
class Bound:
    """A kernel prior bound to an image, with what that took."""

    voxels: VoxelSize | None
    support: tuple[int, ...]
    prior: Any
    largest: tuple[int, ...] | None
    warnings: list[str]


def bound_prior(shape: tuple[int, ...], layout: Arrangement, settings: Settings, given: tuple[Any, Any, Any]) -> Bound:
    """The kernel prior for an image of a shape; ``given`` are voxel size, PSF and its voxel size."""
    voxel_size_um, psf, psf_voxel_size_um = given
    warnings: list[str] = []
    space_shape = [shape[layout.axes.index(a)] for a in layout.space]
    voxels = checked_voxel_size(voxel_size_um, layout.space, settings.planes)
    channels = 1 if layout.channel is None else shape[layout.channel]
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
        taps, said = checked_psfs(psf, space_shape, voxels, psf_voxel_size_um, channels)
        prior, support = replace(prior, kernel=taps), taps.shape[-len(space_shape) :]
        warnings = warnings + said
    else:
        support = kernel_shape(settings.kernel_size, space_shape)
        if isinstance(prior, InVoxels):
            prior = _in_voxels(prior, voxels, layout.space)
    told = doubts_of_channels(prior, voxels, settings.kernel_size and support, channels)
    warnings = warnings + [sentence for _, sentence in told]
    largest = largest_kernel(space_shape) if settings.kernel_size is None else None
    return Bound(voxels, support, prior, largest, warnings)


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
    from napari_blind_deconv.io import no_psf_in_words, read

    volume = read(path)
    wrong = no_psf_in_words(volume.description, path.name)
    return volume.channels_first, volume.voxel_size_um, [*volume.doubts, *([wrong] if wrong else [])]
