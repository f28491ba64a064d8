"""What settings need of an image, before it is a job."""

from typing import Any

from napari_blind_deconv._types import InputError
from napari_blind_deconv.kernel_priors import InVoxels
from napari_blind_deconv.settings import Settings


def in_lengths(prior: Any) -> bool:
    """Whether a kernel prior cannot do without the voxel size."""
    try:
        if isinstance(prior, InVoxels):
            prior.in_voxels(None)
    except InputError:
        return True
    return False


def estimated(settings: Settings) -> bool:
    """Whether there is a PSF to estimate."""
    return settings.kernel_prior.kind != "known"
