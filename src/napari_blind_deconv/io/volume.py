"""What a file holds: the array, what its axes mean, how long a voxel is, and how it was made."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
        Lengths in µm, one per spatial axis in the order z, y, x, as the file has them; ``None`` where it has not.
    description
        ``format``, ``warnings`` (sentences about the file), ``provenance`` (what a writer of this package recorded),
        and where known ``channel_names`` and ``time_interval_s``.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    axes: str
    voxel_size_um: tuple[float, ...] | None
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
    voxel_size_um: tuple[float, ...] | None = None
    description: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None

    @property
    def spatial_axes(self) -> str:
        """The spatial axes it has, in the order z, y, x: the order of ``voxel_size_um``."""
        return "".join(letter for letter in SPATIAL if letter in self.axes)
