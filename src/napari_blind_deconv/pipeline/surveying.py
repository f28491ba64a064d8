"""A channel that is too large to be looked at as a whole: its range, its defects and its levels, slab by slab."""

import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_blind_deconv.crops import Window, gradient_energy, window_by_cells
from napari_blind_deconv.defects import Defects, filled, looked_for
from napari_blind_deconv.defects.found import sentences_of
from napari_blind_deconv.defects.tally import Tally
from napari_blind_deconv.pipeline.sources import Channel, Region
from napari_blind_deconv.pipeline.tone_curve import light_of

Mask = NDArray[np.bool_]
# Pixels that levels are read from, at most, and cells per axis of a window that the busiest one is found by.
SAMPLE, _CELLS = 1 << 20, 24
# Windows that the noise is read from: how many, and their side by the number of axes; JPEG's blocks begin at
# multiples of eight.
_WINDOWS, _SIDE, _GRID = 8, {1: 65536, 2: 360, 3: 48}, 8
# What a mask says of a pixel.
_MISSING, _UNTOUCHED = 1, 2


@dataclass(frozen=True)
class Range:
    """What a first look at all pixels tells.

    Attributes
    ----------
    low, high
        Lowest and highest finite value.
    size, infinite
        Number of pixels, and how many of them are NaN or infinite.
    sample
        Pixels, evenly spaced, with the lowest and the highest.
    """

    low: float
    high: float
    size: int
    infinite: int
    sample: NDArray[np.float32]

    def as_light(self, white: float | None) -> "Range":
        """The range of the light, where these are grey levels."""
        if white is None:
            return self
        low, high = (float(v) for v in light_of(np.array([self.low, self.high], np.float32), white))
        return replace(self, low=low, high=high)


