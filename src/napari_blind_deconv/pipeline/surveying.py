"""A channel that is too large to be looked at as a whole: its range, its defects and its levels, slab by slab."""

from __future__ import annotations

import itertools
import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._torch import torch
from napari_blind_deconv.crops import Window, window_by_cells
from napari_blind_deconv.defects import filled
from napari_blind_deconv.defects.found import sentences_of
from napari_blind_deconv.defects.tally import Tally
from napari_blind_deconv.pipeline.slabs import MISSING, UNTOUCHED, Looking, Mask, Slab
from napari_blind_deconv.pipeline.sources import Channel, Region
from napari_blind_deconv.pipeline.tone_curve import light_of
from napari_blind_deconv.spread import Done, Spreads, Step, in_turn

# Pixels that levels are read from, at most, and cells per axis of a window that the busiest one is found by.
SAMPLE, _CELLS = 1 << 20, 24
# Slabs that are looked at one after the other by the same process: they may lie in the same chunks.
_TOGETHER = 8
# Windows that the noise is read from: how many, and their side by the number of axes; JPEG's blocks begin at
# multiples of eight.
_WINDOWS, _SIDE, _GRID = 8, {1: 65536, 2: 360, 3: 48}, 8


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

    def as_light(self, white: float | None) -> Range:
        """The range of the light, where these are grey levels."""
        if white is None:
            return self
        low, high = (float(v) for v in light_of(np.array([self.low, self.high], np.float32), white))
        return replace(self, low=low, high=high)


_Place = tuple[int, int, int, int]


@dataclass(frozen=True)
class SurveyedPart:
    """A part of a channel with what was found in it: all that reading it takes.

    Attributes
    ----------
    channel
        Where the pixels are read.
    frames, place
        Which part.
    missing
        What is no data; ``None``: nothing.
    offsets
        As of `Surveyed`.
    """

    channel: Channel
    frames: slice
    place: Region
    missing: Mask | None
    offsets: Mapping[_Place, NDArray[np.float32]]

    def read(self) -> tuple[NDArray[np.float32], Mask | None]:
        """As of `Surveyed`."""
        values = self.channel.read(self.frames, self.place)
        if self.missing is not None:
            values = filled(np.where(np.isfinite(values), values, 0).astype(np.float32), self.missing)
        for (first, last, start, stop), taken in self.offsets.items():
            _subtract(values, taken, (self.frames, self.place), (slice(first, last), slice(start, stop)))
        return values, self.missing


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
    offsets: Mapping[_Place, NDArray[np.float32]]
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
        return sum(int(np.count_nonzero(part & MISSING)) for part in self.flags) / self.flags.size

    def share(self, kind: str) -> float:
        """Share of the pixels of a kind."""
        return self.tallies[kind].share if kind in self.tallies else 0.0

    def sentences(self) -> Iterator[str]:
        """One sentence for each kind: how many, where, and what is done about it."""
        return sentences_of(self.tallies, self.stripes, self.cut_off)

    def part(self, frames: slice, place: Region) -> SurveyedPart:
        """What reading a part takes."""
        missing = None if self.flags is None else (self.flags[(frames, *place)] & MISSING) > 0
        if missing is not None and not missing.any():
            missing = None
        there = (frames, place[0])
        offsets = {key: taken for key, taken in self.offsets.items() if _meet(there, key)}
        return SurveyedPart(self.channel, frames, place, missing, offsets)

    def read(self, frames: slice, place: Region) -> tuple[NDArray[np.float32], Mask | None]:
        """A part of the channel with a stand-in where there are no data, and where that is."""
        return self.part(frames, place).read()

    def original(self, frames: slice, place: Region) -> tuple[NDArray[np.float32], Mask] | None:
        """What stays as it is in a part: its pixels as they came, and which they are; ``None``: none."""
        if self.flags is None or not (stays := (self.flags[(frames, *place)] & UNTOUCHED) > 0).any():
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


def _meet(part: tuple[slice, slice], of: _Place) -> bool:
    frames, first = part
    return max(frames.start, of[0]) < min(frames.stop, of[1]) and max(first.start, of[2]) < min(first.stop, of[3])


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
        yield "analysing the image"
    ends = np.array([low, high] if size > infinite else [], np.float32)
    return Range(low, high, size, infinite, np.concatenate([*sample, ends]))


def surveyed(
    channel: Channel, found: Range, outside: Mask | None, spread: Spreads = in_turn
) -> Generator[str, None, Surveyed]:
    """Defects, levels and the busiest parts of a channel, a yield after every slab.

    Defects are looked for slab by slab: what is constant in one is padding, and lines' offsets are those of its planes.
    A slab that is no whole plane of a camera has no lines to be compared. ``spread`` is who looks at slabs.
    """
    shape = channel.shape
    cell = _cells(shape[1:])
    cells = tuple(-(-n // c) for n, c in zip(shape[1:], cell, strict=True))
    energy, known = torch.zeros(shape[0], *cells), torch.zeros(shape[0], *cells)
    flags: NDArray[np.uint8] | None = None
    tallies: dict[str, Tally] = {}
    squares: dict[str, float] = {}
    offsets: dict[_Place, NDArray[np.float32]] = {}
    sample, cut_off = [], 0.0
    looking = Looking(channel, (found.low, found.high), cell, max(1, math.prod(shape) // SAMPLE))
    for answer in spread(looking, _together(channel, outside)):
        for one in answer.found if isinstance(answer, Done) else ():
            for kind, tally in one.tallies.items():
                tallies[kind] = tallies[kind] + tally if kind in tallies else tally
            if one.flags is not None:
                flags = np.zeros(shape, np.uint8) if flags is None else flags
                flags[(one.slab.frames, *one.slab.place)] |= one.flags
            for name, deviation in one.stripes.items():
                squares[name] = squares.get(name, 0.0) + deviation**2 * one.size
            if one.offsets is not None:
                frames, first = one.slab.frames, one.slab.place[0]
                offsets[(frames.start, frames.stop, first.start, first.stop)] = one.offsets
            sample.append(one.sample)
            cut_off += one.cut_off * one.size / found.size
            at = (one.slab.frames, *one.cells)
            energy[at] += torch.from_numpy(one.energy)
            known[at] += torch.from_numpy(one.known)
        yield (answer.message if isinstance(answer, Step) else "") or "looking for defects"
    whole = {kind: _of_all(tally, math.prod(shape)) for kind, tally in tallies.items()}
    deviations = {name: math.sqrt(total / found.size) for name, total in squares.items()}
    volume = math.prod(cell)
    return Surveyed(
        channel, flags, whole, cut_off, deviations, offsets, np.concatenate(sample), energy, known / volume, cell
    )


def _together(channel: Channel, outside: Mask | None) -> Iterator[list[Slab]]:
    slabs = (
        Slab(frames, place, None if outside is None else outside[(frames, *place)]) for frames, place in channel.slabs()
    )
    while several := list(itertools.islice(slabs, _TOGETHER)):
        yield several


def _of_all(tally: Tally, size: int) -> Tally:
    return Tally(tally.count, size, tally.frames, tally.batch, tally.places)


def _cells(space: tuple[int, ...]) -> tuple[int, ...]:
    side = {1: 4096, 2: 512}.get(len(space), 192)
    return tuple(max(1, min(n, side) // _CELLS) for n in space)
