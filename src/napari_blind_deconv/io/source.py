"""Images that are read and written region by region: what files, layers and arrays have in common."""

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from napari_blind_deconv._types import InputError, VoxelSize

from .regions import Region, checked_region, lengths
from .volume import Header, Volume


class Source(ABC):
    """An image of which regions are read, one after the other or from several threads; no more of it takes memory.

    Attributes
    ----------
    header
        Shape, type, axes, voxel size and description.
    path
        Where it lies, if that is a file or a folder.
    """

    header: Header
    path: Path | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of every axis."""
        return self.header.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of what `read` gives, in the machine's byte order."""
        return self.header.dtype

    @property
    def axes(self) -> str:
        """One letter per axis."""
        return self.header.axes

    @property
    def voxel_size_um(self) -> VoxelSize | None:
        """As in `Header`."""
        return self.header.voxel_size_um

    @property
    def description(self) -> dict[str, Any]:
        """As in `Header`."""
        return self.header.description

    @property
    def grain(self) -> tuple[int, ...]:
        """Lengths per axis of what is decoded together, such as a chunk; 1 where nothing is."""
        return (1,) * len(self.shape)

    def read(self, region: Sequence[slice] | None = None) -> NDArray[Any]:
        """The pixels of a region, in an array of their own; without a region, all of them.

        Raises
        ------
        InputError
            For a region that is not within the image, or larger than the machine's memory, and for damaged files.
        """
        part = checked_region(region, self.shape)
        _refuse_huge(math.prod(lengths(part)) * self.dtype.itemsize, self._subject)
        return self._read(part)

    def volume(self) -> Volume:
        """All of it, in memory; errors as in `read`."""
        return Volume(self.read(), self.axes, self.voxel_size_um, self.description, self.path)

    def part(self, region: Sequence[slice]) -> "Source":
        """A region as an image of its own, of the same number of axes; nothing is read yet.

        Examples
        --------
        >>> movie = ArraySource(np.arange(24).reshape(2, 3, 4), "TYX")
        >>> movie.part((slice(1, 2), slice(None), slice(2, 4))).shape
        (1, 3, 2)
        """
        return _Part(self, checked_region(region, self.shape))

    @property
    def _subject(self) -> str:
        return "image" if self.path is None else f"file {self.path}"

    @abstractmethod
    def _read(self, region: Region) -> NDArray[Any]:
        """The pixels of a region that was checked."""


class ArraySource(Source):
    """Anything that is indexed like an array: NumPy's, and those of dask and zarr, of which only regions are computed.

    Examples
    --------
    >>> source = ArraySource(np.arange(12).reshape(3, 4), "YX", (0.1, 0.1))
    >>> source.read((slice(1, 3), slice(0, 2)))
    array([[4, 5],
           [8, 9]])
    """

    def __init__(
        self,
        data: Any,
        axes: str,
        voxel_size_um: VoxelSize | None = None,
        description: Mapping[str, Any] | None = None,
    ) -> None:
        shape, dtype = tuple(int(n) for n in data.shape), np.dtype(data.dtype).newbyteorder("=")
        self.header = Header(shape, dtype, axes, voxel_size_um, dict(description or {}))
        self._data = data

    def converted(self, dtype: DTypeLike) -> "ArraySource":
        """The same numbers in another type; what are no real numbers stay as they are."""
        source = ArraySource(self._data, self.axes, self.voxel_size_um, self.description)
        if self.dtype.kind in "biuf":
            source.header = replace(self.header, dtype=np.dtype(dtype))
        return source

    @property
    def grain(self) -> tuple[int, ...]:
        """Of dask and zarr a chunk's."""
        chunk = getattr(self._data, "chunksize", getattr(self._data, "chunks", None))
        return super().grain if chunk is None else tuple(int(n) for n in chunk)

    def _read(self, region: Region) -> NDArray[Any]:
        return np.array(self._data[region], dtype=self.dtype)


class _Part(Source):
    """A region of another image."""

    def __init__(self, whole: Source, region: Region) -> None:
        self.header, self.path = replace(whole.header, shape=lengths(region)), whole.path
        self._whole, self._region = whole, region

    @property
    def grain(self) -> tuple[int, ...]:
        """As of the whole."""
        return self._whole.grain

    def _read(self, region: Region) -> NDArray[Any]:
        return self._whole.read(
            [slice(o.start + s.start, o.start + s.stop) for o, s in zip(self._region, region, strict=True)]
        )


class Sink(ABC):
    """An image that is written region by region, in any order; leaving its context without an error completes it.

    Attributes
    ----------
    header
        Of what is written, its axes in the order of the values.
    grain
        Lengths per axis that are written best, and from several threads, in multiples.
    """

    header: Header
    grain: tuple[int, ...]

    def __init__(self) -> None:
        self._recorded: dict[str, Any] = {}
        self._is_complete = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of every axis."""
        return self.header.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type that is written."""
        return self.header.dtype

    def write(self, region: Sequence[slice] | None, values: ArrayLike) -> None:
        """Write the values of a region.

        Raises
        ------
        InputError
            For values of another shape, or of a type that would lose some of them.
        """
        part, array = checked_region(region, self.shape), np.asarray(values)
        if array.shape != lengths(part) or not _holds(self.dtype, array.dtype):
            raise InputError(
                subject="values",
                value=f"of shape {array.shape} and type {array.dtype}",
                allowed=f"must be of shape {lengths(part)} and type {self.dtype}",
                remedy="give one value per pixel of the region",
            )
        self._write(part, array)

    def read(self, region: Sequence[slice] | None = None) -> NDArray[Any]:
        """What a region holds so far, where it was written; before it is complete."""
        return self._read(checked_region(region, self.shape))

    def complete(self) -> Iterator[None]:
        """Write what can only be written once all pixels are there, a yield after every part that takes time.

        Leaving the context does so, too, unless this came to its end before.
        """
        yield from self._complete()
        self._is_complete = True

    def record(self, metadata: Mapping[str, Any]) -> None:
        """Add to what is recorded of how the image was made, at any time before it is complete."""
        self._recorded |= metadata

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self._is_complete:
            for _ in self.complete():
                pass

    @abstractmethod
    def _write(self, region: Region, values: NDArray[Any]) -> None:
        """Write what was checked."""

    @abstractmethod
    def _read(self, region: Region) -> NDArray[Any]:
        """What was written of a region that was checked."""

    @abstractmethod
    def _complete(self) -> Iterator[None]:
        """As of `complete`."""


def _holds(wanted: np.dtype[Any], given: np.dtype[Any]) -> bool:
    """Whether values may be written in another type: floats are rounded, nothing wraps around."""
    return np.can_cast(given, wanted) or (wanted.kind == "f" and given.kind in "biuf")


def _refuse_huge(size: int, subject: str) -> None:
    """Refuse what no memory of this machine holds, where the system says how much that is."""
    names = getattr(os, "sysconf_names", {})
    if not {"SC_PAGE_SIZE", "SC_PHYS_PAGES"} <= set(names):
        return
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > memory:
        raise InputError(
            subject=subject,
            value=f"does not fit into memory: {size / 1e9:.3g} GB are needed, the machine has {memory / 1e9:.1f}",
            remedy="crop it, or use a machine with more",
        )
