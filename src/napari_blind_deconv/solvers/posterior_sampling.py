"""Draws from p(x | y, k): their mean is the restored image, their spread says where not to trust it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal, get_args

import torch
from annotated_types import Ge, Le
from torch import Tensor

from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.forward import Blur, DataTerm, Frame
from napari_blind_deconv.fourier import centred
from napari_blind_deconv.image_priors import Denoise, ImagePrior, Scored
from napari_blind_deconv.kernel_priors import Fit, Known
from napari_blind_deconv.networks import noise_levels
from napari_blind_deconv.restoration.annealing import annealed
from napari_blind_deconv.solvers.problem import Choice, Estimate, Problem
from napari_blind_deconv.solvers.scene_statistics import scene_statistics
from napari_blind_deconv.solvers.two_phase import TwoPhase
from napari_blind_deconv.statistics import KernelStatistics

# Highest level (of a unit scene), lowest level (of the noise); decision 0014.
_FIRST, _LAST = 0.5, 0.5
# Samples of the canvas that are drawn at once.
_AT_ONCE = 1 << 22
# Darkest pixel that counts are believed to expect, as a share of the mean: its variance is not zero.
_DARKEST = 0.05


@component
class PosteriorSampling:
    """Kernel first, then many images that explain the observation: their mean, and how far they differ.

    The kernel is found as by two-phase. Where rounds are asked for, draws of the image then teach it
    (Monte-Carlo expectation-maximisation): their scatter is the posterior covariance that a single best image lacks,
    and that keeps the kernel from shrinking to a point (Levin et al. 2011, doi:10.1109/CVPR.2011.5995308).
    """

    kind: Literal["posterior-sampling"] = "posterior-sampling"
    samples: Annotated[int, Ge(2), Le(1000)] = 16
    """How many images are drawn; the uncertainty is known to one part in √(2 samples)."""
    levels: Annotated[int, Ge(2), Le(1000)] = 16
    """Noise levels from coarse to fine, two calls of the prior's denoiser each."""
    likelihood: Literal["gaussian", "poisson"] = "gaussian"
    """Noise of one sigma everywhere, or counted photons, whose variance follows the intensity."""
    rounds: Annotated[int, Ge(0), Le(100)] = 0
    """Rounds in which draws of the image improve the kernel; none for a known one."""
    draws_per_round: Annotated[int, Ge(1), Le(100)] = 2
    """How many images are drawn in such a round."""

    def refuse(self, kernel_prior: object, image_prior: object) -> None:
        """Without a posterior mean at every level, nothing can be drawn."""
        if not isinstance(image_prior, Scored):
            kind = getattr(image_prior, "kind", type(image_prior).__name__)
            *most, last = (
                f"`image_prior={cls.kind}`" for cls in get_args(get_args(ImagePrior)[0]) if issubclass(cls, Scored)
            )
            raise InputError(
                subject=f"solver={self.kind}",
                value=f"cannot draw samples with `image_prior={kind}`",
                allowed="as that prior has no draws at every noise level",
                remedy=f"choose {', '.join(most)} or {last}, or `solver=two-phase`",
            )

    def solve(self, problem: Problem) -> Iterator[Estimate]:
        """Estimate the kernel, let draws improve it, then draw; one yield per step."""
        self.refuse(problem.kernel_prior, problem.image_prior)
        denoise = _denoiser(problem)
        drawing = self.levels * _groups(problem, self.samples)
        teaching = 0 if isinstance(problem.kernel_prior, Known) else self.rounds * self.levels
        fit: Fit | None = None
        choice: Choice | None = None
        done = 0
        for fit, choice, total in TwoPhase().kernels(problem):
            done += 1
            yield _estimate(fit, choice, done, total + teaching + drawing)
        if fit is None:
            fit = Fit(problem.kernel_prior.sample(problem.kernel_shape, problem.generator).to(problem.observed))
        if teaching:
            for kernel in self._taught(problem, fit.kernel, denoise):
                done += 1
                fit = Fit(kernel, fit.parameters, fit.freedom)
                yield _estimate(fit, choice, done, done + teaching + drawing)
                teaching -= 1
        moments = _Moments()
        for scenes, last in self._draws(problem, fit.kernel, denoise, self.samples):
            done, drawing = done + 1, drawing - 1
            seen = problem.frame_for(fit.kernel.shape).crop(scenes)
            moments = moments.with_more(seen) if last else moments
            image = moments.mean if last else seen.mean(0)
            spread = {"uncertainty": moments.deviation} if last else {}
            yield Estimate(
                "restoring",
                done,
                done + drawing,
                fit.kernel,
                image,
                message=f"{moments.count} of {self.samples} images drawn",
                parameters=fit.parameters,
                choice=choice,
                maps=spread,
            )

    def _draws(self, problem: Problem, kernel: Tensor, denoise: Denoise, count: int) -> Iterator[tuple[Tensor, bool]]:
        """(scenes ``(draws, batch, *canvas)``, whether they are finished) after every level of every group."""
        frame = problem.frame_for(kernel.shape)
        sigma = problem.misfit_sigma
        levels = noise_levels(_FIRST, min(_LAST * sigma, _FIRST / 2), self.levels)
        data = self._data(problem, kernel, frame)
        start = frame.extend(problem.observed)
        groups = _groups(problem, count)
        for group in range(groups):
            several = count // groups + (group < count % groups)
            first = start.expand(several, *start.shape)
            scenes = annealed(data, denoise, first, levels, problem.spacing, problem.generator)
            for step, scene in enumerate(scenes, start=1):
                yield scene, step == len(levels)

    def _data(self, problem: Problem, kernel: Tensor, frame: Frame) -> DataTerm:
        """The data term; for counts weighed by σ² over the pixel's own variance, which follows the expected intensity.

        The noise sigma is that of the mean intensity (`forward.corner_sigma`); the model error is the same all over.
        """
        data = problem.data(kernel)
        if self.likelihood == "gaussian":
            return data
        expected = Blur(kernel, frame)(frame.extend(problem.observed))
        mean = expected.mean()
        if not float(mean) > 0:
            raise InputError(
                subject="solver.likelihood=poisson",
                value="needs counts",
                allowed=f"but the mean intensity above the background is {float(mean):g}",
                remedy="check `background`, or choose `solver.likelihood=gaussian`",
            )
        variance = problem.noise_sigma**2 * (expected / mean).clamp(min=_DARKEST) + problem.model_error**2
        weights = problem.misfit_sigma**2 / variance
        return replace(data, weights=weights if data.weights is None else weights * data.weights)

    def _taught(self, problem: Problem, kernel: Tensor, denoise: Denoise) -> Iterator[Tensor]:
        """The kernel after every level of every round; it changes with the last one."""
        for _ in range(self.rounds):
            for scenes, last in self._draws(problem, kernel, denoise, self.draws_per_round):
                if last:
                    statistics = drawn_statistics(problem.data(kernel), scenes, problem.spacing)
                    kernel = centred(problem.kernel_prior.update(statistics, kernel, problem.kernel_weight))
                yield kernel


