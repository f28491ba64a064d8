"""Blind Richardson-Lucy: turn and turn about, the classical baseline."""

from collections.abc import Iterator
from typing import Annotated, Literal

from annotated_types import Ge
from torch import Tensor

from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.forward import Frame, adjoint_kernel, predict
from napari_blind_deconv.fourier import centred, transfer
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.restoration.by_prior import refuse_chosen
from napari_blind_deconv.solvers.problem import Estimate, Problem
from napari_blind_deconv.solvers.richardson_lucy import correction, flat_scene, light_seen, non_negative

_ITERATIONS = 10


@component
class BlindRichardsonLucy:
    """A few Richardson-Lucy steps on the kernel, a few on the image, repeated (Fish et al. 1995, JOSA A 12, 58).

    The kernel starts flat. A maximum of the joint likelihood, so it tends to leave the blur in the image: offered as
    the baseline that everybody knows, not as a recommendation.
    """

    kind: Literal["blind-richardson-lucy"] = "blind-richardson-lucy"
    kernel_steps: Annotated[int, Ge(1)] = 5
    """Multiplications of the kernel per round."""
    image_steps: Annotated[int, Ge(1)] = 5
    """Multiplications of the image per round."""

    def refuse(self, kernel_prior: object, image_prior: object) -> None:
        """A known PSF leaves nothing to estimate; the only image prior is to stop early."""
        if isinstance(kernel_prior, Known):
            raise InputError(
                subject="solver=blind-richardson-lucy",
                value="estimates the PSF",
                allowed="but `kernel_prior=known` leaves none to estimate",
                remedy="choose `solver=richardson-lucy` or `solver=two-phase`",
            )
        refuse_chosen(image_prior, f"solver={self.kind}")

    def solve(self, problem: Problem) -> Iterator[Estimate]:
        """Estimate kernel and image together; one yield per round."""
        self.refuse(problem.kernel_prior, problem.image_prior)
        total = problem.iterations or _ITERATIONS
        frame = problem.frame
        observed = non_negative(problem.observed)
        scene = flat_scene(observed, frame)
        # Rounds with a flat scene teach the kernel nothing, so the first scene is the observation itself.
        scene = frame.fill(observed.clamp(min=1e-6), scene)
        kernel = observed.new_ones(problem.kernel_shape)
        kernel = kernel / kernel.sum()
        for step in range(total):
            for _ in range(self.kernel_steps):
                kernel = kernel_step(kernel, scene, observed, frame)
            kernel = centred(kernel)
            blur, seen = transfer(kernel, frame.canvas), light_seen(kernel, frame)
            for _ in range(self.image_steps):
                scene = scene * correction(scene, observed, blur, frame) / seen
            yield Estimate("restoring", step + 1, total, kernel, frame.crop(scene))


def kernel_step(kernel: Tensor, scene: Tensor, observed: Tensor, frame: Frame) -> Tensor:
    """K ← k · Xᵀ(y / Xk) / Xᵀ1, unit sum: Richardson-Lucy with the roles exchanged."""
    predicted = predict(scene, kernel, frame)
    ratio = observed / predicted.clamp(min=1e-6 * float(predicted.max()))
    light = adjoint_kernel(observed.new_ones(observed.shape), scene, frame, kernel.shape)
    gain = adjoint_kernel(ratio, scene, frame, kernel.shape) / light
    updated = kernel * gain.clamp(min=0)
    return updated / updated.sum()
