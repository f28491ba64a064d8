"""The widths that the optics allow: those of the PSF without aberrations, where enough is known of a microscope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError
from napari_blind_deconv.kernel_priors import Microscope
from napari_blind_deconv.metrics import psf_figures
from napari_blind_deconv.optics import ideal_psf
from napari_blind_deconv.settings import settings_from_dict

from .records import Channel, Record

# Of these all must be known: given, or fitted.
_NEEDED = ("na", "emission_um", "immersion_index")
_ALSO = {"confocal": ("excitation_um", "pinhole_airy"), "light-sheet": ("sheet_um",)}


def with_theory(record: Record, microscope: Microscope | None = None) -> Record:
    """A record whose PSFs stand beside those of theory.

    Parameters
    ----------
    record
        From `read_records`.
    microscope
        Optics of those files of one channel whose settings name none; its numbers are fixed.
    """
    named = _microscope(record)
    # Channels are of several dyes, and one emission is not that of all.
    optics = named or (microscope if len(record.channels) == 1 else None)
    if optics is None:
        return record
    count = len(record.channels)
    seen = [optics.of_channel(index, count) if named else optics for index in range(count)]
    channels = [_beside(c, own, fitted=named is not None) for c, own in zip(record.channels, seen, strict=True)]
    return replace(record, channels=tuple(channels))


def _microscope(record: Record) -> Microscope | None:
    try:
        prior = settings_from_dict(record.settings).kernel_prior
    except InputError:
        # Settings of another version: what they mean is not guessed.
        return None
    return prior if isinstance(prior, Microscope) else None


def _beside(channel: Channel, optics: Microscope, *, fitted: bool) -> Channel:
    if channel.taps is None or channel.voxel_size_um is None or not 2 <= channel.taps.ndim <= 3:
        return channel
    found = {figure.name: figure.value for figure in channel.fitted} if fitted else {}
    values = {name: _known(optics, name, found) for name in (*_NEEDED, *_ALSO.get(optics.modality, ()))}
    if any(value is None for value in values.values()):
        return channel
    shape = tuple(n + 1 - n % 2 for n in channel.taps.shape)
    numbers = tuple((name, value) for name, value in values.items() if value is not None)
    return replace(channel, theory=_widths(_fixed(optics), numbers, shape, channel.voxel_size_um))


def _known(optics: Microscope, name: str, found: Mapping[str, float]) -> float | None:
    own = getattr(optics, name)
    return own if isinstance(own, float) else found.get(name)


def _fixed(optics: Microscope) -> Microscope:
    """What of a microscope its aberration-free PSF depends on beside the needed numbers."""
    return replace(optics, zernike_rad=(), depth_um=0.0, voxel_size_um=None)


@lru_cache(maxsize=64)
def _widths(
    optics: Microscope,
    numbers: tuple[tuple[str, float], ...],
    shape: tuple[int, ...],
    voxel_size_um: tuple[float, ...],
) -> tuple[float, ...]:
    values = {name: torch.tensor(value, dtype=torch.float64) for name, value in numbers}
    ideal = ideal_psf(optics.optics(values), shape, voxel_size_um)
    return psf_figures(ideal.numpy(), voxel_size_um).fwhm
