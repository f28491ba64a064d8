"""Results that lie in a temporary OME-Zarr, shown at the resolution that the screen needs, without loading them."""

import math
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv import io
from napari_blind_deconv._napari.layers import Source
from napari_blind_deconv._types import Progress

_ORDER = "TCPQZYX"


class Lazy:
    """A source that is indexed like an array: of which only what is asked for is read.

    Parameters
    ----------
    source
        What is read.
    folder
        Kept as long as this is: a temporary folder that goes when nobody shows it any longer.

    Examples
    --------
    >>> image = Lazy(io.ArraySource(np.arange(12).reshape(3, 4), "YX"))
    >>> image[1, ::2].tolist(), image[..., -1].tolist(), np.asarray(image).shape
    ([4, 6], [3, 7, 11], (3, 4))
    """

    def __init__(self, source: io.Source, folder: Any = None) -> None:
        self._source, self._folder = source, folder
        self.shape, self.dtype, self.ndim = source.shape, source.dtype, len(source.shape)
        self.size = math.prod(source.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        index = list(key) if isinstance(key, tuple) else [key]
        if any(part is Ellipsis for part in index):
            place = next(i for i, part in enumerate(index) if part is Ellipsis)
            index[place : place + 1] = [slice(None)] * (self.ndim - len(index) + 1)
        index += [slice(None)] * (self.ndim - len(index))
        region, within = zip(*(_read(part, n) for part, n in zip(index, self.shape, strict=True)), strict=True)
        if any(part.start >= part.stop for part in region):
            return np.empty([max(part.stop - part.start, 0) for part in region], self.dtype)[within]
        return self._source.read(region)[within]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self._source.read(), dtype)


def _read(part: Any, n: int) -> tuple[slice, Any]:
    """What is read along an axis of length n for an index, and the index within that."""
    if isinstance(part, slice):
        chosen = range(n)[part]
        if not chosen:
            return slice(0, 0), slice(0, 0)
        low, high = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])
        return slice(low, high + 1), slice(None, None, chosen.step)
    if isinstance(part, int | np.integer):
        at = range(n)[int(part)]
        return slice(at, at + 1), 0
    return slice(0, n), part


class Levels(list[Lazy]):
    """An image at several resolutions, the finest first."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self[0].ndim

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the finest."""
        return self[0].shape

    def glance(self) -> NDArray[Any]:
        """The coarsest one, in memory."""
        return np.asarray(self[-1])


def glanced(values: NDArray[Any] | Levels) -> NDArray[Any]:
    """Values to choose a contrast by: of several resolutions the coarsest."""
    return values.glance() if isinstance(values, Levels) else values


class Stored:
    """Results of a run in blocks, in a temporary folder."""

    def __init__(self, source: Source) -> None:
        self._header = io.Header(source.shape, np.dtype(np.float32), source.axes, source.voxel_size_um, {})
        self._folder = tempfile.TemporaryDirectory(prefix="napari-blind-deconv-", ignore_cleanup_errors=True)
        self._sinks: dict[str, io.Sink] = {}
        io.check_room(Path(self._folder.name), 4 * 4 * math.prod(source.shape) // 3)

    @staticmethod
    def can_hold(source: Source) -> bool:
        """Whether a store has these axes, in this order; colours are shown from memory."""
        places = [_ORDER.find(letter) for letter in source.axes]
        return -1 not in places and places == sorted(places) and len(places) <= 5 and not {"P", "Q"} & set(source.axes)

    def sink(self, name: str) -> io.Sink:
        """Where the image, or a map, is written to."""
        if name not in self._sinks:
            self._sinks[name] = io.create(self._path(name), self._header, {}, "ome-zarr")
        return self._sinks[name]

    def completed(self, name: str) -> Generator[Progress, None, Levels]:
        """The image, or a map, with its coarser levels, a yield after every part of these."""
        for _ in self.sink(name).complete():
            yield Progress("writing", 0, 0, message=name.replace("_", " "))
        return Levels(Lazy(level, self._folder) for level in io.levels(self._path(name)))

    def remove(self) -> None:
        """Take all of it off the disk."""
        self._folder.cleanup()

    def _path(self, name: str) -> Path:
        return Path(self._folder.name) / f"{name}.ome.zarr"