@dataclass(frozen=True)
class Surveyed:
    """What was found in a channel: as `defects.Defects`, of which nothing is held but a byte a pixel where it has any.

    Attributes
    ----------
    channel
        Where the pixels are read.
    flags
        What is no data, and what stays as it is; ``None``: nothing.
    tallies, cut_off, stripes
        As of `Defects`.
    offsets
        Offsets of lines, by the slab that they were found in.
    sample
        Pixels, evenly spaced, of the channel without its defects.
    energy, known, cell
        Sums of the gradient energy and share of data over cells, and their sides.
    """

    channel: Channel
    flags: NDArray[np.uint8] | None
    tallies: Mapping[str, Tally]
    cut_off: float
    stripes: Mapping[str, float]
    offsets: Mapping[tuple[int, int, int, int], NDArray[np.float32]]
    sample: NDArray[np.float32]
    energy: torch.Tensor = field(repr=False)
    known: torch.Tensor = field(repr=False)
    cell: tuple[int, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many pixels there are of every kind that was found."""
        return {kind: tally.count for kind, tally in self.tallies.items()}

    @property
    def share_missing(self) -> float:
        """Share of the pixels that are no data, for whatever reason."""
        if self.flags is None:
            return 0.0
        return sum(int(np.count_nonzero(part & _MISSING)) for part in self.flags) / self.flags.size

    def share(self, kind: str) -> float:
        """Share of the pixels of a kind."""
        return self.tallies[kind].share if kind in self.tallies else 0.0

    def sentences(self) -> Iterator[str]:
        """One sentence for each kind: how many, where, and what is done about it."""
        return sentences_of(self.tallies, self.stripes, self.cut_off)

    def read(self, frames: slice, place: Region) -> tuple[NDArray[np.float32], Mask | None]:
        """A part of the channel with a stand-in where there are no data, and where that is."""
        values = self.channel.read(frames, place)
        missing = None if self.flags is None else (self.flags[(frames, *place)] & _MISSING) > 0
        if missing is not None and missing.any():
            values = filled(np.where(np.isfinite(values), values, 0).astype(np.float32), missing)
        else:
            missing = None
        for (first, last, start, stop), taken in self.offsets.items():
            _subtract(values, taken, (frames, place), (slice(first, last), slice(start, stop)))
        return values, missing

    def original(self, frames: slice, place: Region) -> tuple[NDArray[np.float32], Mask] | None:
        """What stays as it is in a part: its pixels as they came, and which they are; ``None``: none."""
        if self.flags is None or not (stays := (self.flags[(frames, *place)] & _UNTOUCHED) > 0).any():
            return None
        return self.channel.read(frames, place), stays

    def window(self, kernel_shape: tuple[int, ...]) -> Window:
        """The part that teaches a kernel."""
        return window_by_cells(self.energy, self.known, self.cell, self.channel.shape[1:], kernel_shape)

    def of(self, window: Window) -> tuple[NDArray[np.float32], Mask | None]:
        """What a window shows of the channel, and where that is no data."""
        parts = [self.read(slice(int(f), int(f) + 1), window.box) for f in window.frames]
        values = np.concatenate([part for part, _ in parts])
        if all(missing is None for _, missing in parts):
            return values, None
        masks = [np.zeros(part.shape, bool) if missing is None else missing for part, missing in parts]
        return values, np.concatenate(masks)

    def spread(self) -> tuple[NDArray[np.float32], Mask | None]:
        """Windows all over the channel, as frames: what its noise is read from; all of it where it is small."""
        batch, *space = self.channel.shape
        side = _SIDE[min(len(space), 3)]
        sides = [min(n, side) for n in space]
        boxes = list(_boxes(space, sides))
        places = [(frame, box) for frame in range(batch) for box in boxes]
        chosen = [places[i * len(places) // _WINDOWS] for i in range(_WINDOWS)] if len(places) > _WINDOWS else places
        parts = [self.of(Window(torch.tensor([frame]), box)) for frame, box in chosen]
        values = np.concatenate([part for part, _ in parts])
        if all(missing is None for _, missing in parts):
            return values, None
        return values, np.concatenate([np.zeros(v.shape, bool) if m is None else m for v, m in parts])


def _boxes(space: list[int], sides: list[int]) -> Iterator[Region]:
    starts = [range(0, max(n - side, 0) + 1, max(_GRID, side)) for n, side in zip(space, sides, strict=True)]
    for index in np.ndindex(*map(len, starts)):
        yield tuple(slice(s[i], s[i] + side) for s, i, side in zip(starts, index, sides, strict=True))


def _subtract(
    values: NDArray[np.float32], taken: NDArray[np.float32], place: tuple[slice, Region], of: tuple[slice, slice]
) -> None:
    """Take lines' offsets, found in some frames of a part along the first axis, out of a part of these."""
    frames, region = place
    both = [(frames, of[0]), (region[0], of[1])]
    common = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in both]
    if any(c.start >= c.stop for c in common):
        return
    here = [slice(c.start - a.start, c.stop - a.start) for c, (a, _) in zip(common, both, strict=True)]
    there = [slice(c.start - b.start, c.stop - b.start) for c, (_, b) in zip(common, both, strict=True)]
    chosen = [part if n > 1 else slice(None) for part, n in zip((*there, *region[1:]), taken.shape, strict=True)]
    values[tuple(here)] -= taken[tuple(chosen)]


