"""What settings need of an image, before it is a job."""

from pathlib import Path
from typing import Any, Final

from napari_blind_deconv import io
from napari_blind_deconv._napari.layers import Source, source_of, voxel_size
from napari_blind_deconv._types import InputError
from napari_blind_deconv.kernel_priors import InVoxels, Known
from napari_blind_deconv.observation import Arrangement, checked_voxel_size
from napari_blind_deconv.settings import Settings

VOXELS: Final = "voxel size"
"""What a refusal of lengths is about."""


def checked_lengths(source: Source) -> None:
    """Refuse lengths of voxels that are none, before a run does.

    Raises
    ------
    InputError
        As of `observation.checked_voxel_size`.
    """
    if source.voxel_size_um is not None:
        checked_voxel_size(source.voxel_size_um, Arrangement(source.axes, source.planes).space, source.planes)


def ended(sentence: str) -> str:
    """A sentence with its full stop, where it has no other end."""
    return sentence if sentence.endswith(("?", "!", ".")) else f"{sentence}."


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


def checked_psf_file(prior: Any) -> None:
    """Refuse a known PSF that has no file, or one that cannot be opened, before a run does.

    Raises
    ------
    InputError
        As of `io.header`.
    """
    if isinstance(prior, Known):
        if prior.psf is None:
            raise InputError("there is no PSF yet; choose a PSF layer or a PSF file")
        io.header(Path(prior.psf))


def psf_source(settings: Settings, layer: Any) -> Source | None:
    """The layer that is the PSF, where one is known and a layer was chosen; errors as of `checked_psf_file`."""
    if settings.kernel_prior.kind != "known" or layer is None:
        checked_psf_file(settings.kernel_prior)
        return None
    axes = "CTZYX"[-layer.ndim :]
    lengths, origin = voxel_size(layer, axes)
    # A bare scale is a guess; a guess must not make two layers disagree.
    return source_of(layer, axes, lengths if origin in {"layer", "run", "file"} else None, planes=False)
