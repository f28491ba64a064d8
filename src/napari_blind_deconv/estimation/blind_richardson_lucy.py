"""Blind Richardson-Lucy: turn and turn about, the classical baseline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Le

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import component
from napari_blind_deconv.estimation.problem import Found, Problem
from napari_blind_deconv.forward import Blur, Frame, adjoint_kernel
from napari_blind_deconv.fourier import centred
from napari_blind_deconv.kernel_priors import Fit
from napari_blind_deconv.restoration.photons import Photons

if TYPE_CHECKING:
    from torch import Tensor

# The smallest predicted light, relative to the brightest.
_DARK = 1e-6


@component
class BlindRichardsonLucy:
    """A few Richardson-Lucy steps on the kernel, a few on the image, repeated (Fish et al. 1995, JOSA A 12, 58).

    The PSF starts flat, and no PSF prior is used. It finds a maximum of the joint likelihood, so it tends to leave the
    blur in the image: a well-known baseline, not a recommendation.
    """

    kind: Literal["blind-richardson-lucy"] = "blind-richardson-lucy"
    rounds: Annotated[int, Ge(1), Le(10_000)] = 10
    """How many times kernel and image are improved."""
    kernel_steps: Annotated[int, Ge(1), Le(1000)] = 5
    """Multiplications of the kernel per round."""
    image_steps: Annotated[int, Ge(1), Le(1000)] = 5
    """Multiplications of the image per round."""

    def refuse(self, kernel_prior: object, image_prior: object) -> None:
        """Whatever is known of kernel and image, it does not ask."""

    def kernels(self, problem: Problem) -> Iterator[Found]:
        """One kernel per round; the last one is the answer."""
        observed, frame = problem.sample.clamp(min=0), _frame(problem)
        mask = None if problem.sample_weights is None else (problem.sample_weights > 0).to(observed)
        kernel = observed.new_ones(problem.kernel_shape)
        kernel = kernel / kernel.sum()
        # Rounds with a flat scene teach the kernel nothing, so the first scene is the observation itself.
        data = Photons(Blur(kernel, frame), observed, weights=mask)
        flat = data.flat()
        seen = torch.where(data.weight > 0, data.counts.clamp(min=_DARK), frame.crop(flat))
        scene = frame.fill(seen, flat)
        for _ in range(self.rounds):
            for _ in range(self.kernel_steps):
                data = Photons(Blur(kernel, frame), observed, weights=mask)
                kernel = kernel_step(data, scene)
            kernel = centred(kernel)
            data = Photons(Blur(kernel, frame), observed, weights=mask)
            for _ in range(self.image_steps):
                scene = scene * data.ratio(data.predict(scene)) / data.sensitivity
            yield Found(Fit(kernel), self.rounds)


def kernel_step(data: Photons, scene: Tensor) -> Tensor:
    """K ← k · Xᵀ(W y / Xk) / XᵀW1, unit sum: Richardson-Lucy with the roles exchanged."""
    frame, kernel = data.blur.frame, data.blur.kernel
    predicted = data.predict(scene)
    ratio = data.weight * data.counts / predicted.clamp(min=_DARK * float(predicted.max()))
    light = adjoint_kernel(data.weight.expand(ratio.shape), scene, frame, kernel.shape)
    updated = kernel * (adjoint_kernel(ratio, scene, frame, kernel.shape) / light).clamp(min=0)
    return updated / updated.sum()


def _frame(problem: Problem) -> Frame:
    return Frame.around(problem.sample.shape[-problem.ndim :], problem.kernel_shape)
