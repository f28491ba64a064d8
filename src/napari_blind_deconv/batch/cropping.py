"""The part of an image that is restored, as it was said: ``C=1:2,Y=100:356``."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError

Region = tuple[slice, ...]
_RANGE = re.compile(r"\s*([A-Za-z])\s*=\s*(\d*)\s*:\s*(\d*)\s*")


def region_of(text: str, axes: str, shape: Sequence[int]) -> Region:
    """Ranges of pixels, counted from 0, the end left out, one per axis of an image; axes that are not named are whole.

    Raises
    ------
    InputError
        For what is no such text, for other axes, and for ranges that are empty or end beyond the image.

    Examples
    --------
    >>> region_of("C=1:2, Y=100:356", "CYX", (3, 512, 512))
    (slice(1, 2, None), slice(100, 356, None), slice(0, 512, None))
    """
    found = {letter: slice(0, n) for letter, n in zip(axes, shape, strict=True)}
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise _refused(f"{part.strip()!r}", "must be ranges of pixels by the letters of axes")
        letter = match[1].upper()
        if letter not in found or letter == "S":
            raise _refused(f"names axis {letter}", f"but the image has {axes.removesuffix('S')}")
        whole = found[letter].stop
        start, stop = int(match[2] or 0), int(match[3] or whole)
        if not start < stop <= whole:
            raise _refused(f"{letter}={start}:{stop}", f"must lie within the {whole} pixels of the axis")
        found[letter] = slice(start, stop)
    return tuple(found[letter] for letter in axes)


def _refused(value: str, allowed: str) -> InputError:
    return InputError(subject="crop", value=value, allowed=allowed, remedy="write for example C=1:2,Y=100:356,X=0:256")


def text_of(region: Sequence[slice], axes: str, shape: Sequence[int]) -> str:
    """The text of ranges; whole axes are left out.

    Examples
    --------
    >>> text_of((slice(1, 2), slice(0, 512)), "CY", (3, 512))
    'C=1:2'
    """
    parts = zip(axes, region, shape, strict=True)
    return ",".join(f"{a}={part.start}:{part.stop}" for a, part, n in parts if (part.start, part.stop) != (0, n))


def part_of(source: io.Source, header: io.Header, region: Region) -> tuple[io.Source, io.Header]:
    """A region of a file, and the header that it has then."""
    description = dict(header.description)
    if "C" in header.axes and (names := description.get("channel_names")):
        description["channel_names"] = list(names)[region[header.axes.index("C")]]
    # How channels are shown is said of all of them.
    description.pop("channels", None)
    shape = tuple(part.stop - part.start for part in region)
    return source.part(region), replace(header, shape=shape, description=description)


def mask_within(mask: Any, region: Region, whole: Sequence[int]) -> Any:
    """The part of a mask of the whole image, or of its last axes; one of another shape is left as it is."""
    shape = np.shape(mask)
    if not shape or shape != tuple(whole)[len(whole) - len(shape) :]:
        return mask
    return mask[region[len(whole) - len(shape) :]]
