"""Two phases: estimate the kernel, freeze it, restore the image once. Any estimator may come before any restorer."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from napari_blind_deconv.estimation import Choice, Estimates, Found, Problem, Varied
from napari_blind_deconv.forward import KernelField
from napari_blind_deconv.kernel_priors import Fit, Known, Parameter
from napari_blind_deconv.restoration import ByData, Restored, Restores
from napari_blind_deconv.restoration.halo import radii

if TYPE_CHECKING:
    from torch import Tensor

Stage = Literal["estimating the kernel", "restoring"]


@dataclass(frozen=True)
class Estimate:
    """What is known after a step; tensors are never modified once yielded.

    Attributes
    ----------
    stage
        What is being done.
    step, total
        Steps done and steps in all.
    kernel
        The kernel so far.
    image
        The restored image so far, shape of ``Problem.observed``, or ``None``.
    message
        A detail for people.
    parameters
        Figures that a fit of few parameters found, by name.
    choice
        Why this rung, where it was to be chosen.
    maps
        What else is known of every pixel, by name, each of the shape and on the scale of ``Problem.observed``.
    varied
        How the kernel changes over the field, where that was asked for; ``kernel`` is the centre's.
    """

    stage: Stage
    step: int
    total: int
    kernel: Tensor
    image: Tensor | None = None
    message: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    choice: Choice | None = None
    maps: Mapping[str, Tensor] = field(default_factory=dict)
    varied: Varied | None = None

    @property
    def kernels(self) -> KernelField | None:
        """The kernel at every place, where it changes."""
        if self.varied is None or not self.varied.varies:
            return None
        return self.varied.field.like(self.kernel)

    @property
    def reach(self) -> tuple[int, ...]:
        """Along each axis, how far the kernel reaches that reaches furthest (`restoration.halo.radii`)."""
        if self.kernels is None:
            return radii(self.kernel.cpu())
        found = [radii(self.kernels.kernel_at(place).cpu()) for place in itertools.product(*self.kernels.nodes())]
        return tuple(max(along) for along in zip(*found, strict=True))


def two_phases(
    problem: Problem, estimator: Estimates, restorer: Restores, taught: Problem | None = None
) -> Iterator[Estimate]:
    """The kernel, unless it is known, then the image; one yield per step of either phase.

    Parameters
    ----------
    problem
        The observation.
    estimator, restorer
        The ways to find the kernel, and to restore the image.
    taught
        The part of the observation that teaches the kernel; ``None``: the sample of ``problem``.
    """
    last: Estimate | None = None
    for last in kernel_steps(problem, estimator, restorer, taught):
        if last.step:
            yield last
    if last is None:
        raise RuntimeError("the estimator ended without a kernel")
    yield from (found for found in restoring(problem, restorer, last) if found is not None)


def kernel_steps(
    problem: Problem, estimator: Estimates, restorer: Restores, taught: Problem | None = None
) -> Iterator[Estimate]:
    """The first phase, arguments as of `two_phases`; a kernel that is known is one estimate at step 0."""
    restoration = expected_steps(problem, restorer)
    found = known(problem)
    if found is not None:
        yield _estimated(found, 0, restoration)
        return
    for done, found in enumerate(estimator.kernels(taught or problem), start=1):
        yield _estimated(found, done, restoration)


def restoring(problem: Problem, restorer: Restores, last: Estimate) -> Iterator[Estimate | None]:
    """The second phase, with the kernel of the last step of the first; ``None`` after what gives no image yet."""
    task, done = problem.task(last.kernel).varied(last.kernels), last.step
    yield None
    if isinstance(restorer, ByData):
        restorer = yield from restorer.chosen(task)
    scenes = restorer.restore(task)
    yield None
    for counted_step in counted(scenes):
        if counted_step is None:
            yield None
            continue
        step, total, restored = counted_step
        yield replace(
            last,
            stage="restoring",
            step=done + step,
            total=done + total,
            image=task.data.frame.crop(restored.scene),
            message=restored.message,
            maps={name: task.data.frame.crop(values) for name, values in restored.maps.items()},
        )


def known(problem: Problem) -> Found | None:
    """The kernel, where it need not be estimated."""
    if not isinstance(problem.kernel_prior, Known):
        return None
    kernel = problem.kernel_prior.sample(problem.kernel_shape, problem.generator)
    return Found(Fit(kernel.to(problem.observed)), 0)


def expected_steps(problem: Problem, restorer: Restores) -> int:
    """Steps that the restoration will take, as far as that is known before there is a kernel."""
    return restorer.steps(problem.task(problem.observed.new_ones((1,) * problem.ndim)))


def counted(steps: Iterator[Restored]) -> Iterator[tuple[int, int, Restored] | None]:
    """(step, steps in all, scene), each held back until it is known whether it is the last one; ``None`` at first."""
    before: Restored | None = None
    step = 0
    for step, scene in enumerate(steps, start=1):
        yield None if before is None else (step - 1, max(before.total, step), before)
        before = scene
    if before is not None:
        yield step, step, before


def _estimated(found: Found, done: int, restoration: int) -> Estimate:
    return Estimate(
        stage="estimating the kernel",
        step=done,
        total=max(found.total, done) + restoration,
        kernel=found.fit.kernel,
        parameters=found.fit.parameters,
        choice=found.choice,
    )
