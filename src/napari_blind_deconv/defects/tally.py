"""How many pixels of a kind there are, and where the first ones lie: what a mask is told by, also piece by piece."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_FIRST = 3


@dataclass(frozen=True)
class Tally:
    """Pixels of one kind.

    Attributes
    ----------
    count, size
        How many they are, and of how many.
    frames
        Numbers of the frames, from 0, that are of the kind altogether.
    batch
        Frames in all.
    places
        The first few pixels, ``(frame, *space)``.
    """

    count: int
    size: int
    frames: tuple[int, ...]
    batch: int
    places: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> "Tally":
        """That of a mask ``(batch, *space)``."""
        return cls.of_part(mask, (0,) * mask.ndim, mask.shape)

    @classmethod
    def of_part(cls, mask: NDArray[np.bool_], start: tuple[int, ...], shape: tuple[int, ...]) -> "Tally":
        """That of a part of a mask of ``shape``, whose first pixel is ``start``."""
        whole = mask.reshape(len(mask), -1).all(1) if mask.shape[1:] == shape[1:] else np.zeros(len(mask), bool)
        moved = tuple(tuple(int(i) + s for i, s in zip(place, start, strict=True)) for place in _first(mask))
        frames = tuple(int(i) + start[0] for i in np.flatnonzero(whole))
        return cls(int(mask.sum()), mask.size, frames, shape[0], moved)

    def __add__(self, other: "Tally") -> "Tally":
        places = (self.places + other.places)[:_FIRST]
        return Tally(self.count + other.count, self.size + other.size, self.frames + other.frames, self.batch, places)

    @property
    def share(self) -> float:
        """Of the pixels."""
        return self.count / self.size

    def words(self, sentence: str) -> str:
        """A sentence with its ``{count}``, ``{are}``, ``{were}``, ``{share}`` and ``{where}`` filled in."""
        one = self.count == 1
        count, are, were = f"{self.count} pixel{'' if one else 's'}", "is" if one else "are", "was" if one else "were"
        return sentence.format(count=count, are=are, were=were, share=f"{self.share:.2%}", where=self.where())

    def where(self) -> str:
        """The first few places, or frames where whole ones are meant."""
        if self.frames:
            numbers = ", ".join(str(i + 1) for i in self.frames[:_FIRST])
            more = " and others" if len(self.frames) > _FIRST else ""
            return f"frame {numbers}{more} of {self.batch} holds"
        start = 1 if self.batch == 1 else 0
        shown = "; ".join("(" + ", ".join(str(i) for i in place[start:]) + ")" for place in self.places)
        return f"at {shown}" + (" and others" if self.count > _FIRST else "")


def _first(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The first few places; a mask may hold millions."""
    flat = mask.reshape(-1)
    found: list[int] = []
    start = 0
    while len(found) < _FIRST and start < flat.size:
        step = int(flat[start:].argmax())
        if not flat[start + step]:
            break
        found.append(start + step)
        start += step + 1
    return np.stack(np.unravel_index(found, mask.shape), 1)
