"""What ImageJ writes into a TIFF: lengths, times, and how many planes there are."""

import itertools
from collections.abc import Mapping
from typing import Any

import tifffile

from .planes import Planes, checked_sizes
from .units import micrometres, step

# The version that libraries other than ImageJ claim; only ImageJ itself leaves a step out where it is 1.
_CLAIMED = "1.11a"


def time_interval(said: Mapping[str, Any]) -> dict[str, float]:
    """``time_interval_s``, where it is known."""
    interval = said.get("finterval")
    seconds = str(said.get("tunit", "sec")) in {"sec", "s", "second", "seconds"}
    if not seconds or not isinstance(interval, int | float) or interval <= 0:
        return {}
    return {"time_interval_s": float(interval)}


def voxel_sizes(
    said: Mapping[str, Any], resolution: Mapping[str, float]
) -> tuple[dict[str, float], list[tuple[str, str]]]:
    """Lengths by axis in µm, and what is odd about them, by axis.

    Parameters
    ----------
    said
        ImageJ's metadata: ``unit``, where they differ ``yunit`` and ``zunit``, and ``spacing``.
    resolution
        Pixels per unit along X and Y.
    """
    unit = str(said.get("unit", ""))
    units = {"X": unit, "Y": str(said.get("yunit", unit)), "Z": str(said.get("zunit", unit))}
    values: dict[str, Any] = {axis: 1 / per_unit for axis, per_unit in resolution.items()}
    told = []
    if "spacing" in said:
        values["Z"] = said["spacing"]
    elif str(said.get("ImageJ", _CLAIMED)) != _CLAIMED and micrometres(1.0, units["Z"]) is not None:
        values["Z"] = 1.0
        told.append(("Z", f"gives no step along Z, which ImageJ omits if it is 1: 1 {units['Z']} was assumed"))
    sizes = {}
    for axis, value in values.items():
        length, odd = step(value, units[axis], axis)
        if length is not None:
            sizes[axis] = length
        if odd:
            told.append((axis, odd))
    return sizes, told


def uneven_planes(file: tifffile.TiffFile, said: Mapping[str, Any], subject: str) -> Planes | None:
    """The planes of a file that has fewer or more pages than it describes; ``None`` where it has as many.

    A file of one page may hold the pixels of all planes behind each other, and is then left to the library.
    """
    count, page = len(file.pages), file.pages.first
    sizes = tuple(_whole(said, name) for name in ("frames", "slices", "channels"))
    if page.shaped[0] > 1 or page.shaped[4] == sizes[2] > 1:
        sizes = (*sizes[:2], 1)
    if sizes == (1, 1, 1):
        sizes = (1, _whole(said, "images"), 1)
    promised = sizes[0] * sizes[1] * sizes[2]
    if promised in {1, count} or str(said.get("order", "czt")).lower() not in {"czt", "default"}:
        return None
    if count == 1 and _may_hold_more(file, page):
        return None
    places = itertools.product(*map(range, checked_sizes(sizes, subject)))
    return Planes("TZC", sizes, {place: number for number, place in enumerate(itertools.islice(places, count))})


def _may_hold_more(file: tifffile.TiffFile, page: tifffile.TiffPage) -> bool:
    """Whether there may be pixels behind those of a file's only page: not if its header follows, or nothing."""
    start = min(page.dataoffsets, default=0)
    end = max((o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=True)), default=0)
    following = page.offset if page.offset >= end else file.filehandle.size
    return following - end >= end - start or (page.offset < end < following)


def _whole(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name, 1)
    return value if isinstance(value, int) and not isinstance(value, bool) else 1