def ranged(channel: Channel) -> Generator[str, None, Range]:
    """A first look at all pixels, a yield after every slab."""
    low, high, infinite, size, sample = math.inf, -math.inf, 0, 0, []
    step = max(1, math.prod(channel.shape) // SAMPLE)
    for frames, place in channel.slabs():
        values = channel.read(frames, place)
        good = np.isfinite(values)
        count = int(good.sum())
        infinite, size = infinite + values.size - count, size + values.size
        finite = values[good] if count < values.size else values.reshape(-1)
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
        sample.append(finite[::step].copy())
        yield "looking at the image"
    ends = np.array([low, high] if size > infinite else [], np.float32)
    return Range(low, high, size, infinite, np.concatenate([*sample, ends]))


def surveyed(channel: Channel, found: Range, outside: Mask | None) -> Generator[str, None, Surveyed]:
    """Defects, levels and the busiest parts of a channel, a yield after every slab.

    Defects are looked for slab by slab: what is constant in one is padding, and lines' offsets are those of its planes.
    A slab that is no whole plane of a camera has no lines to be compared.
    """
    shape = channel.shape
    cell = _cells(shape[1:])
    cells = tuple(-(-n // c) for n, c in zip(shape[1:], cell, strict=True))
    energy, known = torch.zeros(shape[0], *cells), torch.zeros(shape[0], *cells)
    flags: NDArray[np.uint8] | None = None
    tallies: dict[str, Tally] = {}
    stripes: dict[str, list[tuple[float, int]]] = {}
    offsets: dict[tuple[int, int, int, int], NDArray[np.float32]] = {}
    sample, cut_off, step = [], 0.0, max(1, math.prod(shape) // SAMPLE)
    for frames, place in channel.slabs():
        values = channel.read(frames, place)
        left_out = None if outside is None else outside[(frames, *place)]
        defects = yield from _of_slab(values, left_out, (found.low, found.high))
        where = (frames, *place)
        for kind, mask in defects.masks.items():
            if mask.any():
                tally = Tally.of_part(mask, (frames.start, *(p.start for p in place)), shape)
                tallies[kind] = tallies[kind] + tally if kind in tallies else tally
        if defects.missing is not None:
            flags = np.zeros(shape, np.uint8) if flags is None else flags
            flags[where] |= np.where(defects.missing, _MISSING, 0).astype(np.uint8)
            if defects.untouched is not None:
                flags[where] |= np.where(defects.untouched, _UNTOUCHED, 0).astype(np.uint8)
        total: NDArray[np.float32] | np.float32 = np.float32(0)
        if _has_planes(values, shape):
            for name, taken in defects.offsets.items():
                total = np.asarray(total + taken, np.float32)
                stripes.setdefault(name, []).append((defects.stripes[name], values.size))
            if defects.offsets:
                offsets[(frames.start, frames.stop, place[0].start, place[0].stop)] = np.asarray(total, np.float32)
        good = defects.image if defects.missing is None else defects.image[~defects.missing]
        sample.append(good.reshape(-1)[::step].copy())
        cut_off += defects.cut_off * values.size / found.size
        _add_cells(energy, known, (frames, place), defects, (cell, found.high - found.low))
        yield "looking for defects"
    whole = {kind: _of_all(tally, math.prod(shape)) for kind, tally in tallies.items()}
    deviations = {name: math.sqrt(sum(d * d * n for d, n in parts) / found.size) for name, parts in stripes.items()}
    volume = math.prod(cell)
    return Surveyed(
        channel, flags, whole, cut_off, deviations, offsets, np.concatenate(sample), energy, known / volume, cell
    )


def _of_all(tally: Tally, size: int) -> Tally:
    return Tally(tally.count, size, tally.frames, tally.batch, tally.places)


def _of_slab(
    values: NDArray[np.float32], outside: Mask | None, extremes: tuple[float, float]
) -> Generator[str, None, Defects]:
    """The defects of a slab; one that holds a single value throughout is padding."""
    if len(values) == 1 and np.isfinite(values).all() and values.min() == values.max():
        rest = np.ones(values.shape, bool) if outside is None else ~outside
        masks = {"padding": rest} | ({} if outside is None else {"outside": outside})
        return Defects(values, values, {kind: mask for kind, mask in masks.items() if mask.any()})
    return (yield from looked_for(values, outside, extremes))


def _has_planes(values: NDArray[np.float32], shape: tuple[int, ...]) -> bool:
    """Whether a slab holds whole planes of a camera."""
    return values.shape[-2:] == shape[-2:]


def _cells(space: tuple[int, ...]) -> tuple[int, ...]:
    side = {1: 4096, 2: 512}.get(len(space), 192)
    return tuple(max(1, min(n, side) // _CELLS) for n in space)


def _add_cells(
    energy: torch.Tensor, known: torch.Tensor, where: tuple[slice, Region], defects: Defects, units: Any
) -> None:
    """Add a slab's gradient energy and data to their cells; ``units`` are the cells' sides and the unit of light."""
    (frames, place), (cell, light) = where, units
    data = (
        np.ones(defects.image.shape, np.float32) if defects.missing is None else (~defects.missing).astype(np.float32)
    )
    busy = gradient_energy(torch.from_numpy(defects.image / np.float32(light)), len(cell)).numpy() * data
    for total, values in ((energy, busy), (known, data)):
        sums = values.astype(np.float64)
        for axis, (part, side) in enumerate(zip(place, cell, strict=True), start=1):
            starts = np.unique(np.maximum(np.arange(part.start // side, -(-part.stop // side)) * side - part.start, 0))
            sums = np.add.reduceat(sums, starts, axis)
        at = tuple(slice(p.start // side, -(-p.stop // side)) for p, side in zip(place, cell, strict=True))
        total[(frames, *at)] += torch.from_numpy(sums.astype(np.float32))
