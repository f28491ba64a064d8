"""One channel that is read, restored and written block by block; its kernel is found as ever, on a part of it."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from napari_blind_deconv._types import Progress
from napari_blind_deconv.estimation import Problem
from napari_blind_deconv.forward import DataTerm
from napari_blind_deconv.fourier import trailing
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.pipeline.given import Given
from napari_blind_deconv.pipeline.memory import Plan, recut
from napari_blind_deconv.pipeline.outcome import Float, Outcome, array_of
from napari_blind_deconv.pipeline.posing import Levels, intensity_levels, posed_in_parts, posed_region, tensors
from napari_blind_deconv.pipeline.preparation import Run
from napari_blind_deconv.pipeline.saying import said
from napari_blind_deconv.pipeline.sources import Region, Sink, written
from napari_blind_deconv.pipeline.surveying import Surveyed
from napari_blind_deconv.pipeline.tone_curve import grey_of
from napari_blind_deconv.pipeline.trusting import drawn_checks, shown_blur
from napari_blind_deconv.pipeline.trusting_blocks import ResidualSums
from napari_blind_deconv.pipeline.two_phase import Estimate
from napari_blind_deconv.pipeline.varying import Kernels, kernel_of_channel
from napari_blind_deconv.restoration import RichardsonLucyRestorer, Task
from napari_blind_deconv.restoration.blockwise import Answer, Block, Blocks, restored, settled
from napari_blind_deconv.tiling import Mixer
from napari_blind_deconv.trust import Check, half_light, share_check
from napari_blind_deconv.trust.prior_share import details, share_map, shells

_LIGHT = (0.01, 0.99)


@dataclass(frozen=True)
class Posed:
    """A surveyed channel as an `Observed` on the scale that priors know."""

    found: Surveyed
    levels: Levels
    device: torch.device

    @property
    def shape(self) -> tuple[int, ...]:
        """``(batch, *space)``."""
        return self.found.channel.shape

    def read(self, frames: slice, place: Region) -> tuple[torch.Tensor, torch.Tensor | None]:
        """As of `restoration.blockwise.Observed`."""
        values, missing = self.found.read(frames, place)
        return tensors(self.levels.posed(values), missing, self.device)


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
    run: Run, index: int, plan: Plan, results: Results, kernels: Kernels
) -> Generator[Progress, None, Outcome]:
    """The steps of one channel; ``kernels`` holds those that were found before, and is given this one's."""
    found = run.surveyed(index)
    settings = run.settings
    levels = replace(intensity_levels(found.sample, None, settings.background), white=run.white)
    problem = yield from said(posed_in_parts(run.with_psf_of(index), found, levels), "preparing")
    taught = yield from said(posed_region(run, index), "preparing")
    source = Posed(found, levels, run.device)
    for step in kernel_of_channel(problem, settings, source, taught, kernels, index):
        yield Progress(step.stage, step.step, step.total, None, array_of(step.kernel), step.message)
    last = replace(kernels[index], kernel=kernels[index].kernel.to(run.device))
    channel = _Channel(run, index, found, levels, plan, results)
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


Steps = Generator[Progress, None, None]
# Spacing, sums over shells, and mean detail and share of the whole.
_Known = tuple[tuple[float, ...], torch.Tensor, tuple[float, float]]


