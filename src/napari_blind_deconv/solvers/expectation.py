"""Free-form kernels by expectation-maximisation: the image's posterior covariance enters the kernel statistics.

With the mode of x alone the kernel shrinks towards a delta, because the mode is smoother than the scenes it stands for
and every frequency that the mode lacks argues for a narrower kernel. The expectation of the kernel statistics has a
second term, the posterior covariance, which takes exactly that argument away (Levin et al. 2011,
doi:10.1109/CVPR.2011.5995308):

    E[A] = autocorrelation of D x̂  +  N F⁻¹( |D̂|² σ² / (|K|² + σ² R) ),                                        (1)

x̂ the mode under the hyper-Laplacian prior and R the spectrum of the quadratic that touches that prior at x̂.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from napari_blind_deconv.forward import Frame
from napari_blind_deconv.fourier import centroid, extract, irfftn, rfftn, shifted, transfer
from napari_blind_deconv.image_priors import SparseGradients
from napari_blind_deconv.image_priors.differences import second_differences
from napari_blind_deconv.kernel_priors import Updatable
from napari_blind_deconv.solvers.half_quadratic import analysed, restore, roughness
from napari_blind_deconv.statistics import KernelStatistics, kernel_statistics

# The image that the kernel is learnt from: 8 levels at first, 5 from a warm start.
_FIRST_STEPS, _NEXT_STEPS = 8, 5


def expected_statistics(
    observed: Tensor, scene: Tensor, kernel: Tensor, frame: Frame, spacing: tuple[float, ...], noise_sigma: float
) -> KernelStatistics:
    """Equation (1): kernel statistics of second differences, expectation over the scene.

    Parameters
    ----------
    observed
        y, shape ``(batch, *frame.shape)``.
    scene
        x̂ on the canvas.
    kernel
        The kernel that x̂ was restored with.
    frame, spacing
        As for the restoration.
    """
    ndim = frame.ndim
    blur = transfer(kernel, frame.canvas)
    blurred = irfftn(blur * rfftn(scene, ndim), frame.canvas)
    complete = frame.fill(observed, blurred)
    filters = second_differences(spacing)
    mode = kernel_statistics(analysed(scene, filters), analysed(complete, filters), kernel.shape)
    variance = (frame.crop(blurred) - observed).square().mean()
    prior = SparseGradients()
    touching = torch.stack(
        [
            prior.tangent_weight(c) * roughness([f], observed, frame)
            for f, c in zip(prior.filters(spacing), analysed(scene, prior.filters(spacing)), strict=True)
        ]
    ).sum(0)
    spread = variance / (blur.abs() ** 2 + noise_sigma**2 * touching)
    count = scene.numel()
    covariance = irfftn(count * roughness(filters, observed, frame) * spread + 0j, frame.canvas)
    lags = mode.autocorrelation.shape
    return KernelStatistics(mode.autocorrelation + extract(covariance, lags), mode.correlation)


def refine(
    observed: Tensor,
    kernel: Tensor,
    prior: Updatable,
    *,
    noise_sigma: float,
    prior_weight: float,
    spacing: tuple[float, ...],
    rounds: int,
) -> Iterator[Tensor]:
    """Yield the kernel after every round of expectation and maximisation."""
    frame = Frame.around(observed.shape[-kernel.ndim :], kernel.shape)
    axes = tuple(range(-frame.ndim, 0))
    scene: Tensor | None = None
    for _ in range(rounds):
        steps = _FIRST_STEPS if scene is None else _NEXT_STEPS
        image = restore(
            observed,
            kernel,
            frame,
            SparseGradients(),
            noise_sigma=noise_sigma,
            spacing=spacing,
            steps=steps,
            start=scene,
        )
        *_, scene = image
        statistics = expected_statistics(observed, scene, kernel, frame, spacing, noise_sigma)
        kernel = prior.update(statistics, kernel, prior_weight)
        step = [-round(c) for c in centroid(kernel)]
        kernel = shifted(kernel, step)
        kernel = kernel / kernel.sum()
        scene = torch.roll(scene, [-s for s in step], axes)
        yield kernel
