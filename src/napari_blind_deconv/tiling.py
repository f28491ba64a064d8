"""An array cut into overlapping blocks, and blocks put together again without seams; for any number of axes."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Slices = tuple[slice, ...]
# Samples of blocks that are joined before they are given away, at most.
_LINE = 1 << 26


def pieces(region: Slices, grain: Sequence[int], most: int) -> Iterator[Slices]:
    """Cut a region at multiples of ``grain`` into pieces of at most ``most`` samples, or of one grain.

    Examples
    --------
    >>> [piece[0] for piece in pieces((slice(3, 9), slice(0, 2)), (4, 2), 8)]
    [slice(3, 4, None), slice(4, 8, None), slice(8, 9, None)]
    """
    block = list(grain)
    for i in reversed(range(len(block))):
        others = math.prod(block) // block[i]
        fitting = most // max(1, others) // grain[i]
        block[i] = grain[i] * max(1, min(fitting, -(-region[i].stop // grain[i])))
    yield from itertools.product(
        *(
            [slice(max(s.start, i), min(s.stop, i + n)) for i in range(s.start // n * n, s.stop, n)]
            for s, n in zip(region, block, strict=True)
        )
    )


@dataclass(frozen=True)
class Tile:
    """One block of an array.

    Attributes
    ----------
    seen
        What goes into its computation.
    kept
        The part of its answer that counts.
    """

    seen: Slices
    kept: Slices

    @property
    def within(self) -> Slices:
        """Where ``kept`` lies in ``seen``."""
        pairs = zip(self.kept, self.seen, strict=True)
        return tuple(slice(k.start - s.start, k.stop - s.start) for k, s in pairs)


def tiles(space: Sequence[int], sides: Sequence[int], margins: Sequence[int]) -> Iterator[Tile]:
    """Blocks of ``sides`` that cover an array once, each seen with a margin as far as there is one.

    Examples
    --------
    >>> [(t.seen, t.kept, t.within) for t in tiles((10,), (6,), (2,))]
    [((slice(0, 8, None),), (slice(0, 6, None),), (slice(0, 6, None),)), \
((slice(4, 10, None),), (slice(6, 10, None),), (slice(2, 6, None),))]
    """
    along = []
    for n, side, margin in zip(space, sides, margins, strict=True):
        starts = range(0, n, side)
        stops = [min(start + side, n) for start in starts]
        along.append([(_widened(a, b, margin, n), slice(a, b)) for a, b in zip(starts, stops, strict=True)])
    for chosen in itertools.product(*along):
        seen, kept = zip(*chosen, strict=True)
        yield Tile(seen, kept)


def _widened(start: int, stop: int, margin: int, n: int) -> slice:
    return slice(max(0, start - margin), min(n, stop + margin))


@dataclass(frozen=True)
class Cut:
    """How an array is cut: blocks of equal size that overlap, and weights that add up to one everywhere.

    Attributes
    ----------
    space
        The array's shape.
    counts
        Blocks along each axis.
    halo
        What a block sees beyond the part of its answer that counts, along each axis.
    blend
        How far the answers of two neighbours are mixed, on either side of where they meet; 0 along axes of one block.

    Examples
    --------
    >>> cut = Cut((40,), (2,), (4,), (3,))
    >>> [(t.seen, t.kept) for t in cut.tiles]
    [((slice(0, 27, None),), (slice(0, 23, None),)), ((slice(13, 40, None),), (slice(17, 40, None),))]
    >>> cut.fits
    True
    >>> total = np.zeros(40)
    >>> for tile in cut.tiles:
    ...     total[tile.kept] += cut.weights(tile)
    >>> bool(np.allclose(total, 1))
    True
    """

    space: tuple[int, ...]
    counts: tuple[int, ...]
    halo: tuple[int, ...]
    blend: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        """Whether there is one block only."""
        return math.prod(self.counts) == 1

    @cached_property
    def seen(self) -> tuple[int, ...]:
        """The shape that every block sees."""
        rest = [
            n if count == 1 else n - 2 * m for n, count, m in zip(self.space, self.counts, self._margin, strict=True)
        ]
        margins = [0 if count == 1 else m for count, m in zip(self.counts, self._margin, strict=True)]
        return tuple(math.ceil(n / count) + 2 * m for n, count, m in zip(rest, self.counts, margins, strict=True))

    @property
    def _margin(self) -> tuple[int, ...]:
        return tuple(h + b for h, b in zip(self.halo, self.blend, strict=True))

    @property
    def fits(self) -> bool:
        """Whether there is room for so many blocks: a part of each is its own, mixed with no other."""
        axes = zip(self.space, self.counts, self._margin, self.blend, strict=True)
        return all(count == 1 or n - 2 * m >= count * max(2 * blend, 1) for n, count, m, blend in axes)

    @cached_property
    def tiles(self) -> list[Tile]:
        """The blocks, the last axis fastest; all see as much."""
        along = [self._along(axis) for axis in range(len(self.space))]
        return [Tile(*zip(*chosen, strict=True)) for chosen in itertools.product(*along)]

    def _along(self, axis: int) -> list[tuple[slice, slice]]:
        n, count, blend, length = self.space[axis], self.counts[axis], self.blend[axis], self.seen[axis]
        found = []
        for start, stop in itertools.pairwise(self._meeting(axis)):
            kept = _widened(start, stop, blend, n) if count > 1 else slice(0, n)
            first = min(max(0, kept.start - self.halo[axis]), n - length)
            found.append((slice(first, first + length), kept))
        return found

    def _meeting(self, axis: int) -> list[int]:
        # Blocks at the border have a neighbour on one side only, and keep more of what they see.
        n, count, margin = self.space[axis], self.counts[axis], self._margin[axis]
        return [0, *(margin + i * (n - 2 * margin) // count for i in range(1, count)), n]

    @property
    def line(self) -> int:
        """Samples of a line of blocks along the last axis that is cut; 0 where it is too long to be held as one."""
        cut = [axis for axis, count in enumerate(self.counts) if count > 1]
        if len(cut) < 2:
            return 0
        found = math.prod(self.seen) // self.seen[cut[-1]] * self.space[cut[-1]]
        return found if found <= _LINE else 0

    def own(self, tile: Tile) -> Slices:
        """The part of what a block sees that is nearest to it: the parts of all blocks cover the array once."""
        found = []
        for seen, kept, n, blend in zip(tile.seen, tile.kept, self.space, self.blend, strict=True):
            start, stop = kept.start + blend * (kept.start > 0), kept.stop - blend * (kept.stop < n)
            found.append(slice(start - seen.start, stop - seen.start))
        return tuple(found)

    def weights(self, tile: Tile) -> NDArray[np.float32]:
        """How much a block's answer counts, shape of its ``kept``: smooth, and one in all where blocks overlap."""
        out = np.ones((1,) * len(self.space), np.float32)
        for axis, kept in enumerate(tile.kept):
            places = np.arange(kept.start, kept.stop)
            share, blend = np.ones(len(places), np.float32), self.blend[axis]
            if blend and kept.start > 0:
                share *= _rising(places, kept.start, blend)
            if blend and kept.stop < self.space[axis]:
                share *= 1 - _rising(places, kept.stop - 2 * blend, blend)
            out = out * share.reshape([-1 if a == axis else 1 for a in range(len(self.space))])
        return out


