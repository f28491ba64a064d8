"""Which images of a run share one PSF: frames of time, planes, channels; and parts of an image as images."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv.observation import Arrangement
from napari_blind_deconv.pipeline.sources import Region, Sink, Source
from napari_blind_deconv.restoration import Order

# What shares a PSF, by the setting, of the axes that are neither space nor channels nor colours: time, or any other.
_TIME = "T"
_SHARES = {"frames": (True, True), "all": (True, True), "time": (True, False), "plane": (False, True)}


@dataclass(frozen=True)
class Part:
    """Images that share one PSF, or one per channel.

    Attributes
    ----------
    place
        Where in the image: a slice per axis.
    label
        What it is called; nothing where it is all of the image.
    """

    place: Region
    label: str = ""


def parts_of(shape: Sequence[int], layout: Arrangement, share: str) -> list[Part]:
    """The parts of an image that have PSFs of their own.

    Parameters
    ----------
    shape, layout
        The image.
    share
        As of `Settings.share_psf`.

    Examples
    --------
    >>> [part.label for part in parts_of((3, 8, 8), Arrangement("TYX"), "none")]
    ['frame 1', 'frame 2', 'frame 3']
    >>> [part.label for part in parts_of((3, 8, 8), Arrangement("TYX"), "time")]
    ['']
    """
    time, planes = _SHARES.get(share, (False, False))
    own = [a for a in layout.axes if a not in f"CS{layout.space}" and not (time if a == _TIME else planes)]
    sizes = dict(zip(layout.axes, shape, strict=True))
    found = []
    for index in itertools.product(*(range(sizes[a]) for a in own)):
        at = dict(zip(own, index, strict=True))
        place = tuple(slice(at[a], at[a] + 1) if a in at else slice(0, n) for a, n in sizes.items())
        found.append(Part(place, ", ".join(f"{_named(a)} {i + 1}" for a, i in at.items())))
    return found


def order_of(shape: Sequence[int], layout: Arrangement) -> Order | None:
    """Where a channel's frames follow each other in time; ``None``: nowhere.

    Examples
    --------
    >>> order_of((5, 2, 3, 64, 64), Arrangement("TCZYX", planes=True))
    Order(before=1, times=5, after=3, start=0)
    """
    batch = [(axis, n) for axis, n in zip(layout.axes, shape, strict=True) if axis not in f"C{layout.space}"]
    names, sizes = "".join(axis for axis, _ in batch), [n for _, n in batch]
    if _TIME not in names:
        return None
    place = names.index(_TIME)
    return Order(math.prod(sizes[:place]), sizes[place], math.prod(sizes[place + 1 :]))


def frames_of(shape: Sequence[int], layout: Arrangement, edges: Sequence[int]) -> list[Part]:
    """The parts between two edges in time, each."""
    axis = layout.axes.index(_TIME)
    found = []
    for start, stop in itertools.pairwise(edges):
        place = tuple(slice(start, stop) if i == axis else slice(0, n) for i, n in enumerate(shape))
        found.append(Part(place, f"frames {start + 1} to {stop}" if stop > start + 1 else f"frame {stop}"))
    return found


def _named(axis: str) -> str:
    return {"T": "frame", "Z": "plane", "P": "position"}.get(axis, axis)


@dataclass(frozen=True)
class Within:
    """A part of an image or of a result as one of its own.

    Examples
    --------
    >>> from napari_blind_deconv.pipeline.sources import Sliced
    >>> part = Within(Sliced(np.arange(12).reshape(3, 4)), (slice(1, 2), slice(0, 4)))
    >>> part.shape, part.read((slice(0, 1), slice(1, 3))).tolist()
    ((1, 4), [[5, 6]])
    """

    whole: Source
    place: Region

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return tuple(part.stop - part.start for part in self.place)

    @property
    def dtype(self) -> np.dtype[Any]:
        """What its pixels are."""
        return self.whole.dtype

    def read(self, region: Region) -> NDArray[Any]:
        """As of `Source`."""
        return self.whole.read(self._there(region))

    def _there(self, region: Region) -> Region:
        return tuple(slice(p.start + r.start, p.start + r.stop) for p, r in zip(self.place, region, strict=True))


@dataclass(frozen=True)
class WithinResult(Within):
    """The same of a result, which is written to."""

    whole: Sink

    def write(self, region: Region, values: NDArray[np.float32]) -> None:
        """As of `Sink`."""
        self.whole.write(self._there(region), values)
