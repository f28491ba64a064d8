"""What is decided once for all blocks of an observation, from sums over them and from a part that shows much."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import translated
from napari_blind_deconv.fourier import trailing
from napari_blind_deconv.restoration.blockwise import Blocks, Observed, Restores, Seen, carried, seen, task_of
from napari_blind_deconv.restoration.by_data import ByData
from napari_blind_deconv.restoration.by_prior import ByPrior, in_need_of_unit
from napari_blind_deconv.restoration.part import part_of
from napari_blind_deconv.restoration.photon_map import PhotonMap
from napari_blind_deconv.restoration.photons import Light
from napari_blind_deconv.restoration.richardson_lucy import RichardsonLucyRestorer, intensities
from napari_blind_deconv.restoration.scene_unit import concentration
from napari_blind_deconv.restoration.task import Task, darkest, photons_of, sampled
from napari_blind_deconv.spread import Done, Spreads, Step, in_turn
from napari_blind_deconv.tiling import Cut

if TYPE_CHECKING:
    from torch import Tensor

_LEAST_LIGHT = 1e-6


def settled(
    restorer: Restores, source: Observed, task: Task, blocks: Blocks, spread: Spreads = in_turn
) -> Generator[str, None, tuple[Restores, Task]]:
    """What is decided once for all blocks: the darkest level, the restorer, the light, and how concentrated it is.

    A yield after every block that was looked at; at most 27 are.

    Parameters
    ----------
    task
        The restoration of a part of the observation that shows much.
    spread
        Who looks at blocks.
    """
    if task.non_negative or task.counts:
        task = replace(task, dark=(yield from _darkest(source, task, blocks, spread)))
    if isinstance(restorer, ByData):
        restorer = yield from translated(restorer.chosen(task), lambda _: "choosing the restorer")
    if isinstance(restorer, PhotonMap | RichardsonLucyRestorer):
        return restorer, replace(task, light=(yield from _light(source, task, blocks, spread)))
    if isinstance(restorer, ByPrior) and in_need_of_unit(task):
        task = replace(task, concentration=concentration(part_of(task)))
        yield "measuring how concentrated the light is"
    return restorer, task


@dataclass(frozen=True)
class _Dark:
    """Samples of what a block shows once its noise is averaged away."""

    task: Task
    cut: Cut

    def steps(self, part: Seen) -> Generator[Step, None, Tensor]:
        smooth = task_of(part.block, part.source, self.task).smooth()
        yield Step()
        return sampled(smooth[trailing(self.cut.own(part.block.tile))]).cpu()


def _darkest(source: Observed, task: Task, blocks: Blocks, spread: Spreads) -> Generator[str, None, float]:
    if task.dark is not None:
        return task.dark
    found = []
    for answer in spread(_Dark(carried(task), blocks.cut), seen(source, blocks.spread())):
        if isinstance(answer, Done):
            found.append(answer.found)
        yield "measuring the dark level"
    return darkest(torch.cat(found))


@dataclass(frozen=True)
class _Sums:
    """Sums over a block's own part: of the weight, of the light and of its square, in photons; and the pedestal."""

    task: Task
    cut: Cut

    def steps(self, part: Seen) -> Generator[Step, None, tuple[list[Tensor], float]]:
        one = task_of(part.block, part.source, self.task)
        data = photons_of(one) if one.counts else intensities(one)
        own = trailing(self.cut.own(part.block.tile))
        yield Step()
        counts, mask = data.counts[own], data.weight.expand(data.counts.shape)[own]
        axes = tuple(range(1, counts.ndim))
        sums = (mask, mask * counts, mask * counts.square())
        return [one.sum(axes, keepdim=True, dtype=torch.float64).cpu() for one in sums], data.pedestal


def _light(source: Observed, task: Task, blocks: Blocks, spread: Spreads) -> Generator[str, None, Light]:
    """Mean of every frame, and brightness of the brightest one, from sums over all blocks."""
    shape = (source.shape[0], *(1,) * (len(source.shape) - 1))
    totals = [torch.zeros(shape, dtype=torch.float64) for _ in range(3)]
    pedestal = 0.0
    for answer in spread(_Sums(carried(task), blocks.cut), seen(source, blocks.all())):
        if isinstance(answer, Done):
            sums, pedestal = answer.found
            for total, values in zip(totals, sums, strict=True):
                total[answer.part.block.frames] += values
        yield "measuring the light"
    weight, first, second = totals
    mean = (first / weight.clamp(min=1) - pedestal).clamp(min=_LEAST_LIGHT * max(1.0, pedestal))
    power = second - 2 * pedestal * first + pedestal**2 * weight - first
    brightness = torch.maximum(power / (mean * weight).clamp(min=1e-30), mean).max()
    like = task.data.observed
    return Light(mean.to(like), brightness.to(like))
