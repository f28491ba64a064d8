"""How good a result is while it comes about, for those who watch: computed only when they ask."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from napari_blind_deconv.estimation import Problem
from napari_blind_deconv.kernel_priors.judgement import Judge
from napari_blind_deconv.pipeline.trusting import asked_window
from napari_blind_deconv.pipeline.two_phase import Estimate
from napari_blind_deconv.trust import standardised_residual

if TYPE_CHECKING:
    from torch import Tensor

# Of the descent on the image's spectrum, as in the check that ends the run.
_ITERATIONS = 16


@dataclass(frozen=True)
class Gauge:
    """Measures the steps of one channel as the checks at its end do.

    Attributes
    ----------
    problem
        What is being solved.
    taught
        What the kernel is estimated from.
    """

    problem: Problem
    taught: Problem

    def figures(self, found: Estimate) -> dict[str, float]:
        """``misfit`` of a restored image, or ``evidence_nats`` of a kernel for which there is no image yet.

        It takes a few Fourier transforms, draws no random numbers and changes nothing.
        """
        if found.image is not None:
            return {"misfit": self._misfit(found.image, found)}
        return {"evidence_nats": self._judge.gain(found.kernel.to(self.taught.sample))}

    def _misfit(self, image: Tensor, found: Estimate) -> float:
        data = self.problem.data(found.kernel)
        residual = standardised_residual(data if found.kernels is None else data.varied(found.kernels), image)
        known = residual[~residual.isnan()]
        return float(known.std()) if known.numel() > 1 else 0.0

    @cached_property
    def _judge(self) -> Judge:
        window = asked_window(self.taught, self.taught.kernel_shape)
        return Judge.of(
            window.of(self.taught.sample), self.taught.noise, spacing=self.taught.spacing, iterations=_ITERATIONS
        )
