"""Where images come from and go to, read and written part by part: arrays, memory maps, and whatever has regions."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_blind_deconv.observation import Arrangement
from napari_blind_deconv.pipeline.tone_curve import light_of

Region = tuple[slice, ...]
# Pixels that are looked at together where a whole image need not be.
SLAB = 1 << 20


@runtime_checkable
class Source(Protocol):
    """An image that is read region by region; a file that is too large for memory, for example."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """What its pixels are."""
        ...

    def read(self, region: Region) -> NDArray[Any]:
        """The pixels of a region, one slice per axis, in memory."""
        ...


@runtime_checkable
class Sink(Source, Protocol):
    """Where a result is written region by region, each pixel once, and read again; a file, for example."""

    def write(self, region: Region, values: NDArray[np.float32]) -> None:
        """Take the pixels of a region, one slice per axis."""
        ...


@dataclass(frozen=True)
class Sliced:
    """An array that is sliced: of NumPy, mapped from a file, or of dask or zarr.

    Examples
    --------
    >>> source = Sliced(np.arange(6).reshape(2, 3))
    >>> source.read((slice(1, 2), slice(0, 2))).tolist()
    [[3, 4]]
    """

    array: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return tuple(int(n) for n in self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """What its pixels are."""
        return np.dtype(self.array.dtype)

    def read(self, region: Region) -> NDArray[Any]:
        """As of `Source`."""
        return np.asarray(self.array[region])

    @property
    def grain(self) -> tuple[int, ...]:
        """Of dask and zarr a chunk's lengths."""
        return tuple(getattr(self.array, "chunksize", getattr(self.array, "chunks", None)) or (1,) * len(self.shape))


@dataclass(frozen=True)
class Target(Sliced):
    """A result in an array that takes slices: of NumPy, or mapped from a file."""

    def write(self, region: Region, values: NDArray[np.float32]) -> None:
        """As of `Sink`."""
        self.array[region] = values


def sink_of(out: Any) -> Sink:
    """Where a result goes as something that is written region by region."""
    return out if isinstance(out, Sink) else Target(out)


def source_of(image: Any) -> Source:
    """An image as something that is read region by region; what is neither array nor source becomes an array."""
    if isinstance(image, Source):
        return image
    lazy = all(hasattr(image, name) for name in ("shape", "dtype", "__getitem__"))
    return Sliced(image if lazy else np.asarray(image))


@dataclass(frozen=True)
class Channel:
    """One channel of an image as ``(batch, *space)``, read part by part, as floats.

    Attributes
    ----------
    source, layout
        The image, and its axes.
    index
        Which channel.
    white
        The grey level of white, where grey levels are to be taken for light.
    fill_nan
        Whether what is NaN or infinite is filled from its nearest neighbour in the part that is read.
    """

    source: Source
    layout: Arrangement
    index: int
    white: float | None = None
    fill_nan: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """``(batch, *space)``."""
        sizes = dict(zip(self.layout.axes, self.source.shape, strict=True))
        return (int(np.prod([sizes[a] for a in self._batch], dtype=int)), *(sizes[a] for a in self.layout.space))

    @property
    def _batch(self) -> str:
        return "".join(a for a in self.layout.axes if a != "C" and a not in self.layout.space)

    def regions(self, frames: slice, place: Region) -> Iterator[tuple[int, Region]]:
        """(number of the frame, its region in the image) for some frames of a part of the space."""
        sizes = dict(zip(self.layout.axes, self.source.shape, strict=True))
        where = dict(zip(self.layout.space, place, strict=True))
        where["C"] = slice(self.index, self.index + 1)
        for frame in range(frames.start, frames.stop):
            at = np.unravel_index(frame, [sizes[a] for a in self._batch]) if self._batch else ()
            single = {a: slice(int(i), int(i) + 1) for a, i in zip(self._batch, at, strict=True)}
            yield frame, tuple((single | where)[a] for a in self.layout.axes)

    def read(self, frames: slice, place: Region) -> NDArray[np.float32]:
        """Some frames of a part of the space."""
        size = tuple(p.stop - p.start for p in place)
        out = np.empty((frames.stop - frames.start, *size), np.float32)
        for frame, region in self.regions(frames, place):
            out[frame - frames.start] = self._ordered(self.source.read(region)).reshape(size)
        return self._converted(out)

    def part(self, frames: Sequence[int], place: Region) -> NDArray[np.float32]:
        """Frames that need not follow each other."""
        return np.concatenate([self.read(slice(int(f), int(f) + 1), place) for f in frames])

    def _ordered(self, part: NDArray[Any]) -> NDArray[Any]:
        order = sorted(range(part.ndim), key=lambda i: self.layout.space.find(self.layout.axes[i]))
        return np.transpose(part, order)

    def _converted(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.fill_nan and not (good := np.isfinite(values)).all() and good.any():
            nearest = scipy.ndimage.distance_transform_edt(~good, return_distances=False, return_indices=True)
            values = values[tuple(nearest)]
        return values if self.white is None else np.asarray(light_of(values, self.white), np.float32)

    def slabs(self) -> Iterator[tuple[slice, Region]]:
        """All of it, in parts of about a million pixels: some whole frames, or a part of one along its first axis."""
        batch, *space = self.shape
        whole = tuple(slice(0, n) for n in space)
        frame = int(np.prod(space, dtype=int))
        if frame <= SLAB:
            several = max(1, SLAB // frame)
            yield from ((slice(i, min(i + several, batch)), whole) for i in range(0, batch, several))
            return
        count = min(space[0], -(-frame // SLAB))
        edges = [i * space[0] // count for i in range(count + 1)]
        for index in range(batch):
            for start, stop in itertools.pairwise(edges):
                yield slice(index, index + 1), (slice(start, stop), *whole[1:])


def written(channel: Channel, sink: Sink, place: tuple[slice, Region], values: NDArray[np.float32]) -> None:
    """Some frames of a part of a channel's space, put where they belong in the image."""
    frames, part = place
    order = "".join(a for a in channel.layout.axes if a in channel.layout.space)
    turn = [channel.layout.space.index(a) for a in order]
    for frame, region in channel.regions(frames, part):
        shape = [r.stop - r.start for r in region]
        sink.write(region, np.transpose(values[frame - frames.start], turn).reshape(shape))
