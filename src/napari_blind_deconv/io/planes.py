"""Which pages of a file are which planes of an image, and which of them make an image where some are missing."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError

_MOST = 1 << 24  # planes that any acquisition has; a header that promises more is wrong
_HOLES = 1 / 3  # of a stack's planes: with more missing ones, those that are left are no neighbours


@dataclass(frozen=True)
class Planes:
    """The planes that are promised, and the pages that hold those which are there.

    Attributes
    ----------
    axes
        One letter per axis, the slowest first, such as ``TCZ``.
    sizes
        What is promised along each.
    pages
        Number of the page by the position along the axes.
    """

    axes: str
    sizes: tuple[int, ...]
    pages: Mapping[tuple[int, ...], int]


@dataclass(frozen=True)
class Part:
    """Planes that make an image.

    Attributes
    ----------
    positions
        Those kept along each axis of the `Planes`.
    pages
        Numbers of the pages, the slowest axis first; ``None`` for a plane that is missing within a stack.
    """

    positions: tuple[tuple[int, ...], ...]
    pages: tuple[int | None, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(len(places) for places in self.positions)

    @property
    def holes(self) -> NDArray[np.bool_]:
        """Which planes are missing within it, in its shape."""
        return np.array([page is None for page in self.pages], bool).reshape(self.shape)


def checked_sizes(sizes: tuple[int, ...], subject: str) -> tuple[int, ...]:
    """Sizes that an image can have.

    Raises
    ------
    InputError
        For sizes below one, and more planes than anything records.
    """
    # Python's numbers, which do not overflow.
    count = 1
    for size in sizes:
        count *= size
    if min(sizes, default=1) < 1 or count > _MOST:
        raise InputError(
            subject=subject,
            value=f"promises {' x '.join(map(str, sizes))} planes",
            allowed="which images do not have",
            remedy="export it again",
        )
    return sizes


def whole_part(planes: Planes, subject: str) -> Part:
    """The planes that make an image: all of them, or what is complete.

    Along every axis, the slowest first, those positions are kept that have the most planes; what lies faster must be
    there for all of them. So a movie that was stopped ends with its last complete frame. A plane that is missing within
    a stack stays, empty, since without it the others would move together.

    Raises
    ------
    InputError
        Where there is no plane, or so few of a stack that they are no neighbours.

    Examples
    --------
    >>> stopped = Planes("TZ", (4, 2), {(t, z): 2 * t + z for t in range(3) for z in range(2) if (t, z) != (2, 1)})
    >>> whole_part(stopped, "file a.tif").positions
    ((0, 1), (0, 1))
    """
    there = np.zeros(planes.sizes, bool)
    for place in planes.pages:
        there[place] = True
    if not there.any():
        raise InputError(
            subject=subject, value="holds none of the planes that its metadata describe", remedy="export it again"
        )
    positions = []
    for axis in planes.axes:
        kept = _most_complete(there)
        there = there[kept]
        common = np.asarray(there.all(axis=0))
        if not common.any():
            common, kept = np.asarray(there[0]), kept[:1]
        there = common
        positions.append(_filled(kept, subject) if axis == "Z" else tuple(kept))
    grid = np.stack(np.meshgrid(*positions, indexing="ij"), axis=-1).reshape(-1, len(positions))
    return Part(tuple(positions), tuple(planes.pages.get(tuple(int(i) for i in place)) for place in grid))


def _most_complete(there: NDArray[np.bool_]) -> list[int]:
    counts = there.reshape(len(there), -1).sum(axis=1)
    return [int(i) for i in np.flatnonzero(counts == counts.max())]


def _filled(kept: list[int], subject: str) -> tuple[int, ...]:
    """The planes from the first to the last."""
    span = kept[-1] + 1 - kept[0]
    if span - len(kept) > _HOLES * span:
        raise InputError(
            subject=subject,
            value=f"holds {len(kept)} of {span} neighbouring planes",
            allowed="too few for a stack",
            remedy="export the whole stack as one file",
        )
    return tuple(range(kept[0], kept[-1] + 1))


def shortfall(planes: Planes, part: Part) -> list[str]:
    """What is kept of each axis that is not complete, in words.

    Examples
    --------
    >>> shortfall(Planes("TZ", (4, 2), {}), Part(((0, 1), (0, 1)), (0, 1, 2, 3)))
    ['2 of 4 along T']
    """
    pairs = zip(planes.axes, planes.sizes, part.shape, strict=True)
    told = [f"{kept} of {size} along {axis}" for axis, size, kept in pairs if kept < size]
    holes = int(part.holes.sum())
    return told + ([f"{holes} missing within the stack, left empty"] if holes else [])
