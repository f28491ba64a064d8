"""Work that falls into parts: done one after the other in this process, or spread over several.

A job and a part say all that a part's answer depends on, so that it is the same whoever gives it. Both are plain data
and classes by their names: they can be sent to another process.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Part = TypeVar("Part")
Found = TypeVar("Found")
_Part = TypeVar("_Part", contravariant=True)
_Found = TypeVar("_Found", covariant=True)


@dataclass(frozen=True)
class Step:
    """How far a part is that is being worked on; of no part, but a sign of life, where ``total`` is 0.

    Attributes
    ----------
    step, total
        Of the part.
    message
        A detail for people.
    """

    step: int = 0
    total: int = 0
    message: str = ""


class Job(Protocol[_Part, _Found]):
    """What is done with every part."""

    def steps(self, part: _Part) -> Generator[Step, None, _Found]:
        """The steps of a part, and what it gives; it may be left between any two."""
        ...


@dataclass(frozen=True)
class Done(Generic[Part, Found]):
    """A part, and what it gave."""

    part: Part
    found: Found


class Spreads(Protocol):
    """Who works on parts: `in_turn`, or several processes."""

    def __call__(self, job: Job[Part, Found], parts: Iterable[Part]) -> Generator[Step | Done[Part, Found], None, None]:
        """Answers in the order of the parts, and steps between them; parts are taken when there is room for them."""
        ...


def in_turn(job: Job[Part, Found], parts: Iterable[Part]) -> Generator[Step | Done[Part, Found], None, None]:
    """One part after the other, in this process.

    Examples
    --------
    >>> class Squares:
    ...     def steps(self, part):
    ...         yield Step(1, 1)
    ...         return part**2
    >>> [answer.found for answer in in_turn(Squares(), [2, 3]) if isinstance(answer, Done)]
    [4, 9]
    """
    for part in parts:
        yield Done(part, (yield from job.steps(part)))
