"""One block of a channel that is worked on in blocks: from what it sees to what is kept of it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import trailing
from napari_blind_deconv.pipeline.outcome import Float, array_of
from napari_blind_deconv.pipeline.posing import Levels, tensors
from napari_blind_deconv.pipeline.sources import Region
from napari_blind_deconv.pipeline.surveying import Surveyed, SurveyedPart
from napari_blind_deconv.pipeline.trusting_blocks import ResidualPart, ResidualSums
from napari_blind_deconv.restoration import Task
from napari_blind_deconv.restoration.blockwise import Answer, Restores, Seen, restored
from napari_blind_deconv.spread import Step
from napari_blind_deconv.tiling import Cut

if TYPE_CHECKING:
    from torch import Tensor

Light = tuple[float, float, float]
"""Sums of the restored and of the observed light and the number of pixels."""


@dataclass(frozen=True)
class Posed:
    """A surveyed channel, or a part of it, as an `Observed` on the scale that priors know."""

    found: Surveyed | SurveyedPart
    levels: Levels
    device: torch.device

    @property
    def shape(self) -> tuple[int, ...]:
        """``(batch, *space)``."""
        return self.found.channel.shape

    def read(self, frames: slice, place: Region) -> tuple[Tensor, Tensor | None]:
        """As of `restoration.blockwise.Observed`."""
        values, missing = self._part(frames, place).read()
        return tensors(self.levels.posed(values), missing, self.device)

    def only(self, frames: slice, place: Region) -> Posed:
        """As of `restoration.blockwise.Observed`."""
        return Posed(self._part(frames, place), self.levels, self.device)

    def _part(self, frames: slice, place: Region) -> SurveyedPart:
        if isinstance(self.found, Surveyed):
            return self.found.part(frames, place)
        if (frames, place) != (self.found.frames, self.found.place):
            raise ValueError("only the part that was asked for can be read")
        return self.found


@dataclass(frozen=True)
class Kept:
    """What is kept of a block that was restored.

    Attributes
    ----------
    images
        By name: ``image`` on the priors' scale, and maps in the image's unit.
    light
        Of what is kept, weighed as it is mixed.
    residual
        What it adds to the checks.
    """

    images: dict[str, Float]
    light: Light
    residual: ResidualPart


@dataclass(frozen=True)
class Restoring:
    """Restores blocks.

    Attributes
    ----------
    restorer, task
        As `settled` left them; the task without its observation.
    levels
        The channel's.
    cut, batch
        How it is cut, and how many frames it has.
    maps
        Whether maps are kept.
    """

    restorer: Restores
    task: Task
    levels: Levels
    cut: Cut
    batch: int
    maps: bool

    def steps(self, part: Seen) -> Generator[Step, None, Kept]:
        """As of `spread.Job`."""
        found: Kept | None = None
        for answer in restored(self.restorer, part.source, self.task, [part.block]):
            if answer.scene is not None:
                found = self._kept(answer, answer.scene)
            yield Step(answer.step, answer.total, answer.message)
        if found is None:
            raise RuntimeError("the restorer ended without a scene")
        return found

    def _kept(self, answer: Answer, scene: Tensor) -> Kept:
        data, within = answer.task.data, trailing(answer.block.tile.within)
        image = array_of(data.frame.crop(scene)[within])
        sums = ResidualSums(self.cut, self.batch, tuple(self.task.data.blur.kernel.shape))
        residual, part = sums.of_block(answer.block, data, scene)
        images = {"image": image}
        if self.maps:
            images["residual"] = array_of(residual)
            spread = {name: array_of(data.frame.crop(v)[within]) for name, v in answer.maps.items()}
            images |= {name: self.levels.spread(values, image) for name, values in spread.items()}
        return Kept(images, self._light(answer, data.frame.crop(scene)[within]), part)

    def _light(self, answer: Answer, image: Tensor) -> Light:
        data, within = answer.task.data, trailing(answer.block.tile.within)
        observed = data.observed[within]
        share = torch.from_numpy(self.cut.weights(answer.block.tile)).to(observed).expand_as(observed)
        if data.weights is not None:
            share = share * (data.weights[within] > 0)
        parts = (image, observed, torch.ones_like(observed))
        one, two, three = (float((share * values).sum(dtype=torch.float64)) for values in parts)
        return one, two, three
