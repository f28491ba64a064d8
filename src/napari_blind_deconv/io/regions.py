"""Boxes of an image, one range per axis."""

from collections.abc import Iterator, Sequence

from napari_blind_deconv._types import InputError
from napari_blind_deconv.tiling import pieces

Region = tuple[slice, ...]
"""One range per axis, its ends within the image, its step 1."""

_PIECE = 16 * 2**20  # bytes that are moved at once


def checked_region(region: Sequence[slice] | None, shape: Sequence[int]) -> Region:
    """A region with its ends spelt out; ``None`` is the whole image.

    Raises
    ------
    InputError
        For another number of axes, steps, empty ranges and ends outside the image.

    Examples
    --------
    >>> checked_region((slice(None), slice(2, None)), (3, 5))
    (slice(0, 3, None), slice(2, 5, None))
    """
    asked = [slice(None)] * len(shape) if region is None else list(region)
    found = tuple(slice(s.start or 0, n if s.stop is None else s.stop) for s, n in zip(asked, shape, strict=False))
    within = all(0 <= s.start < s.stop <= n for s, n in zip(found, shape, strict=False))
    if len(asked) != len(shape) or any(s.step not in {None, 1} for s in asked) or not within:
        raise InputError(
            subject="region",
            value=", ".join(f"{s.start}:{s.stop}" + (f":{s.step}" if s.step else "") for s in asked),
            allowed=f"must be one range per axis within {tuple(shape)}, not empty and of step 1",
            remedy="give ranges within the image",
        )
    return found


def lengths(region: Sequence[slice]) -> tuple[int, ...]:
    """Length of every axis of a region that was checked."""
    return tuple(s.stop - s.start for s in region)


def tiles(region: Region, grain: Sequence[int], itemsize: int, most: int = _PIECE) -> Iterator[Region]:
    """Cut a region at multiples of ``grain`` into pieces of at most ``most`` bytes, or of one grain.

    Examples
    --------
    >>> [piece[0] for piece in tiles((slice(3, 9), slice(0, 2)), (4, 2), 1, most=8)]
    [slice(3, 4, None), slice(4, 8, None), slice(8, 9, None)]
    """
    yield from pieces(region, grain, most // itemsize)
