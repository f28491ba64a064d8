"""One channel that is read, restored and written block by block; its kernel is found as ever, on a part of it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import Progress, translated
from napari_blind_deconv.estimation import Problem
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.pipeline.given import Given
from napari_blind_deconv.pipeline.measuring import Gauge
from napari_blind_deconv.pipeline.memory import Plan, recut
from napari_blind_deconv.pipeline.one_block import Light, Posed, Restoring
from napari_blind_deconv.pipeline.outcome import Float, Outcome, array_of
from napari_blind_deconv.pipeline.posing import Levels, intensity_levels, posed_in_parts, posed_region
from napari_blind_deconv.pipeline.preparation import Run
from napari_blind_deconv.pipeline.saying import said
from napari_blind_deconv.pipeline.shares import Details, ShareMaps, Shells, Shown
from napari_blind_deconv.pipeline.sources import SLAB, Region, Sink, written
from napari_blind_deconv.pipeline.surveying import Surveyed
from napari_blind_deconv.pipeline.tone_curve import grey_of
from napari_blind_deconv.pipeline.trusting import drawn_checks, shown_blur
from napari_blind_deconv.pipeline.trusting_blocks import ResidualSums
from napari_blind_deconv.pipeline.two_phase import Estimate
from napari_blind_deconv.pipeline.varying import Kernels, kernel_of_channel
from napari_blind_deconv.restoration import RichardsonLucyRestorer, Task
from napari_blind_deconv.restoration.blockwise import Block, Blocks, carried, seen
from napari_blind_deconv.restoration.settling import settled
from napari_blind_deconv.spread import Done, Spreads, in_turn
from napari_blind_deconv.tiling import Mixer
from napari_blind_deconv.trust import Check, half_light, share_check

# Samples that are written at once.
_AT_ONCE = 8 * SLAB


@dataclass
class Results:
    """Where the restored image and its maps go; maps only where they are kept.

    Attributes
    ----------
    given
        What was given to take them.
    shape
        That of the image.
    keeps_maps
        Whether maps are written.
    image, maps
        Where the restored image goes, which is read again for the share of the prior, and the maps by their names.
    blocks
        How the channels were cut.
    """

    given: Given
    shape: tuple[int, ...]
    keeps_maps: bool
    maps: dict[str, Sink] = field(default_factory=dict)
    blocks: list[Blocks] = field(default_factory=list)

    @cached_property
    def image(self) -> Sink:
        """As above."""
        return self.given.image_sink(self.shape)

    def sink(self, name: str) -> Sink:
        """Where the image, or a map, is written to."""
        if name == "image":
            return self.image
        return self.maps.setdefault(name, self.given.map_sink(name, self.shape))


def channel_in_blocks(
    run: Run, index: int, plan: Plan, results: Results, kernels: Kernels, spread: Spreads = in_turn
) -> Generator[Progress, None, Outcome]:
    """The steps of one channel; ``kernels`` holds those that were found before, and is given this one's.

    ``spread`` is who works on blocks; they are mixed and written here.
    """
    found = run.surveyed(index)
    settings = run.settings
    levels = replace(intensity_levels(found.sample, None, settings.background), white=run.white)
    problem = yield from said(posed_in_parts(run.with_psf_of(index), found, levels), "preparing")
    taught = yield from said(posed_region(run, index), "preparing")
    source = Posed(found, levels, run.device)
    gauge = Gauge(problem, taught or problem)
    for step in kernel_of_channel(problem, settings, source, taught, kernels, index):
        figures = partial(gauge.figures, step)
        yield Progress(step.stage, step.step, step.total, None, array_of(step.kernel), step.message, figures)
    last = replace(kernels[index], kernel=kernels[index].kernel.to(run.device))
    channel = _Channel(run, index, found, levels, plan, results, spread)
    checks = yield from channel.restored(problem, last)
    checks = [*checks, *drawn_checks(settings.restorer, problem, last.kernel)]
    given = taught or problem
    checks = shown_blur(problem, last.kernel, given, found.share("saturated"), checks)
    # Where the PSF changes, the part that taught it has no single one.
    detail = None
    if last.kernels is None:
        detail = yield from said(half_light(problem.task(last.kernel), run.voxel_size_um), "checking")
    return Outcome.of(
        problem,
        last,
        levels,
        found.sample,
        checks,
        image=None,
        infinite=channel.infinite,
        maps={},
        defects=found,
        flux_ratio=levels.flux_ratio(*channel.light),
        detail=detail,
    )


@dataclass
class _Channel:
    run: Run
    index: int
    found: Surveyed
    levels: Levels
    plan: Plan
    results: Results
    spread: Spreads
    infinite: bool = False
    light: Light = (0.0, 0.0, 0.0)
    total: int = 0
    done: int = 0

    def restored(self, problem: Problem, last: Estimate) -> Generator[Progress, None, list[Check]]:
        """All blocks, and what the checks that look at all of them say."""
        # What is decided once is decided on another place's kernels of the same field where they change.
        task, settings = replace(problem.task(last.kernel), field=last.kernels), self.run.settings
        blocks = recut(self.plan, last.reach, tuple(last.kernel.shape))
        self.results.blocks.append(blocks)
        source = Posed(self.found, self.levels, self.run.device)
        self.done, self.total = last.step, last.step + max(last.total - last.step, 1) * len(blocks)
        restorer, task = yield from translated(
            settled(settings.restorer, source, task, blocks, self.spread), self._progress
        )
        task = carried(task)
        sums = ResidualSums(blocks.cut, blocks.batch, tuple(last.kernel.shape))
        job = Restoring(restorer, task, self.levels, blocks.cut, blocks.batch, self.results.keeps_maps)
        yield from self._blocks(job, source, blocks, sums)
        checks = list(sums.checks(compressed=problem.noise.compressed))
        asked = not isinstance(settings.restorer, RichardsonLucyRestorer)
        if asked and not isinstance(settings.image_prior, NoPrior):
            checks.append((yield from self._shares(task, blocks)))
        return checks

    def _progress(self, message: str) -> Progress:
        several = len(self.run.defects)
        prefix = f"channel {self.index + 1} of {several}: " if several > 1 else ""
        done, total = self.index * self.total + self.done, several * self.total
        return Progress("restoring", min(done, total), total, None, None, prefix + message)

    def _blocks(
        self, job: Restoring, source: Posed, blocks: Blocks, sums: ResidualSums
    ) -> Generator[Progress, None, None]:
        """The blocks restored, mixed and written, a yield after every step."""
        mixing = _Mixing(blocks, self._write)
        begun, number = self.done, 0
        for answer in self.spread(job, seen(source, blocks.all())):
            if isinstance(answer, Done):
                number = answer.part.block.number + 1
                sums.add(answer.found.residual)
                self._add_light(answer.found.light)
                mixing.add(answer.part.block, answer.found.images)
                within, message = 0.0, f"block {number} of {len(blocks)}"
            else:
                within = answer.step / max(answer.total, 1)
                message = f"block {min(number + 1, len(blocks))} of {len(blocks)}"
            self.done = begun + round((self.total - begun) * (number + within) / len(blocks))
            figures = sums.figures if isinstance(answer, Done) else dict
            yield replace(self._progress(message), figures=figures)

    def _add_light(self, light: Light) -> None:
        self.light = self.light[0] + light[0], self.light[1] + light[1], self.light[2] + light[2]

    def _write(self, name: str, frames: slice, place: Region, values: Float) -> None:
        """Some planes at a time, as they are copied; whole chunks, where there are chunks."""
        sink, layout = self.results.sink(name), self.run.layout
        grain = getattr(sink, "grain", (1,) * len(sink.shape))[layout.axes.index(layout.space[0])]
        thick = grain * max(1, _AT_ONCE * values.shape[1] // values.size // grain)
        first = place[0]
        for start in range(first.start // thick * thick, first.stop, thick):
            part = slice(max(start, first.start), min(start + thick, first.stop))
            some = values[:, part.start - first.start : part.stop - first.start]
            self._put(name, sink, (frames, (part, *place[1:])), some)

    def _put(self, name: str, sink: Sink, where: tuple[slice, Region], values: Float) -> None:
        if name == "image":
            values = self.levels.restored(values)
            stays = self.found.original(*where)
            wrong = ~np.isfinite(values)
            if stays is not None:
                wrong &= ~stays[1]
                left = stays[0] - np.float32(self.run.settings.background or 0.0)
                values = np.where(stays[1], left if self.run.white is None else grey_of(left, self.run.white), values)
            self.infinite |= bool(wrong.any())
        written(self.found.channel, sink, where, values)

    def _shown(self, blocks: Iterable[Block]) -> Iterator[Shown]:
        """What blocks see of the restored image, on the priors' scale."""
        channel = replace(self.found.channel, source=self.results.image, fill_nan=False)
        for block in blocks:
            light = channel.read(block.frames, block.tile.seen)
            yield Shown(block, (light - np.float32(self.levels.added_back)) / np.float32(self.levels.scale))

    def _shares(self, task: Task, blocks: Blocks) -> Generator[Progress, None, Check]:
        """The share of the prior, from some blocks, and its map, where maps are kept, of all of them."""
        sums, asking = torch.zeros(()), "computing the prior's share"
        for answer in self.spread(Shells(task, blocks.cut), self._shown(blocks.spread())):
            if isinstance(answer, Done):
                sums = sums + answer.found
            yield self._progress(asking)
        told = prior = weight = 0.0
        for found in self.spread(Details(task, blocks.cut, sums), self._shown(blocks.spread())):
            if isinstance(found, Done):
                told, prior, weight = told + found.found[0], prior + found.found[1], weight + found.found[2]
            yield self._progress(asking)
        total = (told + prior) / max(weight, 1e-12)
        whole = prior / (told + prior) if told + prior > 0 else 0.0
        if self.results.keeps_maps:
            mixing = _Mixing(blocks, self._write)
            for mapped in self.spread(ShareMaps(task, blocks.cut, sums, (total, whole)), self._shown(blocks.all())):
                if isinstance(mapped, Done):
                    mixing.add(mapped.part.block, {"prior_share": mapped.found})
                yield self._progress("mapping the prior's share")
        return share_check(whole)


@dataclass
class _Mixing:
    """Blocks' answers mixed, and written as soon as nothing is added to them any more."""

    blocks: Blocks
    write: Callable[[str, slice, Region, Float], None]
    mixers: dict[str, Mixer] = field(default_factory=dict)

    def add(self, block: Block, images: Mapping[str, Float]) -> None:
        """What is kept of a block, in the order of their numbers."""
        for name, values in images.items():
            mixer = self.mixers.setdefault(name, Mixer(self.blocks.cut))
            for place, ready in mixer.add(block.tile, values):
                self.write(name, block.frames, place, ready)
