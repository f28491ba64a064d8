"""Image and kernel by turns, both at their most probable: the scheme that everybody tries first, to be compared with.

    x ← argmax p(y | x, k) p(x),        k ← argmax p(y | x, k) p(k)^weight                                   (1)

The pair (x, k) that (1) climbs to is not the pair that made the picture: a blurred image with a kernel that does
nothing is more probable than both (Levin et al. 2009, doi:10.1109/CVPR.2009.5206815, section 2). `expectation` differs
in one term only, the posterior covariance of x.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Le

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.estimation.problem import Found, Problem
from napari_blind_deconv.estimation.pyramid import recentred
from napari_blind_deconv.estimation.scene_statistics import scene_statistics
from napari_blind_deconv.image_priors import Fitting
from napari_blind_deconv.kernel_priors import Auto, Fit
from napari_blind_deconv.kernel_priors.gaussian import gaussian
from napari_blind_deconv.restoration.by_prior import splittable
from napari_blind_deconv.restoration.half_quadratic import restore

if TYPE_CHECKING:
    from torch import Tensor

# Variance of the first kernel along every axis, in px²: nearly a delta, which a fit of few parameters could not leave.
_FIRST_VARIANCE = 0.25


@component
class Joint:
    """Image and PSF in turn, each the most probable given the other: for comparison only.

    The PSF tends to a point, more so with more weight of the image prior and less weight of the PSF prior.
    """

    kind: Literal["joint"] = "joint"
    rounds: Annotated[int, Ge(1), Le(1000)] = 8
    """How many times image and kernel are estimated, each given the other."""
    image_steps: Annotated[int, Ge(1), Le(1000)] = 3
    """Steps of the image's restoration per round."""

    def refuse(self, kernel_prior: object, image_prior: object) -> None:
        """Families cannot be ranked without evidence, and a prior that restores by itself has no turns."""
        if isinstance(kernel_prior, Auto):
            raise InputError(
                subject="estimator=joint",
                value="cannot rank families of PSFs, which `kernel_prior=auto` needs",
                remedy="choose a family, or `estimator=by-evidence`",
            )
        if isinstance(image_prior, Fitting):
            raise InputError(
                subject="estimator=joint",
                value=f"cannot use `image_prior={image_prior.kind}`",
                remedy="choose `estimator=by-evidence`, or another `image_prior`",
            )

    def kernels(self, problem: Problem) -> Iterator[Found]:
        """One kernel per round; the last one is the answer."""
        kernel = gaussian(_FIRST_VARIANCE * torch.eye(problem.ndim), problem.kernel_shape).to(problem.observed)
        scene: Tensor | None = None
        for _ in range(self.rounds):
            kernel, scene = self._round(problem, kernel, scene)
            yield Found(Fit(kernel), self.rounds)

    def _round(self, problem: Problem, kernel: Tensor, scene: Tensor | None) -> tuple[Tensor, Tensor]:
        """Equation (1), once: the image from the last one, then the kernel from the last one."""
        data, prior = problem.sample_data(kernel), splittable(problem.image_prior)
        levels = prior.levels(self.image_steps, data.sigma)
        *_, scene = restore(data, prior, spacing=problem.spacing, levels=levels, start=scene)
        statistics = scene_statistics(data, scene, data.blur.everywhere(scene), problem.spacing)
        return recentred(problem.kernel_prior.update(statistics, kernel, problem.kernel_weight), scene)
