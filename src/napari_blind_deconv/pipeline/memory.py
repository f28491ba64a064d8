"""The planner: whether a run is worked on as a whole or in blocks, in which, and what that will take."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from napari_blind_deconv import _torch
from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError
from napari_blind_deconv.crops import window_sides
from napari_blind_deconv.machine import free_bytes, resident_bytes
from napari_blind_deconv.pipeline import costs
from napari_blind_deconv.pipeline.cutting import Work, fitting
from napari_blind_deconv.pipeline.device import CPU, Where, on
from napari_blind_deconv.pipeline.sources import SLAB
from napari_blind_deconv.pipeline.surveying import SAMPLE
from napari_blind_deconv.restoration.blockwise import Blocks

# What a run takes at most of the memory that is free, unless a limit is given; and where it is given, all of that.
SHARE = 0.8
# Bytes a sample of a channel that waits, and of a block beside its restoration.
_WAITING, _PIXELS = 20, 50
# Part of the memory that blocks are made for: what is held of it by chance, no model tells.
_CAREFUL = 0.85
# Samples of canvas from which on it is worth the time to find out how fast the machine is.
_TIMED_FROM = 1 << 20
# Bytes that a process is taken to hold before it begins, at least, and part of the limit that this may be: a process
# with Dask holds 0.1 GB more than one without, and both are to cut an image into the same blocks.
_HELD, _OF_LIMIT = 4.5e8, 0.15
# Parts of the room for a block that are tried.
_SHARES = (1.0, 0.85, 0.7, 0.5, 0.3)
# How much smaller the blocks are where those before found no room: few tries, for much of the work is done again.
_SMALLER = 3


@dataclass(frozen=True)
class Plan:
    """How a run is worked on.

    Attributes
    ----------
    work
        What is to be done.
    device
        Where.
    blocks
        The blocks of one channel; ``None``: all of it at once.
    maps
        Whether the maps of where not to trust the result are kept.
    bytes
        What the process will hold of main memory at its peak.
    seconds
        How long it will take.
    limit
        What the process may hold.
    """

    work: Work
    device: Where
    blocks: Blocks | None
    maps: bool
    bytes: float
    seconds: float
    limit: float

    @property
    def phases(self) -> dict[str, float]:
        """Expected seconds of every stage, by what `Progress.stage` calls it; their sum is ``seconds``."""
        blocks = self.blocks
        shape = self.work.shape if blocks is None else (blocks.frames, *blocks.cut.seen)
        canvas = self.work.canvas(shape[0], shape[1:]) * (1 if blocks is None else len(blocks))
        return _phases(self.work, self.device, canvas)

    @property
    def course(self) -> tuple[tuple[str, float], ...]:
        """The same in the order in which they come, once for every channel; those that take no time are left out."""
        before, *each = self.phases.items()
        channels = self.work.channels
        return (before, *[(stage, seconds / channels) for stage, seconds in each if seconds > 0] * channels)

    def words(self) -> str:
        """The plan for people.

        Examples
        --------
        >>> from napari_blind_deconv.settings import Settings
        >>> from napari_blind_deconv.tiling import Cut
        >>> work = Work((1, 64, 64), 1, (9, 9), (2, 2), Settings())
        >>> blocks = Blocks(Cut((64, 64), (2, 2), (8, 8), (4, 4)), 1, 1)
        >>> Plan(work, CPU, blocks, True, 4e8, 3.0, 1e9).words()
        'in 4 blocks of 44 x 44 pixels'
        """
        if self.blocks is None:
            return "in one piece"
        size = " x ".join(str(n) for n in self.blocks.cut.seen)
        several = f"{self.blocks.frames} x " if self.blocks.frames > 1 else ""
        return f"in {len(self.blocks) * self.work.channels} blocks of {several}{size} pixels"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        blocks = self.blocks
        return {
            "words": self.words(),
            "device": str(self.device),
            "blocks": 1 if blocks is None else len(blocks) * self.work.channels,
            "block": list(self.work.shape if blocks is None else (blocks.frames, *blocks.cut.seen)),
            "halo": None if blocks is None else list(blocks.cut.halo),
            "maps": self.maps,
            "predicted_gb": round(self.bytes / 1e9, 3),
            "predicted_seconds": float(f"{self.seconds:.2g}"),
            "limit_gb": round(self.limit / 1e9, 3),
        }


def time_machine(work: Work, device: Where) -> None:
    """Find out how fast the machine is, once, where that is worth its time: plans of large images then know it."""
    if work.canvas(work.shape[0], work.shape[1:]) >= _TIMED_FROM:
        costs.transform_seconds(device.type, len(work.kernel_shape))


def limit_bytes(max_memory_gb: float | None) -> float:
    """What this process may hold: as it was said, but never more than there is; by default a share of what is free."""
    held, free = resident_bytes(), free_bytes()
    most = held + SHARE * free if max_memory_gb is None else 1e9 * max_memory_gb
    return min(most, held + free)


def planned(work: Work, limit: float, device: Where, *, maps: bool = True) -> Plan:
    """The fastest plan that stays within a limit.

    Raises
    ------
    InputError
        Where there is none: nothing is started that cannot end.
    """
    for plan in plans(work, limit, device, maps=maps):
        if plan.bytes <= limit:
            return plan
    least = min((plan.bytes for plan in plans(work, limit, device, maps=maps)), default=math.inf)
    needed = f"needs about {least / 1e9:.1f} GB" if math.isfinite(least) else "does not fit"
    raise InputError(
        subject=f"image of {work.size_in_words()} pixels",
        value=f"{needed}, even in the smallest blocks",
        allowed=f"but `max_memory_gb` or the free memory allows {limit / 1e9:.1f} GB",
        remedy="crop it, close other programs, or raise the limit",
    )


def plans(work: Work, limit: float, device: Where, *, maps: bool = True) -> Iterator[Plan]:
    """Plans from the fastest to the slowest: whole, and in blocks, without maps, and these on the CPU."""
    places = [device] if device.type == "cpu" else [device, CPU]
    for place in places:
        whole = _whole(work, limit, place, maps=maps)
        if place.type == "cpu" or _on_card(work, work.canvas(work.shape[0], work.shape[1:])) <= free_bytes(on(place)):
            yield whole
        for kept in (True, False) if maps else (False,):
            plan = in_blocks(work, limit, place, maps=kept)
            if plan is not None:
                yield plan


def smaller(plan: Plan) -> Plan | None:
    """The next plan after one that found no room; ``None``: there is none.

    After the whole, blocks; after these, blocks of a third; after the smallest on a graphics card, the CPU.
    """
    work, device = plan.work, plan.device
    most = math.inf if plan.blocks is None else work.canvas(plan.blocks.frames, plan.blocks.cut.seen) / _SMALLER
    found = [
        in_blocks(work, plan.limit, device, maps=kept, most=most) for kept in sorted({plan.maps, False}, reverse=True)
    ]
    if device.type != "cpu":
        found += plans(work, plan.limit, CPU, maps=plan.maps)
    return next((p for p in found if p is not None and p.bytes <= plan.limit), None)


def _on_card(work: Work, canvas: int) -> float:
    return costs.bytes_of(work.settings, len(work.kernel_shape)) * canvas


def _whole(work: Work, limit: float, device: Where, *, maps: bool) -> Plan:
    samples, canvas = work.samples, work.canvas(work.shape[0], work.shape[1:])
    channel = samples / work.channels
    restoring = costs.bytes_of(work.settings, len(work.kernel_shape)) * canvas if device.type == "cpu" else 8 * canvas
    # Of several channels one is worked on at a time; the others lie there as they came, and as they were restored.
    held = costs.HELD["whole"] * channel + _WAITING * (samples - channel)
    peak = max(_looking(work) * channel, held + max(restoring, _estimating(work)))
    held = _base(work, device, limit) + work.loaded + peak
    return Plan(work, device, None, maps, held, _seconds(work, device, canvas), limit)


def _base(work: Work, device: Where, limit: float) -> float:
    card = costs.CARD if device.type == "cuda" and not (_torch.is_loaded() and torch.cuda.is_initialized()) else 0.0
    return max(resident_bytes(), min(_HELD, _OF_LIMIT * limit)) + work.aside + costs.PACKAGES[_kind(work)] + card


def _estimating(work: Work) -> float:
    """Bytes that finding the kernel takes."""
    return _of_estimation(work).bytes[_kind(work)] * _window(work)


def _window(work: Work) -> int:
    sides, _ = window_sides(work.shape[1:], work.kernel_shape)
    return min(work.shape[0], 4) * math.prod(sides)


def _kind(work: Work) -> int:
    """The place in a pair of costs: of an image, or of a volume."""
    return int(len(work.kernel_shape) > 2)


def _of_estimation(work: Work) -> costs.Cost:
    kind = work.settings.kernel_prior.kind
    return costs.ESTIMATING.get(kind, costs.ESTIMATING["other"])


def _seconds(work: Work, device: Where, canvas: int) -> float:
    return sum(_phases(work, device, canvas).values())


def _phases(work: Work, device: Where, canvas: int) -> dict[str, float]:
    """Time of every stage, a restoration having so many samples of canvas in all blocks of a channel."""
    unit = costs.known_seconds(device.type, len(work.kernel_shape))
    restoring = costs.RESTORING[costs.kind_of(work.settings)].transforms[_kind(work)] * costs.steps_of(work.settings)
    estimating = _of_estimation(work).transforms[_kind(work)] * _window(work)
    # Defects are looked for on the CPU, whatever the device.
    checking = unit * costs.CHECKING[_kind(work)] if device.type == "cpu" else costs.BESIDE_CARD
    looking = work.channels * checking * math.prod(work.shape)
    return {
        "preparing": costs.BEFORE * looking,
        "estimating the kernel": work.channels * unit * estimating,
        "restoring": work.channels * unit * restoring * canvas,
        "checking": (1 - costs.BEFORE) * looking,
    }


def in_blocks(work: Work, limit: float, device: Where, *, maps: bool, most: float = math.inf) -> Plan | None:
    """The blocks that take the least time, of at most so many samples of canvas; ``None``: none fit."""
    results = work.results[0] + (work.results[1] if maps else 0) + costs.HELD["blocks"]
    fixed = _base(work, device, limit) + results * work.samples + costs.SAMPLED * min(math.prod(work.shape), SAMPLE)
    left = _CAREFUL * (limit - fixed)
    slab = _looking(work) * min(max(SLAB, _plane(work)), math.prod(work.shape))
    if max(slab, _estimating(work)) > limit - fixed:
        return None
    # A block's own pixels, and those that come back of it.
    each = costs.bytes_of(work.settings, len(work.kernel_shape)) + _PIXELS
    room = left / each if device.type == "cpu" else min(left / 16, SHARE * free_bytes(on(device)) / each)
    plan: Plan | None = None
    # The larger the blocks, the more is mixed.
    for share in _SHARES:
        blocks = fitting(work, min(share * room, most))
        if blocks is None:
            break
        canvas = work.canvas(blocks.frames, blocks.cut.seen)
        taken = _mixing(blocks, maps=maps) + (each * canvas if device.type == "cpu" else 16 * canvas)
        peak = fixed + max(taken, slab, _estimating(work))
        plan = Plan(work, device, blocks, maps, peak, _seconds(work, device, canvas * len(blocks)), limit)
        if peak <= limit:
            break
    return plan


def _mixing(blocks: Blocks, *, maps: bool) -> float:
    """Bytes of blocks that are mixed, and wait for others: a line of them, and margins."""
    cut = blocks.cut
    margins = sum(
        2 * blend * math.prod(cut.space) // n
        for n, blend, count in zip(cut.space, cut.blend, cut.counts, strict=True)
        if count > 1
    )
    return 4.0 * blocks.frames * (cut.line + margins) * (3 if maps else 1)


def _looking(work: Work) -> float:
    """Bytes a sample while defects are looked for."""
    return costs.LOOKING[_kind(work)]


def _plane(work: Work) -> int:
    """Samples of a plane along the first axis: no slab is smaller."""
    return math.prod(work.shape[2:])


def recut(plan: Plan, radius: tuple[int, ...], kernel: tuple[int, ...]) -> Blocks:
    """The blocks of a plan for the kernel that was found, of which it could only be expected how wide it is."""
    if plan.blocks is None:
        raise ValueError("a plan without blocks has none to cut anew")
    room = plan.work.canvas(plan.blocks.frames, plan.blocks.cut.seen)
    work = replace(plan.work, radius=radius, kernel_shape=kernel)
    # A kernel that is wider than expected takes more; that it may be too much is found out.
    return next(found for more in itertools.count() if (found := fitting(work, room * 1.5**more)) is not None)