def _rising(places: NDArray[np.intp], start: int, blend: int) -> NDArray[np.float32]:
    """From 0 to 1 along 2 ``blend`` samples from ``start`` on, without a kink at either end."""
    way = np.clip((places - start + 0.5) / (2 * blend), 0, 1)
    return (np.sin(0.5 * np.pi * way) ** 2).astype(np.float32)


class Mixer:
    """The blocks' answers, mixed where they overlap: parts of the array, each given once; they cover it.

    No more is held than margins, and a line of blocks along the last axis that is cut, if it is short.

    Parameters
    ----------
    cut
        How the array was cut.

    Examples
    --------
    >>> cut, values = Cut((40,), (2,), (4,), (3,)), np.arange(40, dtype=np.float32)
    >>> mixer = Mixer(cut)
    >>> parts = [part for tile in cut.tiles for part in mixer.add(tile, values[tile.kept])]
    >>> [place for place, _ in parts], bool(np.allclose(np.concatenate([p for _, p in parts]), values))
    ([(slice(0, 17, None),), (slice(17, 40, None),)], True)
    """

    def __init__(self, cut: Cut) -> None:
        self._cut = cut
        self._axes = [axis for axis, count in enumerate(cut.counts) if count > 1]
        # What the next block along an axis adds to, by the other axes' places.
        self._held: dict[tuple[Any, ...], NDArray[np.float32]] = {}
        self._line: NDArray[np.float32] | None = None

    def add(self, tile: Tile, values: NDArray[np.float32]) -> list[tuple[Slices, NDArray[np.float32]]]:
        """Take the ``kept`` part of a block's answer, in the order of the cut's tiles, and give what is done.

        After the last tile all is, and the first one may follow again.
        """
        place, mixed = tile.kept, values * self._cut.weights(tile)
        for axis in reversed(self._axes):
            place, mixed = self._mixed(axis, place, mixed)
        return self._joined(place, mixed) if self._cut.line else [(place, mixed)]

    def _mixed(self, axis: int, place: Slices, values: NDArray[np.float32]) -> tuple[Slices, NDArray[np.float32]]:
        """Add what a block before left along an axis, and leave what the next one adds to."""
        here, beside = place[axis], tuple((s.start, s.stop) for a, s in enumerate(place) if a != axis)
        before = self._held.pop((axis, *beside), None)
        if before is not None:
            values[self._along(axis, slice(0, before.shape[axis - len(place)]))] += before
        if here.stop == self._cut.space[axis]:
            return place, values
        done = slice(here.start, here.stop - 2 * self._cut.blend[axis])
        length = done.stop - done.start
        self._held[(axis, *beside)] = values[self._along(axis, slice(length, None))].copy()
        return _replaced(place, axis, done), values[self._along(axis, slice(0, length))]

    def _joined(self, place: Slices, values: NDArray[np.float32]) -> list[tuple[Slices, NDArray[np.float32]]]:
        """Parts along the last axis that is cut as one: chunks and rows are not to be written in many pieces."""
        axis, here = self._axes[-1], place[self._axes[-1]]
        whole = slice(0, self._cut.space[axis])
        if self._line is None:
            shape = list(values.shape)
            shape[axis - len(place)] = whole.stop
            self._line = np.empty(shape, np.float32)
        line = self._line
        line[self._along(axis, here)] = values
        if here.stop < whole.stop:
            return []
        self._line = None
        return [(_replaced(place, axis, whole), line)]

    def _along(self, axis: int, part: slice) -> tuple[Any, ...]:
        return (..., *(part if a == axis else slice(None) for a in range(len(self._cut.space))))


def _replaced(place: Slices, axis: int, part: slice) -> Slices:
    return tuple(part if a == axis else p for a, p in enumerate(place))
