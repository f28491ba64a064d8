"""The data of a run, as they were given, and where its results go."""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import Progress
from napari_blind_deconv.observation import Arrangement
from napari_blind_deconv.pipeline.ahead import held_ahead, read_ahead
from napari_blind_deconv.pipeline.cutting import RESULTS, Work
from napari_blind_deconv.pipeline.sources import SLAB, Sink, Source, Target, sink_of, source_of
from napari_blind_deconv.settings import Settings
from napari_blind_deconv.tiling import pieces

Maps = bool | Callable[[str], Sink]
"""Whether maps are kept, or what makes the sink of one by its name."""


@dataclass(frozen=True)
class Given:
    """The data of a run, as they were given; attributes as the arguments of `deconvolve_steps`."""

    image: Any
    axes: Any
    voxel_size_um: Any
    psf: Any
    psf_voxel_size_um: Any
    truth: Any
    true_psf: Any
    mask: Any
    region: Any
    maps: Maps
    out: Any
    made: dict[str, Sink] = field(default_factory=dict)
    """Sinks of maps that were made."""

    @property
    def checked(self) -> tuple[Any, ...]:
        """What is checked together, after the image and the settings."""
        return self.axes, self.voxel_size_um, self.psf, self.psf_voxel_size_um, self.mask, self.region

    def source(self) -> Source:
        """The image, read region by region."""
        return read_ahead(source_of(self.image))

    def work(self, layout: Arrangement, settings: Settings) -> Work:
        """What is to be done."""
        source = source_of(self.image)
        loaded = 0 if isinstance(self.image, np.ndarray) else source.dtype.itemsize * math.prod(source.shape)
        # What is left out, and what is not, a byte each.
        mask = 0 if self.mask is None else 2 * math.prod(np.shape(self.mask))
        image, maps = RESULTS
        return Work.of(
            source.shape,
            layout,
            settings,
            None if self.psf is None else np.shape(self.psf),
            loaded=loaded,
            aside=held_ahead(source) + mask,
            results=(0.0 if isinstance(self.out, Sink) else image, 0.0 if callable(self.maps) else maps),
        )

    def image_sink(self, shape: tuple[int, ...]) -> Sink:
        """Where the restored image goes."""
        return sink_of(np.empty(shape, np.float32) if self.out is None else self.out)

    def map_sink(self, name: str, shape: tuple[int, ...]) -> Sink:
        """Where a map goes; made when it is first asked for."""
        if name not in self.made:
            self.made[name] = self.maps(name) if callable(self.maps) else Target(np.empty(shape, np.float32))
        return self.made[name]


def opened(sink: Sink) -> Any:
    """What was given to take a result, or the array that was made for it."""
    return sink.array if isinstance(sink, Target) else sink


def whole_of(sink: Sink) -> NDArray[np.float32]:
    """All of a result, in memory."""
    return sink.read(tuple(slice(0, n) for n in sink.shape))


def loaded(image: Any, source: Source) -> Generator[Progress, None, NDArray[Any]]:
    """All of an image in memory, a yield after every piece that is read."""
    if not isinstance(image, Source) and not hasattr(image, "dtype"):
        return np.asarray(image)
    if isinstance(image, np.ndarray):
        return np.asarray(image)
    found = np.empty(source.shape, source.dtype)
    grain = getattr(source, "grain", (1,) * len(source.shape))
    for piece in pieces(tuple(slice(0, n) for n in source.shape), grain, 4 * SLAB):
        found[piece] = source.read(piece)
        yield Progress("loading", 0, 0)
    return found
