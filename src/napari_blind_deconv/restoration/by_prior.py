"""Restoration by an image prior: weighted least squares, by the way that suits the prior."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.image_priors import (
    Finishing,
    Fitting,
    NoPrior,
    Paced,
    Quadratic,
    SparseGradients,
    Splittable,
    TotalVariation,
)
from napari_blind_deconv.restoration import half_quadratic, quadratic
from napari_blind_deconv.restoration.in_time import Ties
from napari_blind_deconv.restoration.part import part_of
from napari_blind_deconv.restoration.scene_unit import concentration
from napari_blind_deconv.restoration.task import Restored, Task

if TYPE_CHECKING:
    from torch import Tensor

_STEPS = 16
# Power of the concentration by which penalties on gradients become weaker (decision 0018).
_CONCENTRATED = 2.0


@component
class ByPrior:
    """Least squares with the chosen image prior; each frequency and pixel is weighted by its noise.

    Where the data are counts of light, the variance follows the predicted intensity and the scene is not negative.
    """

    kind: Literal["by-prior"] = "by-prior"

    def refuse(self, image_prior: object) -> None:
        """It works with every image prior."""

    def steps(self, task: Task) -> int:
        """Steps that were asked for, or as many as the image prior needs."""
        if task.iterations:
            return task.iterations
        return task.image_prior.own_steps if isinstance(task.image_prior, Paced) else _STEPS

    def restore(self, task: Task) -> Iterator[Restored]:
        """Scenes after every step, the best last; a prior that fits by itself may need fewer than were asked for."""
        steps = self.steps(task)
        return (Restored(scene, steps) for scene in self._scenes(task, steps))

    def _scenes(self, task: Task, steps: int) -> Iterator[Tensor]:
        prior, data, spacing = in_scene_unit(task), task.data, task.spacing
        if isinstance(prior, Fitting):
            return prior.restore(data, spacing=spacing, steps=steps, generator=task.generator)
        if isinstance(prior, Quadratic):
            return quadratic.restore(data, prior, spacing=spacing, steps=steps)
        found = half_quadratic.restore(
            data,
            prior,
            spacing=spacing,
            levels=prior.levels(steps, data.sigma),
            camera=task.noise if task.counts else None,
            lowest=task.lowest if task.non_negative else None,
            ties=Ties.of(data, task.noise, task.order, prior),
        )
        return _finished(found, steps, prior, data.sigma, spacing) if isinstance(prior, Finishing) else found


def in_scene_unit(task: Task) -> Splittable | Fitting:
    """The image prior; where counted light is concentrated in few pixels, as much weaker as these are brighter.

    Gradients are judged in units of the scene's brightness. A blurred observation shows less of it than the scene has,
    and how much less shows when the blur is taken back a little (decision 0018).
    """
    prior = task.image_prior
    if not in_need_of_unit(task) or not isinstance(prior, SparseGradients | TotalVariation):
        return prior
    found = concentration(part_of(task)) if task.concentration is None else task.concentration
    return replace(prior, strength=prior.strength * found**-_CONCENTRATED)


def in_need_of_unit(task: Task) -> bool:
    """Whether `in_scene_unit` asks how concentrated the light is."""
    return task.counts and isinstance(task.image_prior, SparseGradients | TotalVariation)


def _finished(
    found: Iterator[Tensor], steps: int, prior: Finishing, sigma: float, spacing: tuple[float, ...]
) -> Iterator[Tensor]:
    """The scenes, the last one as the prior would have it shown."""
    for step, scene in enumerate(found, start=1):
        yield prior.finished(scene, sigma, spacing) if step == steps else scene


def refuse_chosen(image_prior: object, who: str) -> None:
    """Refuse an image prior that was chosen for a way to restore that has its own.

    Raises
    ------
    InputError
        Naming who cannot use the prior; nothing is said to the one that settings begin with, or to none.
    """
    if not isinstance(image_prior, NoPrior) and image_prior != SparseGradients():
        raise InputError(
            subject=who,
            value=f"cannot use `image_prior={getattr(image_prior, 'kind', image_prior)}`",
            allowed="because it has its own regularisation",
            remedy="choose `image_prior=none`, or `restorer=by-prior`",
        )


def splittable(image_prior: Splittable | Fitting) -> Splittable:
    """An image prior, once those that fit by themselves have been refused."""
    if isinstance(image_prior, Fitting):
        raise TypeError(f"image_prior {image_prior.kind!r} is not splittable")
    return image_prior
