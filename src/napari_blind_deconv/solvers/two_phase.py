"""Two phases: estimate the kernel with an image made for that purpose, freeze it, restore the image once."""

from collections.abc import Iterator
from typing import Annotated, Literal

from annotated_types import Ge
from torch import Tensor

from napari_blind_deconv._types import component
from napari_blind_deconv.evidence import Evidence
from napari_blind_deconv.kernel_priors import FittedByEvidence, Known
from napari_blind_deconv.solvers.half_quadratic import restore
from napari_blind_deconv.solvers.problem import Estimate, Problem
from napari_blind_deconv.solvers.pyramid import coarse_to_fine

_RESTORATION_STEPS = 12


@component
class TwoPhase:
    """Kernel first, image afterwards: the scheme that keeps the kernel from collapsing to a delta (Levin et al. 2009).

    A known kernel skips the first phase; a parametric one is fitted by evidence; a free-form one goes coarse to fine.
    """

    kind: Literal["two-phase"] = "two-phase"
    rounds: Annotated[int, Ge(1)] = 5
    """Kernel updates per level of the pyramid."""

    def solve(self, problem: Problem) -> Iterator[Estimate]:
        """Estimate the kernel, then restore; one yield per step of either phase."""
        restoration = problem.iterations or _RESTORATION_STEPS
        kernel, done = None, 0
        for step, (kernel, total) in enumerate(self._kernels(problem), start=1):
            done = step
            yield Estimate("estimating the kernel", step, total + restoration, kernel)
        if kernel is None:
            kernel = problem.kernel_prior.sample(problem.kernel_shape, problem.generator).to(problem.observed)
        frame = problem.frame
        scenes = restore(
            problem.observed,
            kernel,
            frame,
            problem.image_prior,
            noise_sigma=problem.noise_sigma,
            spacing=problem.spacing,
            steps=restoration,
        )
        for step, scene in enumerate(scenes, start=1):
            yield Estimate("restoring", done + step, done + restoration, kernel, frame.crop(scene))

    def _kernels(self, problem: Problem) -> Iterator[tuple[Tensor, int]]:
        """(kernel, steps in all) for every step of the first phase."""
        if isinstance(problem.kernel_prior, Known):
            return
        if isinstance(problem.kernel_prior, FittedByEvidence):
            evidence = Evidence.of(problem.sample, problem.noise_sigma, spacing=problem.spacing)
            for step, kernel in enumerate(problem.kernel_prior.fit(evidence, problem.kernel_shape)):
                yield kernel, step + 1
            return
        yield from coarse_to_fine(
            problem.sample,
            problem.kernel_shape,
            problem.kernel_prior,
            prior_weight=problem.kernel_weight,
            spacing=problem.spacing,
            rounds=self.rounds,
        )
