"""The kernel with the image integrated out: the scheme that keeps it from collapsing to a delta (Levin et al. 2009)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Le

from napari_blind_deconv._types import component
from napari_blind_deconv.estimation.choice import choose
from napari_blind_deconv.estimation.free_form import free_form
from napari_blind_deconv.estimation.growing import FEW_FIGURES, FREE, on_wider_supports
from napari_blind_deconv.estimation.problem import Found, Problem
from napari_blind_deconv.kernel_priors import Auto, Fit, FittedByEvidence

if TYPE_CHECKING:
    from torch import Tensor


@component
class ByEvidence:
    """The PSF by itself, with the image integrated out; recommended.

    A parametric kernel is fitted by the evidence. A free-form one takes its shape from over-sharp images, coarse to
    fine, and its taps from expectation-maximisation.
    """

    kind: Literal["by-evidence"] = "by-evidence"
    starts: Annotated[int, Ge(1), Le(5)] = 5
    """How many times a free-form kernel is estimated, each from another first image; the results are averaged."""
    rounds: Annotated[int, Ge(1), Le(1000)] = 5
    """Kernel updates per level of the pyramid, for free-form kernels."""
    refinements: Annotated[int, Ge(1), Le(1000)] = 3
    """Rounds of expectation-maximisation at full size, for free-form kernels."""

    def refuse(self, kernel_prior: object, image_prior: object) -> None:
        """It works with every prior."""

    def kernels(self, problem: Problem) -> Iterator[Found]:
        """Better and better kernels; the last one is the answer."""
        if isinstance(problem.kernel_prior, Auto):
            chosen = choose(problem, problem.kernel_prior, self._free_form)
            yield from (Found(fit, step, choice) for step, (fit, choice) in enumerate(chosen, start=1))
            return
        few = isinstance(problem.kernel_prior, FittedByEvidence) and problem.ndim < 3
        yield from on_wider_supports(problem, self._of_family, FEW_FIGURES if few else FREE)

    def _of_family(self, problem: Problem) -> Iterator[Found]:
        """Kernels of one family, on one support."""
        if isinstance(problem.kernel_prior, FittedByEvidence):
            evidence = problem.evidence(problem.kernel_shape)
            fits = problem.kernel_prior.fit(evidence, problem.kernel_shape, problem.kernel_weight)
            for step, fit in enumerate(fits, start=1):
                yield Found(replace(fit, kernel=fit.kernel.to(problem.sample)), step)
            return
        yield from (Found(Fit(kernel), total) for kernel, total in self._free_form(problem))

    def _free_form(
        self, problem: Problem, enough: Callable[[Tensor], bool] | None = None
    ) -> Iterator[tuple[Tensor, int]]:
        return free_form(problem, starts=self.starts, rounds=self.rounds, refinements=self.refinements, enough=enough)
