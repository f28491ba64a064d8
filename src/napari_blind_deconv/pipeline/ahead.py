"""Reading whole chunks, so that an image that is read in slabs is not decoded many times."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv.pipeline.sources import Region, Source

# Bytes that are held at most of what was decoded and not asked for yet.
_MOST = 128 * 2**20


class Ahead:
    """A source that decodes whole grains, of which the last ones are kept for the next region.

    Parameters
    ----------
    source
        What is read.
    grain
        Lengths per axis of what is decoded together.

    Examples
    --------
    >>> from napari_blind_deconv.pipeline.sources import Sliced
    >>> source = Ahead(Sliced(np.arange(12).reshape(6, 2)), (4, 2))
    >>> [source.read((slice(i, i + 1), slice(0, 2))).tolist() for i in (0, 5)]
    [[[0, 1]], [[10, 11]]]
    """

    def __init__(self, source: Source, grain: tuple[int, ...]) -> None:
        self._source, self._grain = source, grain
        self._place: Region | None = None
        self._held: NDArray[Any] = np.empty(0, source.dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        """Without what is held."""
        return Ahead, (self._source, self._grain)

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return self._source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """What its pixels are."""
        return self._source.dtype

    def read(self, region: Region) -> NDArray[Any]:
        """As of `Source`."""
        if self._place is None or not _within(region, self._place):
            wide = tuple(
                slice(r.start // g * g, min(-(-r.stop // g) * g, n))
                for r, g, n in zip(region, self._grain, self.shape, strict=True)
            )
            if _size(wide) * self.dtype.itemsize > _MOST or _size(wide) == _size(region):
                return self._source.read(region)
            self._place, self._held = None, np.empty(0, self.dtype)
            self._held, self._place = self._source.read(wide), wide
        places = zip(region, self._place, strict=True)
        return self._held[tuple(slice(r.start - p.start, r.stop - p.start) for r, p in places)]


def held_ahead(source: Source) -> float:
    """Bytes that reading ahead takes."""
    return 0.0 if max(_grain(source)) == 1 else float(_MOST)


def read_ahead(source: Source) -> Source:
    """The source, in whole grains where it has any."""
    grain = _grain(source)
    return source if max(grain) == 1 else Ahead(source, grain)


def _grain(source: Source) -> tuple[int, ...]:
    return tuple(getattr(source, "grain", (1,) * len(source.shape)))


def _size(region: Region) -> int:
    return math.prod(s.stop - s.start for s in region)


def _within(region: Region, place: Region) -> bool:
    return all(p.start <= r.start and r.stop <= p.stop for r, p in zip(region, place, strict=True))
