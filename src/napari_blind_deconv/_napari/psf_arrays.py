"""Layer → PSFs: taps, name and voxel size, one per channel, as the core compares them."""

import math
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_blind_deconv._napari.figures import without_colours
from napari_blind_deconv._napari.layers import leading_axes, pixels, role_of, shape_in_words, voxel_size
from napari_blind_deconv._types import InputError, whole

PSF_ROLES: Final = frozenset({"psf", "true PSF", "measured PSF"})
"""Roles of the layers that this plugin itself calls a PSF."""

_MOST_TAPS: Final = 1 << 24


@dataclass(frozen=True)
class NamedPsf:
    """A PSF of a layer.

    Attributes
    ----------
    name
        Of the layer, with the channel where there are several.
    taps
        Axes (z, y, x) or (y, x); perhaps lazy.
    voxel_size_um
        One length per axis; ``None`` if unknown.
    """

    name: str
    taps: Any = field(repr=False)
    voxel_size_um: tuple[float, ...] | None

    def load(self) -> NDArray[np.float32]:
        """The taps in memory; to be called off the main thread.

        Raises
        ------
        InputError
            If they are too many for a PSF.
        """
        if math.prod(self.taps.shape) > _MOST_TAPS:
            raise InputError(
                f"layer {self.name!r} of {shape_in_words(self.taps.shape)} voxels is too large for a PSF "
                f"(at most {_MOST_TAPS // 2**20} million); crop it to the surroundings of the spot"
            )
        return np.asarray(self.taps, dtype=np.float32)


def psfs_of(layer: Image) -> list[NamedPsf]:
    """The PSFs of a layer: one per channel; of time points and positions, which share one, the first."""
    axes = leading_axes(layer) + "YX"
    data = without_colours(np.asarray(pixels(layer))) if layer.rgb else pixels(layer)
    lengths, _ = voxel_size(layer, axes)
    count = data.shape[axes.index("C")] if "C" in axes else 1
    found = []
    for channel in range(count):
        index = tuple(channel if letter == "C" else slice(None) if letter in "ZYX" else 0 for letter in axes)
        name = layer.name if count == 1 else f"{layer.name}, channel {channel + 1}"
        found.append(NamedPsf(name, data[index], whole(lengths)))
    return found


def looks_like_psf(layer: Image) -> bool:
    """Whether a layer is a PSF by what the plugin noted, or else by its name."""
    return role_of(layer) in PSF_ROLES or (not role_of(layer) and "psf" in layer.name.lower())