@dataclass
class _Channel:
    run: Run
    index: int
    found: Surveyed
    levels: Levels
    plan: Plan
    results: Results
    infinite: bool = False
    light: tuple[float, float, float] = (0.0, 0.0, 0.0)
    total: int = 0
    done: int = 0

    def restored(self, problem: Problem, last: Estimate) -> Generator[Progress, None, list[Check]]:
        """All blocks, and what the checks that look at all of them say."""
        # What is decided once is decided on another place's kernels of the same field where they change.
        task, settings = replace(problem.task(last.kernel), field=last.kernels), self.run.settings
        blocks = recut(self.plan, last.reach, tuple(last.kernel.shape))
        self.results.blocks.append(blocks)
        source = Posed(self.found, self.levels, self.run.device)
        steps = settled(settings.restorer, source, task, blocks)
        self.done, self.total = last.step, last.step + max(last.total - last.step, 1) * len(blocks)
        while True:
            try:
                message = next(steps)
            except StopIteration as end:
                restorer, task = end.value
                break
            yield self._progress(message)
        sums = ResidualSums(blocks.cut, blocks.batch, tuple(last.kernel.shape))
        for group in range(len(blocks.groups)):
            yield from self._group(restored(restorer, source, task, list(blocks.of_group(group))), blocks, group, sums)
        checks = list(sums.checks(compressed=problem.noise.compressed))
        asked = not isinstance(settings.restorer, RichardsonLucyRestorer)
        if asked and not isinstance(settings.image_prior, NoPrior):
            checks.append((yield from self._shares(task, blocks)))
        return checks

    def _progress(self, message: str, ahead: int = 0) -> Progress:
        several = len(self.run.defects)
        prefix = f"channel {self.index + 1} of {several}: " if several > 1 else ""
        done, total = self.index * self.total + self.done + ahead, several * self.total
        return Progress("restoring", min(done, total), total, None, None, prefix + message)

    def _group(self, answers: Iterator[Answer], blocks: Blocks, group: int, sums: ResidualSums) -> Steps:
        """The blocks of some frames: restored, mixed and written, a yield after every step."""
        mixers: dict[str, Mixer] = {}
        per_block = (self.total - self.done) / max(len(blocks) - group * len(blocks.cut.tiles), 1)
        started = self.done
        frames = blocks.groups[group]
        for answer in answers:
            number = answer.block.number - group * len(blocks.cut.tiles)
            self.done = started + round(per_block * (number + answer.step / max(answer.total, 1)))
            if answer.scene is not None:
                self._add_light(answer, blocks)
                for name, values in self._parts(answer, sums).items():
                    mixer = mixers.setdefault(name, Mixer(blocks.cut))
                    for place, ready in mixer.add(answer.block.tile, values):
                        self._write(name, frames, place, ready)
            yield self._progress(f"block {answer.block.number + 1} of {len(blocks)}")
        for name, mixer in mixers.items():
            for place, ready in mixer.rest():
                self._write(name, frames, place, ready)

    def _parts(self, answer: Answer, sums: ResidualSums) -> dict[str, Float]:
        """What is kept of a block: its image on the priors' scale, and its maps in the image's unit."""
        data, within = answer.task.data, trailing(answer.block.tile.within)
        if answer.scene is None:
            return {}
        image = array_of(data.frame.crop(answer.scene)[within])
        residual = sums.residual(answer.block, data, answer.scene)
        parts = {"image": image}
        if self.results.keeps_maps:
            parts["residual"] = array_of(residual)
            spread = {name: array_of(data.frame.crop(v)[within]) for name, v in answer.maps.items()}
            parts |= {name: self.levels.spread(values, image) for name, values in spread.items()}
        return parts

    def _add_light(self, answer: Answer, blocks: Blocks) -> None:
        """Sums of the restored and of the observed light and the number of pixels, of what is kept of a block."""
        data, within = answer.task.data, trailing(answer.block.tile.within)
        if answer.scene is None:
            return
        observed = data.observed[within]
        share = torch.from_numpy(blocks.cut.weights(answer.block.tile)).to(observed).expand_as(observed)
        if data.weights is not None:
            share = share * (data.weights[within] > 0)
        parts = (data.frame.crop(answer.scene)[within], observed, torch.ones_like(observed))
        restored, light, pixels = (float((share * values).sum(dtype=torch.float64)) for values in parts)
        self.light = self.light[0] + restored, self.light[1] + light, self.light[2] + pixels

    def _write(self, name: str, frames: slice, place: Region, values: Float) -> None:
        if name == "image":
            values = self.levels.restored(values)
            stays = self.found.original(frames, place)
            wrong = ~np.isfinite(values)
            if stays is not None:
                wrong &= ~stays[1]
                left = stays[0] - np.float32(self.run.settings.background or 0.0)
                values = np.where(stays[1], left if self.run.white is None else grey_of(left, self.run.white), values)
            self.infinite |= bool(wrong.any())
        written(self.found.channel, self.results.sink(name), (frames, place), values)

    def _image(self, block: Block) -> torch.Tensor:
        """What a block sees of the restored image, on the priors' scale."""
        channel = replace(self.found.channel, source=self.results.image, fill_nan=False)
        light = channel.read(block.frames, block.tile.seen)
        values = (light - np.float32(self.levels.added_back)) / np.float32(self.levels.scale)
        return torch.from_numpy(values).to(self.run.device)

    def _shares(self, task: Task, blocks: Blocks) -> Generator[Progress, None, Check]:
        """The share of the prior, from some blocks, and its map, where maps are kept, of all of them."""
        data = DataTerm.of(
            self._image(next(blocks.of_group(0))), task.data.blur.kernel, task.noise, model_error=task.model_error
        )
        spacing, sums = task.spacing, torch.zeros(())
        for block in blocks.spread():
            sums = sums + shells(self._image(block), data, spacing)
            yield self._progress("asking for the prior's share")
        told = prior = weight = 0.0
        for block in blocks.spread():
            energies = details(self._image(block), data, spacing, sums)
            share = torch.from_numpy(blocks.cut.weights(block.tile)).to(energies[0])
            one, two = (float((share * e[trailing(block.tile.within)]).sum(dtype=torch.float64)) for e in energies)
            frames = block.frames.stop - block.frames.start
            told, prior, weight = told + one, prior + two, weight + float(share.sum()) * frames
            yield self._progress("asking for the prior's share")
        total = (told + prior) / max(weight, 1e-12)
        whole = prior / (told + prior) if told + prior > 0 else 0.0
        if self.results.keeps_maps:
            yield from self._share_maps(data, blocks, (spacing, sums, (total, whole)))
        return share_check(whole)

    def _share_maps(
        self, data: DataTerm, blocks: Blocks, known: tuple[Any, torch.Tensor, tuple[float, float]]
    ) -> Steps:
        spacing, sums, whole = known
        for group, frames in enumerate(blocks.groups):
            mixer = Mixer(blocks.cut)
            for block in blocks.of_group(group):
                shares = share_map(*details(self._image(block), data, spacing, sums), len(spacing), whole)
                for place, ready in mixer.add(block.tile, array_of(shares[trailing(block.tile.within)])):
                    self._write("prior_share", frames, place, ready)
                yield self._progress("mapping the prior's share")
            for place, ready in mixer.rest():
                self._write("prior_share", frames, place, ready)
