"""Restoration with a frozen kernel: by the way that suits the image prior."""

from collections.abc import Iterator

from torch import Tensor

from napari_blind_deconv._types import InputError
from napari_blind_deconv.image_priors import Finishing, Fitting, NoPrior, Paced, Quadratic, SparseGradients, Splittable
from napari_blind_deconv.solvers import half_quadratic, quadratic
from napari_blind_deconv.solvers.problem import Problem

_STEPS = 16


def restoration_steps(problem: Problem) -> int:
    """Steps that were asked for, or as many as the image prior needs."""
    if problem.iterations:
        return problem.iterations
    return problem.image_prior.own_steps if isinstance(problem.image_prior, Paced) else _STEPS


def scenes(problem: Problem, kernel: Tensor, steps: int) -> Iterator[Tensor]:
    """The scene on the canvas after every step, the best last; a prior that fits may need fewer than ``steps``."""
    prior, data, spacing = problem.image_prior, problem.data(kernel), problem.spacing
    if isinstance(prior, Fitting):
        return prior.restore(data, spacing=spacing, steps=steps, generator=problem.generator)
    if isinstance(prior, Quadratic):
        return quadratic.restore(data, prior, spacing=spacing, steps=steps)
    found = half_quadratic.restore(data, prior, spacing=spacing, levels=prior.levels(steps, data.sigma))
    return _finished(found, steps, prior, data.sigma, spacing) if isinstance(prior, Finishing) else found


def _finished(
    found: Iterator[Tensor], steps: int, prior: Finishing, sigma: float, spacing: tuple[float, ...]
) -> Iterator[Tensor]:
    """The scenes, the last one as the prior would have it shown."""
    for step, scene in enumerate(found, start=1):
        yield prior.finished(scene, sigma, spacing) if step == steps else scene


def refuse_fitting(image_prior: object, solver: str) -> None:
    """Refuse an image prior that only a solver with a restoration of its own can use.

    Raises
    ------
    InputError
        Naming the solver and the prior.
    """
    if isinstance(image_prior, Fitting):
        raise InputError(
            f"solver {solver!r} cannot use image_prior {image_prior.kind!r}; choose solver 'two-phase', or "
            "another image_prior"
        )


def refuse_chosen(image_prior: object, solver: str) -> None:
    """Refuse an image prior that was chosen for a solver whose only prior is to stop early.

    Raises
    ------
    InputError
        Naming the solver and the prior; nothing is said to the one that settings begin with, or to none.
    """
    if not isinstance(image_prior, NoPrior) and image_prior != SparseGradients():
        raise InputError(
            f"solver {solver!r} cannot use image_prior {getattr(image_prior, 'kind', image_prior)!r}: to stop early is "
            "its only prior; choose image_prior 'none', or solver 'two-phase'"
        )


def splittable(problem: Problem) -> Splittable:
    """The image prior of a problem whose solver has refused those that fit by themselves."""
    if isinstance(problem.image_prior, Fitting):
        raise TypeError(f"image_prior {problem.image_prior.kind!r} is not splittable")
    return problem.image_prior