def drawn_statistics(data: DataTerm, scenes: Tensor, spacing: tuple[float, ...]) -> KernelStatistics:
    """Kernel statistics of gradients, mean over draws of the scene: expectation by Monte Carlo.

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
    repeated = replace(data, observed=data.observed.expand(len(scenes), *data.observed.shape))
    return scene_statistics(repeated, scenes, data.blur.everywhere(scenes), spacing).scaled(1 / len(scenes))


@dataclass(frozen=True)
class _Moments:
    """Mean and standard deviation of draws that come in groups."""

    count: int = 0
    total: Tensor | float = 0.0
    squares: Tensor | float = 0.0

    def with_more(self, draws: Tensor) -> "_Moments":
        values = draws.double()
        return _Moments(self.count + len(draws), self.total + values.sum(0), self.squares + values.square().sum(0))

    @property
    def mean(self) -> Tensor:
        return torch.as_tensor(self.total / self.count).float()

    @property
    def deviation(self) -> Tensor:
        """Unbiased in the variance."""
        mean = torch.as_tensor(self.total / self.count)
        variance = (torch.as_tensor(self.squares) - self.count * mean**2) / (self.count - 1)
        return variance.clamp(min=0).sqrt().float()


def _groups(problem: Problem, count: int) -> int:
    """Into how many groups draws are divided, so that one fits into memory."""
    canvas = math.prod(problem.observed.shape[: -problem.ndim]) * math.prod(problem.frame.canvas)
    return min(count, math.ceil(count * canvas / _AT_ONCE))


def _estimate(fit: Fit, choice: Choice | None, done: int, total: int) -> Estimate:
    return Estimate("estimating the kernel", done, total, fit.kernel, parameters=fit.parameters, choice=choice)


def _denoiser(problem: Problem) -> Denoise:
    """The posterior mean at every level of a problem whose image prior has passed `PosteriorSampling.refuse`."""
    if not isinstance(problem.image_prior, Scored):
        raise TypeError(f"{type(problem.image_prior).__name__} has no denoiser")
    return problem.image_prior.denoiser(problem.spacing)
