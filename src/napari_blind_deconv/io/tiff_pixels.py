"""Where the pixels of a TIFF lie, and how a region of them is read: from one piece of the file, or page by page."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import FileIO
from typing import Any, Protocol

import numpy as np
import tifffile

from .regions import Region, lengths
from .runs import runs

Place = tuple[slice | int, ...]
_JPEG = frozenset({6, 7, 33007, 34892})  # compressions whose tables may lie outside of the strips


class CutOffError(Exception):
    """What a file promises is not in it."""


class Pixels(Protocol):
    """Pixels as they are stored."""

    def shaped(self, region: Region) -> tuple[int, ...]:
        """The shape in which `pieces` sees a region, its elements in the same order."""

    def pieces(self, file: FileIO, region: Region) -> Iterator[tuple[Place, Any]]:
        """Parts of a region: where each belongs, and its stored values or one number for all of them."""


@dataclass(frozen=True)
class InOnePiece:
    """An array that lies in the file as in memory, from ``offset`` on; ``dtype`` has the file's byte order."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def shaped(self, region: Region) -> tuple[int, ...]:
        """The region's own."""
        return lengths(region)

    def pieces(self, file: FileIO, region: Region) -> Iterator[tuple[Place, Any]]:
        """By runs of neighbouring elements."""
        for run in runs(self.shape, region, self.dtype.itemsize):
            data = _bytes(file, self.offset + run.start * self.dtype.itemsize, run.size * self.dtype.itemsize)
            yield run.place, np.frombuffer(data, self.dtype).reshape(run.shape)[run.cut]


@dataclass(frozen=True)
class Page:
    """One page: where its strips or tiles lie; without a decoder they are one plain array."""

    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    decoder: "Decoder | None"
    tables: bytes | None = None


@dataclass(frozen=True)
class Decoder:
    """How the strips or tiles of pages of one kind are decoded.

    Attributes
    ----------
    decode
        The library's.
    step
        Sample planes, depth, length and width of a strip or tile.
    grid
        How many there are along each of these.
    options
        What the library wants to know for every one of them.
    jpeg
        Whether it wants a page's tables as well.
    empty
        Value of those that are not stored.
    """

    decode: Callable[..., Any]
    step: tuple[int, ...]
    grid: tuple[int, ...]
    options: Mapping[str, Any]
    jpeg: bool
    empty: float

    def touched(self, within: Region) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Number and first pixel of those that a region of the page touches."""
        ranges = [range(s.start // n, -(-s.stop // n)) for s, n in zip(within, self.step, strict=False)]
        for index in itertools.product(*ranges):
            number = int(np.ravel_multi_index(index, self.grid))
            yield number, (*(i * n for i, n in zip(index, self.step, strict=True)), 0)


@dataclass(frozen=True)
class ByPage:
    """Pages one after the other, of shape ``(sample plane, depth, length, width, sample)``, as the library has it.

    Attributes
    ----------
    lead
        How many of the image's axes count pages.
    shape
        Of the image.
    page_shape
        Of a page, five axes.
    dtype
        As stored.
    pages
        ``None`` where one is missing.
    missing
        Value of missing pages.
    """

    lead: int
    shape: tuple[int, ...]
    page_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pages: Sequence[Page | None] = field(repr=False)
    missing: float = 0

    def shaped(self, region: Region) -> tuple[int, ...]:
        """Pages along one axis, then the page's five."""
        return math.prod(lengths(region[: self.lead])), *lengths(self._within(region))

    def pieces(self, file: FileIO, region: Region) -> Iterator[tuple[Place, Any]]:
        """Strip by strip, or tile by tile, of those that the region touches."""
        within = self._within(region)
        strides = [math.prod(self.shape[i + 1 : self.lead]) for i in range(self.lead)]
        indices = itertools.product(*(range(s.start, s.stop) for s in region[: self.lead]))
        for position, index in enumerate(indices):
            page = self.pages[sum(i * stride for i, stride in zip(index, strides, strict=True))]
            if page is None:
                yield (position,), self.missing
            elif page.decoder is None:
                plain = InOnePiece(page.offsets[0], self.page_shape, self.dtype)
                for place, values in plain.pieces(file, within):
                    yield (position, *place), values
            else:
                for place, values in self._decoded(file, page, page.decoder, within):
                    yield (position, *place), values

    def _within(self, region: Region) -> Region:
        """The region within a page: axes of length one are the library's, and may be anywhere."""
        own = [s for s, n in zip(region[self.lead :], self.shape[self.lead :], strict=True) if n != 1]
        return tuple(slice(0, 1) if n == 1 else own.pop(0) for n in self.page_shape)

    def _decoded(self, file: FileIO, page: Page, decoder: Decoder, within: Region) -> Iterator[tuple[Place, Any]]:
        options = {**decoder.options, "jpegtables": page.tables} if decoder.jpeg else decoder.options
        for number, start in decoder.touched(within):
            steps = (*decoder.step, self.page_shape[-1])
            common = [slice(max(s.start, i), min(s.stop, i + n)) for s, i, n in zip(within, start, steps, strict=True)]
            place = tuple(slice(c.start - s.start, c.stop - s.start) for c, s in zip(common, within, strict=True))
            offset, count = page.offsets[number], page.counts[number]
            if not offset or not count:
                yield place, decoder.empty
                continue
            segment, _, _ = decoder.decode(_bytes(file, offset, count), number, **options)
            yield place, segment[tuple(slice(c.start - i, c.stop - i) for c, i in zip(common, start, strict=True))[1:]]


