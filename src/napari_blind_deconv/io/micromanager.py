"""Micro-Manager's own metadata: which planes of a recording a file of its stacks holds, and how large voxels are.

A recording is often spread over files that name each other; only the planes of the file itself are taken.
"""

from collections.abc import Mapping
from typing import Any

import tifffile

from .planes import Planes, checked_sizes
from .units import step

_COLUMN = {"C": 0, "Z": 1, "T": 2, "P": 3}  # of the index
_PROMISED = {"C": "Channels", "Z": "Slices", "T": "Frames"}


def own_planes(file: tifffile.TiffFile, said: Mapping[str, Any], subject: str, position: int = 0) -> tuple[Planes, int]:
    """The planes of one of the positions in a file, by its own index, and how many positions it has."""
    summary, index = said["Summary"], said["IndexMap"]
    axes = "T" + ("ZC" if summary.get("SlicesFirst", True) else "CZ")
    positions = sorted({int(row[_COLUMN["P"]]) for row in index})
    # Pages that the file lacks have no place in its chain.
    number = {page.offset: i for i, page in enumerate(file.pages)}
    pages = {
        tuple(int(row[_COLUMN[axis]]) for axis in axes): number[int(row[4])]
        for row in index
        if int(row[_COLUMN["P"]]) == positions[position] and int(row[4]) in number
    }
    promised = [max([int(summary.get(_PROMISED[axis], 1)), *(p[i] + 1 for p in pages)]) for i, axis in enumerate(axes)]
    return Planes(axes, checked_sizes(tuple(promised), subject), pages), len(positions)


def voxel_sizes(summary: Mapping[str, Any]) -> tuple[dict[str, float], list[tuple[str, str]]]:
    """Lengths by axis in µm, and what is odd about them, by axis; a size that is not known is written as 0."""
    names = {"X": "PixelSize_um", "Y": "PixelSize_um", "Z": "z-step_um"}
    sizes, told = {}, []
    for axis, name in names.items():
        if not summary.get(name):
            continue
        length, odd = step(summary[name], "µm", axis)
        if length is not None:
            sizes[axis] = length
        if odd:
            told.append((axis, odd))
    return sizes, told
