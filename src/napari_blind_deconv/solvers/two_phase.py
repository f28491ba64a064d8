"""Two phases: estimate the kernel with an image made for that purpose, freeze it, restore the image once."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from annotated_types import Ge, Le

from napari_blind_deconv._types import component
from napari_blind_deconv.evidence import Evidence
from napari_blind_deconv.kernel_priors import Fit, FittedByEvidence, Known, Parameter
from napari_blind_deconv.solvers.free_form import free_form
from napari_blind_deconv.solvers.half_quadratic import restore
from napari_blind_deconv.solvers.problem import Estimate, Problem

_RESTORATION_STEPS = 16


@component
class TwoPhase:
    """Kernel first, image afterwards: the scheme that keeps the kernel from collapsing to a delta (Levin et al. 2009).

    A known kernel skips the first phase. A parametric one is fitted by evidence. A free-form one takes its shape from
    over-sharp images, coarse to fine, and its taps from expectation-maximisation.
    """

    kind: Literal["two-phase"] = "two-phase"
    starts: Annotated[int, Ge(1), Le(5)] = 4
    """How many times a free-form kernel is estimated, each from another first image, to be averaged."""
    rounds: Annotated[int, Ge(1)] = 5
    """Kernel updates per level of the pyramid, for free-form kernels."""
    refinements: Annotated[int, Ge(1)] = 3
    """Rounds of expectation-maximisation at full size, for free-form kernels."""

    def solve(self, problem: Problem) -> Iterator[Estimate]:
        """Estimate the kernel, then restore; one yield per step of either phase."""
        restoration = problem.iterations or _RESTORATION_STEPS
        sigma = problem.misfit_sigma
        kernel, done = None, 0
        parameters: Mapping[str, Parameter] = {}
        for fit, total in self._kernels(problem):
            kernel, parameters, done = fit.kernel, fit.parameters, done + 1
            yield Estimate("estimating the kernel", done, total + restoration, kernel, parameters=parameters)
        if kernel is None:
            kernel = problem.kernel_prior.sample(problem.kernel_shape, problem.generator).to(problem.observed)
        frame = problem.frame
        scenes = restore(
            problem.observed,
            kernel,
            frame,
            problem.image_prior,
            noise_sigma=sigma,
            spacing=problem.spacing,
            levels=problem.image_prior.levels(restoration),
        )
        for step, scene in enumerate(scenes, start=1):
            image = frame.crop(scene)
            yield Estimate("restoring", done + step, done + restoration, kernel, image, parameters=parameters)

    def _kernels(self, problem: Problem) -> Iterator[tuple[Fit, int]]:
        """(fit, steps of this phase) for every step of the first phase."""
        if isinstance(problem.kernel_prior, Known):
            return
        if isinstance(problem.kernel_prior, FittedByEvidence):
            weight = problem.kernel_weight
            evidence = Evidence.of(problem.sample, problem.noise_sigma, spacing=problem.spacing)
            for step, fit in enumerate(problem.kernel_prior.fit(evidence, problem.kernel_shape, weight), start=1):
                yield fit, step
            return
        for kernel, total in free_form(problem, starts=self.starts, rounds=self.rounds, refinements=self.refinements):
            yield Fit(kernel), total
