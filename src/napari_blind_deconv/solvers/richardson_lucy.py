"""Richardson-Lucy: the maximum of the Poisson likelihood, one multiplication at a time, with a known PSF."""

from collections.abc import Iterator
from typing import Literal

from torch import Tensor

from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.forward import Frame, adjoint_scene
from napari_blind_deconv.fourier import irfftn, rfftn, transfer
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.restoration.by_prior import refuse_chosen
from napari_blind_deconv.solvers.problem import Estimate, Problem

# Where less than this part of a scene pixel's light reaches the frame, the frame says nothing about it.
_SEEN = 1e-2
# The smallest predicted intensity, relative to the scale of about one that solvers work on.
_DARK = 1e-6
_ITERATIONS = 30


@component
class RichardsonLucy:
    """x ← x · Hᵀ(y / Hx) / Hᵀ1 (Richardson 1972, doi:10.1364/JOSA.62.000055; Lucy 1974, doi:10.1086/111605).

    Division by Hᵀ1, the part of each scene pixel's light that the frame sees, makes the border honest and keeps the
    flux (Bertero & Boccacci 2005, doi:10.1051/0004-6361:20052717). Stopped early: the iterations are the prior.
    """

    kind: Literal["richardson-lucy"] = "richardson-lucy"

    def refuse(self, kernel_prior: object, image_prior: object) -> None:
        """Without a PSF there is nothing to divide by; the only image prior is to stop early."""
        if not isinstance(kernel_prior, Known):
            raise InputError(
                subject="solver=richardson-lucy",
                value="needs a known PSF",
                remedy="choose `kernel_prior=known` with a PSF, or `solver=blind-richardson-lucy`",
            )
        refuse_chosen(image_prior, f"solver={self.kind}")

    def solve(self, problem: Problem) -> Iterator[Estimate]:
        """Restore with the known kernel; one yield per iteration."""
        self.refuse(problem.kernel_prior, problem.image_prior)
        kernel = problem.kernel_prior.sample(problem.kernel_shape, problem.generator).to(problem.observed)
        total = problem.iterations or _ITERATIONS
        frame = problem.frame
        observed = non_negative(problem.observed)
        scene = flat_scene(observed, frame)
        blur = transfer(kernel, frame.canvas)
        seen = light_seen(kernel, frame)
        for step in range(total):
            scene = scene * correction(scene, observed, blur, frame) / seen
            yield Estimate("restoring", step + 1, total, kernel, frame.crop(scene))


def non_negative(observed: Tensor) -> Tensor:
    """Counts below zero, left by a background subtracted, hold no light."""
    return observed.clamp(min=0)


def flat_scene(observed: Tensor, frame: Frame) -> Tensor:
    """The mean of every plane, everywhere: the start that prefers nothing."""
    axes = tuple(range(-frame.ndim, 0))
    mean = observed.mean(axes, keepdim=True).clamp(min=_DARK)
    return mean.expand(*observed.shape[: -frame.ndim], *frame.canvas).contiguous()


def light_seen(kernel: Tensor, frame: Frame) -> Tensor:
    """Hᵀ1: which part of a scene pixel's light falls into the frame."""
    return adjoint_scene(kernel.new_ones(frame.shape), kernel, frame).clamp(min=_SEEN)


def correction(scene: Tensor, observed: Tensor, blur: Tensor, frame: Frame) -> Tensor:
    """``Hᵀ(y / Hx)``, non-negative."""
    predicted = frame.crop(irfftn(rfftn(scene, frame.ndim) * blur, frame.canvas))
    # Rounding of the transform may leave a dark pixel at or below zero.
    ratio = observed / predicted.clamp(min=_DARK)
    return irfftn(rfftn(frame.place(ratio), frame.ndim) * blur.conj(), frame.canvas).clamp(min=0)
