"""Pictures that lie in the page itself: sections of PSFs as PNG."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_blind_deconv.metrics import psf_profiles

from .records import Channel

_SIDE = 112  # pixels
_WIDTHS = 6  # full widths at half maximum of the median PSF that a side shows, where the support has them
_GAMMA = 0.5  # so that the haze of a PSF is seen beside its peak


@dataclass(frozen=True)
class Thumbnail:
    """A section through the peak of a PSF.

    Attributes
    ----------
    address
        A data URI.
    axes
        Letters, down and across.
    words
        What it shows, with how wide it is.
    """

    address: str
    axes: str
    words: str


Section = tuple[NDArray[np.float64], list[float], str]
"""A section, the lengths of its pixels, and their unit."""


def thumbnails(channels: Sequence[Channel]) -> list[list[Thumbnail]]:
    """For every channel the sections of its PSF in focus and from the side, square, all at one scale.

    A usual PSF is well seen; of one that is much wider, the middle is.
    """
    sections = [_sections(channel) for channel in channels]
    sides = _sides(channels, sections)
    found = []
    for own in sections:
        pictures = []
        for axes, (section, spacing, unit) in own.items():
            side = sides[unit, axes]
            words = f"section {axes} of the PSF, {side:.2g} {unit} wide, root of the intensity"
            pictures.append(Thumbnail(_address(_square(section, spacing, side)), axes, words))
        found.append(pictures)
    return found


def _sides(channels: Sequence[Channel], sections: Sequence[Mapping[str, Section]]) -> dict[tuple[str, str], float]:
    """Length of a side of a picture, by unit and axes."""
    widths: dict[tuple[str, str], list[float]] = {}
    supports: dict[tuple[str, str], float] = {}
    for channel, own in zip(channels, sections, strict=True):
        fwhm = {} if channel.figures is None else dict(zip(channel.axes, channel.figures.fwhm, strict=True))
        for axes, (section, spacing, unit) in own.items():
            widths.setdefault((unit, axes), []).append(max(fwhm[axis] for axis in axes))
            support = max(n * h for n, h in zip(section.shape, spacing, strict=True))
            supports[unit, axes] = max(supports.get((unit, axes), 0.0), support)
    return {key: min(supports[key], _WIDTHS * float(np.median(found))) for key, found in widths.items()}


def _sections(channel: Channel) -> dict[str, Section]:
    """The sections that a PSF has, each with its pixels' lengths and their unit."""
    if channel.taps is None:
        return {}
    profiles = psf_profiles(channel.taps, channel.voxel_size_um)
    return {
        axes: (profiles.sections[axes], [profiles.spacing[axis] for axis in axes], profiles.unit)
        for axes in ("yx", "zx")
        if axes in profiles.sections
    }


def _square(section: NDArray[np.float64], spacing: list[float], side: float) -> Image.Image:
    """The peak in the middle, black around what there is of the section."""
    size = [max(1, round(_SIDE * n * h / side)) for n, h in zip(section.shape, spacing, strict=True)]
    grey = (np.clip(section, 0, 1) ** _GAMMA * 255).astype(np.uint8)
    picture = Image.fromarray(grey).resize((size[1], size[0]), Image.Resampling.NEAREST)
    peak = np.unravel_index(int(section.argmax()), section.shape)
    down, across = (round(_SIDE / 2 - (p + 0.5) * s / n) for p, s, n in zip(peak, size, section.shape, strict=True))
    tile = Image.new("L", (_SIDE, _SIDE), 0)
    tile.paste(picture, (across, down))
    return tile


def _address(picture: Image.Image) -> str:
    held = io.BytesIO()
    picture.save(held, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(held.getvalue()).decode("ascii")
