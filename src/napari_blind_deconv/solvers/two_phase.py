"""Two phases: estimate the kernel with an image made for that purpose, freeze it, restore the image once."""

from collections.abc import Iterator
from typing import Annotated, Literal

from annotated_types import Ge, Le
from torch import Tensor

from napari_blind_deconv._types import component
from napari_blind_deconv.evidence import Evidence
from napari_blind_deconv.kernel_priors import Auto, Fit, FittedByEvidence, Known
from napari_blind_deconv.solvers.choice import choose
from napari_blind_deconv.solvers.free_form import free_form
from napari_blind_deconv.solvers.last_restoration import expected_steps, last_restoration
from napari_blind_deconv.solvers.problem import Choice, Estimate, Problem


@component
class TwoPhase:
    """Kernel first, image afterwards: the scheme that keeps the kernel from collapsing to a delta (Levin et al. 2009).

    A known kernel skips the first phase. A parametric one is fitted by evidence. A free-form one takes its shape from
    over-sharp images, coarse to fine, and its taps from expectation-maximisation.
    """

    kind: Literal["two-phase"] = "two-phase"
    starts: Annotated[int, Ge(1), Le(5)] = 4
    """How many times a free-form kernel is estimated, each from another first image, to be averaged."""
    rounds: Annotated[int, Ge(1), Le(1000)] = 5
    """Kernel updates per level of the pyramid, for free-form kernels."""
    refinements: Annotated[int, Ge(1), Le(1000)] = 3
    """Rounds of expectation-maximisation at full size, for free-form kernels."""

    def solve(self, problem: Problem) -> Iterator[Estimate]:
        """Estimate the kernel, then restore; one yield per step of either phase."""
        restoration = expected_steps(problem)
        found: Estimate | None = None
        for done, (fit, choice, total) in enumerate(self.kernels(problem), start=1):
            found = Estimate(
                "estimating the kernel", done, total + restoration, fit.kernel, parameters=fit.parameters, choice=choice
            )
            yield found
        if found is None:
            known = problem.kernel_prior.sample(problem.kernel_shape, problem.generator).to(problem.observed)
            found = Estimate("estimating the kernel", 0, restoration, known)
        yield from last_restoration(problem, found)

    def kernels(self, problem: Problem) -> Iterator[tuple[Fit, Choice | None, int]]:
        """(fit, why this rung, steps of this phase) for every step of the first phase."""
        if isinstance(problem.kernel_prior, Known):
            return
        if isinstance(problem.kernel_prior, Auto):
            chosen = choose(problem, problem.kernel_prior, self._free_form)
            yield from ((fit, choice, step) for step, (fit, choice) in enumerate(chosen, start=1))
            return
        if isinstance(problem.kernel_prior, FittedByEvidence):
            weight = problem.kernel_weight
            evidence = Evidence.of(problem.sample, problem.noise, spacing=problem.spacing)
            for step, fit in enumerate(problem.kernel_prior.fit(evidence, problem.kernel_shape, weight), start=1):
                yield fit, None, step
            return
        yield from ((Fit(kernel), None, total) for kernel, total in self._free_form(problem))

    def _free_form(self, problem: Problem) -> Iterator[tuple[Tensor, int]]:
        return free_form(problem, starts=self.starts, rounds=self.rounds, refinements=self.refinements)
