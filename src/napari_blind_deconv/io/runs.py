"""Regions of an array that lies in a file in one piece: which bytes to read for them, and which to write."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .regions import Region, lengths

_LONGEST = 4 * 2**20  # bytes that are moved at once
_WASTE = 4  # times as much as is wanted may be read, where that saves seeking


@dataclass(frozen=True)
class Run:
    """Elements that follow each other in the file.

    Attributes
    ----------
    start
        First element, counted from the start of the array.
    shape
        Of what lies there, with as many axes as the array.
    cut
        Which part of that is wanted.
    place
        Where that belongs in the region.
    """

    start: int
    shape: tuple[int, ...]
    cut: Region
    place: Region

    @property
    def size(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)


def runs(shape: Sequence[int], region: Region, itemsize: int, *, waste: float = _WASTE) -> Iterator[Run]:
    """The runs that cover a region.

    Parameters
    ----------
    shape
        Of the whole array, its last axis the fastest.
    region
        What is wanted.
    itemsize
        Bytes of an element.
    waste
        How many times as much as is wanted may be read; 1 for writing.

    Examples
    --------
    >>> [(run.start, run.size) for run in runs((3, 4, 5), (slice(0, 3), slice(1, 3), slice(0, 5)), 1, waste=1)]
    [(5, 10), (25, 10), (45, 10)]
    """
    wanted = lengths(region)
    axis, trailing, wasted = len(shape) - 1, 1, 1.0
    # What lies behind this axis is read whole.
    while axis > 0:
        wasted *= shape[axis] / wanted[axis]
        if wasted > waste or trailing * shape[axis] * itemsize > _LONGEST:
            break
        trailing *= shape[axis]
        axis -= 1
    step = max(1, _LONGEST // (trailing * itemsize))
    strides = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    behind = tuple(shape[axis + 1 :])
    for index in itertools.product(*(range(s.start, s.stop) for s in region[:axis])):
        before = tuple(slice(i - s.start, i - s.start + 1) for i, s in zip(index, region, strict=False))
        offset = sum(i * stride for i, stride in zip(index, strides, strict=False))
        for first in range(region[axis].start, region[axis].stop, step):
            count = min(step, region[axis].stop - first)
            begin = first - region[axis].start
            whole = tuple(slice(0, n) for n in wanted[axis + 1 :])
            yield Run(
                offset + first * strides[axis],
                (*(1 for _ in index), count, *behind),
                (*(slice(0, 1) for _ in index), slice(0, count), *region[axis + 1 :]),
                (*before, slice(begin, begin + count), *whole),
            )
