"""What is found in a slab of a channel that is too large to be looked at as a whole."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import translated
from napari_blind_deconv.crops import gradient_energy
from napari_blind_deconv.defects import Defects, looked_for
from napari_blind_deconv.defects.tally import Tally
from napari_blind_deconv.pipeline.sources import Channel, Region
from napari_blind_deconv.spread import Step

Mask = NDArray[np.bool_]
# What flags say of a pixel.
MISSING, UNTOUCHED = 1, 2


@dataclass(frozen=True)
class Slab:
    """Some frames of a part of the space, and what a mask leaves out of it."""

    frames: slice
    place: Region
    outside: Mask | None = None


@dataclass(frozen=True)
class FoundInSlab:
    """What was found in a slab.

    Attributes
    ----------
    slab
        Which, without its mask.
    size
        Its pixels.
    flags
        What is no data, and what stays as it is; ``None``: nothing.
    tallies, cut_off, stripes
        As of `defects.Defects`; stripes of whole planes only.
    offsets
        Of the lines of its planes, all together; ``None``: none.
    sample
        Pixels, evenly spaced, without defects.
    cells, energy, known
        Cells that it lies in, and sums of the gradient energy and of the data over each.
    """

    slab: Slab
    size: int
    flags: NDArray[np.uint8] | None
    tallies: Mapping[str, Tally]
    cut_off: float
    stripes: Mapping[str, float]
    offsets: NDArray[np.float32] | None
    sample: NDArray[np.float32]
    cells: Region
    energy: NDArray[np.float32]
    known: NDArray[np.float32]


@dataclass(frozen=True)
class Looking:
    """Looks at slabs, one after the other.

    Attributes
    ----------
    channel
        Where the pixels are read.
    extremes
        Lowest and highest value of all of it.
    cell
        The sides of a cell.
    every
        Pixels of which one is kept.
    """

    channel: Channel
    extremes: tuple[float, float]
    cell: tuple[int, ...]
    every: int

    def steps(self, part: Sequence[Slab]) -> Generator[Step, None, list[FoundInSlab]]:
        """As of `spread.Job`."""
        found = []
        for number, slab in enumerate(part):
            found.append((yield from translated(self._one(slab), partial(Step, number, len(part)))))
        return found

    def _one(self, slab: Slab) -> Generator[str, None, FoundInSlab]:
        shape = self.channel.shape
        values = self.channel.read(slab.frames, slab.place)
        defects = yield from _of_slab(values, slab.outside, self.extremes)
        start = (slab.frames.start, *(p.start for p in slab.place))
        tallies = {kind: Tally.of_part(mask, start, shape) for kind, mask in defects.masks.items() if mask.any()}
        stripes, offsets = _lines(defects, values, shape)
        good = defects.image if defects.missing is None else defects.image[~defects.missing]
        cells, energy, known = _cell_sums(slab.place, defects, self.cell, self.extremes[1] - self.extremes[0])
        yield "looking for defects"
        return FoundInSlab(
            Slab(slab.frames, slab.place),
            values.size,
            _flags(defects),
            tallies,
            defects.cut_off,
            stripes,
            offsets,
            good.reshape(-1)[:: self.every].copy(),
            cells,
            energy,
            known,
        )


def _of_slab(
    values: NDArray[np.float32], outside: Mask | None, extremes: tuple[float, float]
) -> Generator[str, None, Defects]:
    """The defects of a slab; one that holds a single value throughout is padding."""
    if len(values) == 1 and np.isfinite(values).all() and values.min() == values.max():
        rest = np.ones(values.shape, bool) if outside is None else ~outside
        masks = {"padding": rest} | ({} if outside is None else {"outside": outside})
        return Defects(values, values, {kind: mask for kind, mask in masks.items() if mask.any()})
    return (yield from looked_for(values, outside, extremes))


def _flags(defects: Defects) -> NDArray[np.uint8] | None:
    if defects.missing is None:
        return None
    flags = np.where(defects.missing, MISSING, 0).astype(np.uint8)
    if defects.untouched is not None:
        flags |= np.where(defects.untouched, UNTOUCHED, 0).astype(np.uint8)
    return flags


def _lines(
    defects: Defects, values: NDArray[np.float32], shape: tuple[int, ...]
) -> tuple[dict[str, float], NDArray[np.float32] | None]:
    """Stripes and offsets of lines, where a slab holds whole planes of a camera."""
    if values.shape[-2:] != shape[-2:] or not defects.offsets:
        return {}, None
    total: NDArray[np.float32] | np.float32 = np.float32(0)
    for taken in defects.offsets.values():
        total = np.asarray(total + taken, np.float32)
    return {name: defects.stripes[name] for name in defects.offsets}, np.asarray(total, np.float32)


def _cell_sums(
    place: Region, defects: Defects, cell: tuple[int, ...], light: float
) -> tuple[Region, NDArray[np.float32], NDArray[np.float32]]:
    """Cells of a slab, and sums of the gradient energy, in units of the light, and of the data over each."""
    data = (
        np.ones(defects.image.shape, np.float32) if defects.missing is None else (~defects.missing).astype(np.float32)
    )
    busy = gradient_energy(torch.from_numpy(defects.image / np.float32(light)), len(cell)).numpy() * data
    energy, known = (_summed(values, place, cell) for values in (busy, data))
    cells = tuple(slice(p.start // side, -(-p.stop // side)) for p, side in zip(place, cell, strict=True))
    return cells, energy, known


def _summed(values: NDArray[np.float32], place: Region, cell: tuple[int, ...]) -> NDArray[np.float32]:
    sums = values.astype(np.float64)
    for axis, (part, side) in enumerate(zip(place, cell, strict=True), start=1):
        starts = np.unique(np.maximum(np.arange(part.start // side, -(-part.stop // side)) * side - part.start, 0))
        sums = np.add.reduceat(sums, starts, axis)
    return sums.astype(np.float32)
