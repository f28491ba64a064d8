"""What a batch is going to do, from headers alone: which files, how, with what memory and time, and on which disk."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from napari_blind_deconv import io
from napari_blind_deconv._torch import torch
from napari_blind_deconv.observation import arrangement, refuse_type
from napari_blind_deconv.pipeline.device import device_of, on
from napari_blind_deconv.pipeline.given import Given
from napari_blind_deconv.pipeline.memory import Plan, limit_bytes, planned, time_machine
from napari_blind_deconv.pipeline.parts import Within
from napari_blind_deconv.pipeline.several_psfs import expected_parts
from napari_blind_deconv.settings import Settings, settings_from_dict

from .guard import Failure, attempted
from .one_file import FileWork
from .outputs import needed_bytes
from .references import References
from .states import State


@dataclass(frozen=True)
class Forecast:
    """What is to be expected of one image.

    Attributes
    ----------
    label
        What it is called.
    status
        As of `states.State`; ``fails`` where that can be told beforehand.
    words
        How it is worked on, or why not.
    shape
        Its lengths, where its header can be read.
    gigabytes, seconds, disk_bytes
        Memory of the process at its peak, time, and what its results take at most.
    """

    label: str
    status: Literal["to do", "done", "refused", "fails"]
    words: str = ""
    shape: tuple[int, ...] = ()
    gigabytes: float = 0.0
    seconds: float = 0.0
    disk_bytes: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "input": self.label,
            "status": self.status,
            "words": self.words,
            "shape": list(self.shape),
            "predicted_gb": round(self.gigabytes, 3),
            "predicted_seconds": float(f"{self.seconds:.2g}"),
            "disk_bytes": self.disk_bytes,
        }


def forecasts(states: Sequence[State]) -> list[Forecast]:
    """What is to be expected of every image, in their order; no pixels are read."""
    return [_forecast(state) for state in states]


def free_bytes_at(folder: Path) -> int:
    """What the disk of a folder, which may not exist yet, has room for; 0 where that is not known."""
    there = next((one for one in (folder, *folder.absolute().parents) if one.is_dir()), None)
    return 0 if there is None else shutil.disk_usage(there).free


def _forecast(state: State) -> Forecast:
    label = state.work.job.label
    if state.status == "done":
        return Forecast(label, "done", "done by an earlier run")
    if state.status == "refused":
        return Forecast(label, "refused", state.why)
    found = attempted(lambda: plan_of(state.work))
    if isinstance(found, Failure):
        return Forecast(label, "fails", found.message)
    header, plan, parts = found
    disk = needed_bytes(state.work.job, math.prod(header.shape))
    words = plan.words() if parts == 1 else f"{parts} PSFs, each {plan.words()}"
    return Forecast(label, "to do", words, header.shape, plan.bytes / 1e9, parts * plan.seconds, disk)


def in_blocks(work: FileWork, max_memory_gb: float | None) -> torch.device | None:
    """Where an image is worked on in blocks by a process that may hold so much; ``None``: it is not, or cannot be."""
    found = attempted(lambda: plan_of(work.within(max_memory_gb)))
    return None if isinstance(found, Failure) or found[1].blocks is None else on(found[1].device)


def plan_of(work: FileWork) -> tuple[io.Header, Plan, int]:
    """How an image will be worked on, or each of its parts with PSFs of their own, and how many of these there are.

    Memory that is held now counts as held then.

    Raises
    ------
    InputError
        For files that cannot be opened, and where there is no plan.
    """
    source, header, references = work.said.opened(work.job.path, work.job.image, References())
    settings: Settings = settings_from_dict(work.settings)
    layout = arrangement(header.shape, header.axes, settings.planes)
    refuse_type(header.dtype, header.shape)
    psf = work.references.paths.get("psf")
    # A PSF that is still to be found has the size that it would have in this image.
    taps = io.open(psf) if psf is not None and psf.exists() else None
    if psf is None or taps is not None:
        references = work.said.opened(work.job.path, work.job.image, work.references.read()).references
    used = references.used
    if taps is None and settings.kernel_prior.kind == "known":
        settings = replace(settings, kernel_prior=Settings().kernel_prior)
    given = Given(source, header.axes, header.voxel_size_um, taps, None, None, None, used, None, False, None)
    parts = expected_parts(given, settings)
    largest = max(parts, key=lambda part: math.prod(place.stop - place.start for place in part.place))
    if len(parts) > 1:
        given = replace(given, image=Within(source, largest.place))
    # Results of a batch go to files.
    asked, device = replace(given.work(layout, settings), results=(0.0, 0.0)), device_of(settings)
    time_machine(asked, device)
    return header, planned(asked, limit_bytes(work.said.max_memory_gb), device, maps=bool(work.job.maps)), len(parts)
