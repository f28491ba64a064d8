"""What a file holds: the array, what its axes mean, how long a voxel is, and how it was made."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import VoxelSize

SPATIAL = "ZYX"


@dataclass(frozen=True)
class Header:
    """What can be known of a file without reading its pixels.

    Attributes
    ----------
    shape, dtype
        Of the array that reading gives.
    axes
        One letter per axis: T time, C channel, Z, Y, X space, S colour samples.
    voxel_size_um
        Lengths in µm, one per spatial axis in the order z, y, x; ``None`` along an axis of which the file gives none,
        or as a whole where it gives none at all.
    description
        ``format``, ``warnings`` (sentences about the file), ``open`` (those of them on axes and lengths that it does
        not give), ``provenance`` (what a writer of this package recorded), and where known ``channel_names``,
        ``time_interval_s`` and ``optics`` (`ome_optics.optics_of`). Of an image that is to be written also ``name`` and
        ``origin_um``, where its first pixel lies, by axis.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    axes: str
    voxel_size_um: VoxelSize | None
    description: dict[str, Any]


@dataclass(frozen=True)
class Volume:
    """An array of any number of axes with its meaning; attributes as in `Header`.

    Examples
    --------
    >>> volume = Volume(np.zeros((4, 5)), "YX", (0.1, 0.1))
    >>> volume.spatial_axes
    'YX'
    """

    data: NDArray[Any]
    axes: str
    voxel_size_um: VoxelSize | None = None
    description: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None

    @property
    def spatial_axes(self) -> str:
        """The spatial axes it has, in the order z, y, x: the order of ``voxel_size_um``."""
        return "".join(letter for letter in SPATIAL if letter in self.axes)

    @property
    def doubts(self) -> list[str]:
        """The warnings of its file that also count where axes and lengths do not, as in a PSF, a truth or a mask."""
        left_open = self.description.get("open", ())
        return [sentence for sentence in self.description.get("warnings", ()) if sentence not in left_open]

    @property
    def channels_first(self) -> NDArray[Any]:
        """The array with its channel axis, if it has one, in front."""
        return np.moveaxis(self.data, self.axes.index("C"), 0) if "C" in self.axes else self.data
