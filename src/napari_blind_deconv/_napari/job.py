"""What a run is to do."""

import math
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from napari_blind_deconv import _torch
from napari_blind_deconv._napari.drawn import Drawn
from napari_blind_deconv._napari.layers import Source
from napari_blind_deconv._napari.lazy_levels import Stored
from napari_blind_deconv._napari.preview_pace import PreviewPace
from napari_blind_deconv.observation import arrangement
from napari_blind_deconv.settings import Settings

if TYPE_CHECKING:
    from napari_blind_deconv.pipeline.memory import Plan


@dataclass
class Busy:
    """How many seconds the threads of a run have computed, as they say at every step; None where a card computes."""

    seconds: float | None = 0.0


@dataclass(frozen=True)
class Job:
    """All that a run needs, captured when Run is pressed, so that the form and the layers may change meanwhile."""

    source: Source
    settings: Settings
    psf: Source | None = None
    leave_out: Drawn | None = None
    region: Drawn | None = None
    max_memory_gb: float | None = None
    enough: Event = field(default_factory=Event, repr=False, compare=False)
    """Set by whoever wants the image as it is, without the steps that are left."""
    pace: PreviewPace = field(default_factory=PreviewPace, repr=False, compare=False)
    busy: Busy = field(default_factory=Busy, repr=False, compare=False)
    unfinished: list[Stored] = field(default_factory=list)
    """Stores of results that are no layers yet: of a run that was cancelled or refused they are removed."""

    def frozen(self) -> "Job":
        """The same, with what was painted as it is now."""
        left_out, region = (None if drawn is None else drawn.frozen() for drawn in (self.leave_out, self.region))
        return replace(self, leave_out=left_out, region=region)

    @property
    def stores_blocks(self) -> bool:
        """Whether results that come in blocks go to a temporary store, as they do not fit into memory either."""
        return Stored.can_hold(self.source)

    def plan(self) -> "Plan":
        """What the run will do about memory; errors as of `pipeline.memory.planned`."""
        # A widget that is opened shows itself first.
        from napari_blind_deconv.pipeline.cutting import RESULTS, Work
        from napari_blind_deconv.pipeline.device import CPU, expected_place
        from napari_blind_deconv.pipeline.memory import limit_bytes, planned

        source, settings = self.source, self.settings
        lazy = not isinstance(source.data, np.ndarray)
        work = Work.of(
            source.shape,
            arrangement(source.shape, source.axes, settings.planes),
            settings,
            None if self.psf is None else self.psf.shape,
            loaded=math.prod(source.shape) * np.dtype(source.data.dtype).itemsize if lazy else 0,
            results=(0.0, 0.0) if self.stores_blocks else RESULTS,
        )
        place = expected_place(settings)
        if place.type == "cpu" or _torch.is_loaded():
            return planned(work, limit_bytes(self.max_memory_gb), place)
        # How much a card holds, and how fast it is, is not known before PyTorch is there.
        return replace(planned(work, limit_bytes(self.max_memory_gb), CPU), seconds=math.nan)
