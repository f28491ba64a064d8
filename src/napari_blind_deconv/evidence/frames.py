"""Frames of an observation, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

# Samples that are read and transformed at once.
_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Frames:
    """Frames of an observation, in their order, of which no more than a few are in memory.

    Attributes
    ----------
    read
        Gives some of them, ``(frames, *space)``.
    count
        How many there are.
    size
        Samples of each.
    """

    read: Callable[[slice], Tensor]
    count: int
    size: int

    @classmethod
    def of(cls, observed: Tensor) -> Frames:
        """Those of an observation ``(frames, *space)`` that is in memory."""
        return cls(observed.__getitem__, len(observed), max(observed[0].numel(), 1))

    def between(self, start: int, stop: int) -> Frames:
        """Some of them.

        Examples
        --------
        >>> import torch
        >>> [len(part) for part in Frames.of(torch.zeros(9, 4, 4)).between(2, 7).parts()]
        [5]
        """
        return Frames(lambda some: self.read(slice(start + some.start, start + some.stop)), stop - start, self.size)

    def exact(self) -> Frames:
        """The same in double precision."""
        return replace(self, read=lambda some: exact(self.read(some)))

    def parts(self) -> Iterator[Tensor]:
        """All of them, a few at a time."""
        step = max(1, _AT_ONCE // self.size)
        for start in range(0, self.count, step):
            yield self.read(slice(start, min(start + step, self.count)))


def exact(values: Tensor) -> Tensor:
    """In double precision, where the device has it."""
    return values if values.device.type == "mps" else values.double()
