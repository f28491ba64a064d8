"""Draws from p(x | y, k): their mean is the restored image, their spread says where not to trust it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from annotated_types import Ge, Le

from napari_blind_deconv import networks
from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.image_priors import ImagePrior, Scored
from napari_blind_deconv.restoration.annealing import annealed
from napari_blind_deconv.restoration.calibrated import Calibration, calibration
from napari_blind_deconv.restoration.task import Restored, Task

if TYPE_CHECKING:
    from torch import Tensor

# Highest level (of a unit scene), lowest level (of the noise); decision 0014.
_FIRST, _LAST = 0.5, 0.5
# Samples of the canvas that are drawn at once.
_AT_ONCE = 1 << 22


@component
class PosteriorSampling:
    """Many images that explain the observation: their mean, and how far they differ.

    Where the data are counts of light, each pixel is weighted by its own variance.
    """

    kind: Literal["posterior-sampling"] = "posterior-sampling"
    samples: Annotated[int, Ge(2), Le(1000)] = 16
    """Number of images sampled; the uncertainty is known to one part in √(2 samples)."""
    levels: Annotated[int, Ge(2), Le(1000)] = 16
    """Noise levels from coarse to fine, two calls of the prior's denoiser each."""
    calibrated: bool = True
    """Widen the uncertainty, as measured on images with known truth (for `image_prior=diffusion`)."""

    def refuse(self, image_prior: object) -> None:
        """Without a posterior mean at every level, nothing can be drawn."""
        refuse_unscored(image_prior, "restorer=posterior-sampling", "restorer=by-data")

    def steps(self, task: Task) -> int:
        """One for every level of every group of draws."""
        return self.levels * groups(task, self.samples)

    def restore(self, task: Task) -> Iterator[Restored]:
        """The mean over the draws so far, or a draw in the making; the last one has the map ``uncertainty``."""
        total, moments, widened = self.steps(task), _Moments(), self.widened(task)
        for scenes, finished in draws(task, self.levels, self.samples):
            moments = moments.with_more(scenes) if finished else moments
            image = moments.mean if finished else scenes.mean(0)
            spread = {}
            if moments.count > 1 and finished:
                spread["uncertainty"] = widened.spread(moments.deviation, image, task.data.blur.kernel)
            yield Restored(image, total, spread, f"{moments.count} of {self.samples} images drawn")

    def widened(self, task: Task) -> Calibration:
        """What the spread of the draws is multiplied by."""
        if not self.calibrated:
            return Calibration(1.0, "")
        return calibration(task.image_prior, task.data.sigma, task.data.blur.kernel, self.samples)


def refuse_unscored(image_prior: object, who: str, instead: str) -> None:
    """Refuse an image prior that nothing can be drawn from.

    Raises
    ------
    InputError
        Naming who draws, the prior, those that can be drawn from, and what else to choose.
    """
    if not isinstance(image_prior, Scored):
        kind = getattr(image_prior, "kind", type(image_prior).__name__)
        kinds = [cls.kind for cls in get_args(get_args(ImagePrior)[0]) if issubclass(cls, Scored)]
        scored = " or ".join(f"`image_prior={k}`" for k in kinds)
        raise InputError(
            subject=who,
            value=f"cannot sample images with `image_prior={kind}`",
            allowed="which has no score",
            remedy=f"choose {scored}, or `{instead}`",
        )


def draws(task: Task, levels: int, count: int) -> Iterator[tuple[Tensor, bool]]:
    """(scenes ``(draws, batch, *canvas)``, whether they are finished) after every level of every group."""
    if not isinstance(task.image_prior, Scored):
        raise TypeError(f"{type(task.image_prior).__name__} has no denoiser")
    denoise = task.image_prior.denoiser(task.spacing)
    start = task.data.frame.extend(task.data.filled)
    data = task.data.by_light(task.noise, start) if task.counts else task.data
    falling = networks.noise_levels(_FIRST, min(_LAST * data.sigma, _FIRST / 2), levels)
    several = groups(task, count)
    for group in range(several):
        size = count // several + (group < count % several)
        first = start.expand(size, *start.shape)
        found = annealed(data, denoise, first, falling, task.spacing, task.generator)
        for step, scenes in enumerate(found, start=1):
            yield scenes, step == len(falling)


def groups(task: Task, count: int) -> int:
    """Into how many groups draws are divided, so that one fits into memory."""
    frame = task.data.frame
    canvas = math.prod(task.data.observed.shape[: -frame.ndim]) * math.prod(frame.canvas)
    return min(count, math.ceil(count * canvas / _AT_ONCE))


@dataclass(frozen=True)
class _Moments:
    """Mean and standard deviation of draws that come in groups."""

    count: int = 0
    total: Tensor | float = 0.0
    squares: Tensor | float = 0.0

    def with_more(self, scenes: Tensor) -> _Moments:
        values = scenes.double()
        return _Moments(self.count + len(scenes), self.total + values.sum(0), self.squares + values.square().sum(0))

    @property
    def mean(self) -> Tensor:
        return torch.as_tensor(self.total / self.count).float()

    @property
    def deviation(self) -> Tensor:
        """Unbiased in the variance."""
        mean = torch.as_tensor(self.total / self.count)
        variance = (torch.as_tensor(self.squares) - self.count * mean**2) / (self.count - 1)
        return variance.clamp(min=0).sqrt().float()
