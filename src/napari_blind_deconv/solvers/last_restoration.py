"""The image, once, with a kernel that is frozen: how every solver that estimates a kernel first ends."""

from collections.abc import Iterator
from dataclasses import replace

from napari_blind_deconv.solvers.half_quadratic import restore
from napari_blind_deconv.solvers.problem import Estimate, Problem

_STEPS = 16


def last_steps(problem: Problem) -> int:
    """How many steps `last_restoration` takes."""
    return problem.iterations or _STEPS


def last_restoration(problem: Problem, found: Estimate) -> Iterator[Estimate]:
    """Restore the whole observation; yields ``found``, whose kernel is used, with better and better images."""
    if found.kernel is None:
        raise RuntimeError("there is no kernel to restore with")
    frame, sigma, steps = problem.frame_for(found.kernel.shape), problem.misfit_sigma, last_steps(problem)
    scenes = restore(
        problem.observed,
        found.kernel,
        frame,
        problem.image_prior,
        noise_sigma=sigma,
        spacing=problem.spacing,
        levels=problem.image_prior.levels(steps, sigma),
    )
    for step, scene in enumerate(scenes, start=1):
        done, total = found.step + step, found.step + steps
        yield replace(found, stage="restoring", step=done, total=total, image=frame.crop(scene))
