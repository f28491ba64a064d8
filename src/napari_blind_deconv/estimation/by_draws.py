"""The kernel by evidence, then by images drawn from the posterior: expectation-maximisation by Monte Carlo.

The draws' scatter is the posterior covariance that a single best image lacks, and that keeps the kernel from shrinking
to a point (Levin et al. 2011, doi:10.1109/CVPR.2011.5995308).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Le

from napari_blind_deconv._types import component
from napari_blind_deconv.estimation.by_evidence import ByEvidence
from napari_blind_deconv.estimation.problem import Found, Problem
from napari_blind_deconv.estimation.scene_statistics import scene_statistics
from napari_blind_deconv.forward import DataTerm
from napari_blind_deconv.fourier import centred
from napari_blind_deconv.restoration.posterior_sampling import draws, refuse_unscored
from napari_blind_deconv.statistics import KernelStatistics

if TYPE_CHECKING:
    from torch import Tensor


@component
class ByDraws:
    """By evidence first; then sampled images improve the PSF, in rounds.

    It needs an image prior that can be sampled.
    """

    kind: Literal["by-draws"] = "by-draws"
    rounds: Annotated[int, Ge(1), Le(100)] = 2
    """Rounds in which sampled images improve the PSF."""
    draws: Annotated[int, Ge(1), Le(100)] = 2
    """Number of images sampled per round."""
    levels: Annotated[int, Ge(2), Le(1000)] = 16
    """Noise levels from coarse to fine, two calls of the prior's denoiser each."""

    def refuse(self, kernel_prior: object, image_prior: object) -> None:
        """Without a posterior mean at every level, nothing can be drawn."""
        refuse_unscored(image_prior, f"estimator={self.kind}", "estimator=by-evidence")

    def kernels(self, problem: Problem) -> Iterator[Found]:
        """Better and better kernels; the last one is the answer."""
        found: Found | None = None
        rounds = self.rounds * self.levels
        for found in ByEvidence().kernels(problem):
            yield replace(found, total=found.total + rounds)
        if found is None:
            raise RuntimeError("the evidence has found no kernel")
        total, kernel = found.total + rounds, found.fit.kernel
        for _ in range(self.rounds):
            for scenes, finished in draws(problem.task(kernel), self.levels, self.draws):
                if finished:
                    statistics = drawn_statistics(problem.data(kernel), scenes, problem.spacing)
                    kernel = centred(problem.kernel_prior.update(statistics, kernel, problem.kernel_weight))
                yield Found(replace(found.fit, kernel=kernel), total, found.choice)


def drawn_statistics(data: DataTerm, scenes: Tensor, spacing: tuple[float, ...]) -> KernelStatistics:
    """Kernel statistics of gradients in nats, mean over draws of the scene: expectation by Monte Carlo.

    Parameters
    ----------
    data
        y, and the kernel that the scenes were drawn with: its shape is the support's, and around the frame its
        prediction stands in for the observation.
    scenes
        Draws from p(x | y), shape ``(draws, batch, *canvas)``.
    spacing
        The pixel's relative size per axis.
    """
    weights = None if data.weights is None else data.weights.expand(len(scenes), *data.observed.shape)
    repeated = replace(data, observed=data.observed.expand(len(scenes), *data.observed.shape), weights=weights)
    return scene_statistics(repeated, scenes, data.blur.everywhere(scenes), spacing).scaled(1 / len(scenes))