def pixels_of(series: tifffile.TiffPageSeries, shape: tuple[int, ...], size: int, missing: float = 0) -> Pixels:
    """Where the pixels of a series lie; the file must be open.

    Parameters
    ----------
    series
        The image.
    shape
        Of the image, which may have other axes of length one than the series.
    size
        Of the file, in bytes.
    missing
        Value of pages that are missing.

    Raises
    ------
    CutOffError
        Where a page ends behind the end of the file, or pages do not make that shape.
    """
    stored = np.dtype(series.keyframe.parent.byteorder + np.dtype(series.dtype).char)
    offset = series.dataoffset
    if offset is not None:
        _check_end(offset + math.prod(shape) * stored.itemsize, size)
        return InOnePiece(offset, shape, stored)
    decoders: dict[int, Decoder] = {}
    pages = [None if page is None else _page(page, size, decoders) for page in series]
    keyframe = series.keyframe
    lead = _lead(shape, len(pages), keyframe.shape)
    return ByPage(lead, shape, tuple(keyframe.shaped), stored, pages, missing)


def _page(page: Any, size: int, decoders: dict[int, Decoder]) -> Page:
    keyframe = page.keyframe
    offsets, counts = tuple(page.dataoffsets), tuple(page.databytecounts)
    if keyframe.is_final and offsets:
        _check_end(offsets[0] + keyframe.nbytes, size)
        return Page(offsets[:1], (keyframe.nbytes,), None)
    if id(keyframe) not in decoders:
        decoders[id(keyframe)] = _decoder(keyframe)
    decoder = decoders[id(keyframe)]
    count = math.prod(decoder.grid)
    if min(len(offsets), len(counts)) < count:
        raise CutOffError(f"{min(len(offsets), len(counts))} of {count} strips or tiles")
    for offset, length in zip(offsets, counts, strict=False):
        _check_end(offset + length, size)
    return Page(offsets, counts, decoder, page.jpegtables)


def _decoder(keyframe: tifffile.TiffPage) -> Decoder:
    keyframe.init_decode()
    # Without data the decoder only says how large the first strip or tile is.
    step = (1, *keyframe.decode(None, 0)[2][:3])
    grid = tuple(-(-n // one) for n, one in zip(keyframe.shaped, step, strict=False))
    jpeg = int(keyframe.compression) in _JPEG
    return Decoder(
        keyframe.decode, step, grid, {"jpegheader": keyframe.jpegheader} if jpeg else {}, jpeg, keyframe.nodata
    )


def _lead(shape: tuple[int, ...], pages: int, page_shape: tuple[int, ...]) -> int:
    """How many leading axes count pages; the others are the page's."""
    own = [n for n in page_shape if n != 1]
    for lead in range(len(shape) + 1):
        if math.prod(shape[:lead]) == pages and [n for n in shape[lead:] if n != 1] == own:
            return lead
    raise CutOffError(f"{pages} pages of shape {page_shape} for an image of {shape}")


def _check_end(end: int, size: int) -> None:
    if end > size:
        raise CutOffError(f"pixels end at byte {end}, the file at {size}")


def _bytes(file: FileIO, offset: int, count: int) -> bytearray:
    """So many bytes, all of them."""
    data = bytearray(count)
    view, done = memoryview(data), 0
    file.seek(offset)
    while done < count:
        got = file.readinto(view[done:])
        if not got:
            raise CutOffError(f"{done} of {count} bytes")
        done += got
    return data
