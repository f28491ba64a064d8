"""Free-form kernels by expectation-maximisation: the image's posterior covariance enters the kernel statistics.

With the mode of x alone the kernel shrinks towards a delta, because the mode is smoother than the scenes it stands for
and every frequency that the mode lacks argues for a narrower kernel. The expectation of the kernel statistics has a
second term, the posterior covariance, which takes exactly that argument away (Levin et al. 2011,
doi:10.1109/CVPR.2011.5995308):

    E[A] = autocorrelation of D x̂  +  N F⁻¹( |D̂|² σ² / (|K|² + σ² R) ),                                        (1)

x̂ the mode under the hyper-Laplacian prior and R the spectrum of the quadratic that touches that prior at x̂.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.estimation.pyramid import recentred
from napari_blind_deconv.estimation.scene_statistics import gradient_variance, scene_statistics
from napari_blind_deconv.forward import Blur, DataTerm, Frame
from napari_blind_deconv.fourier import extract, irfftn
from napari_blind_deconv.image_priors import SparseGradients
from napari_blind_deconv.image_priors.differences import forward_differences
from napari_blind_deconv.kernel_priors import Updatable
from napari_blind_deconv.restoration.filtered import analysed
from napari_blind_deconv.restoration.half_quadratic import restore, roughness
from napari_blind_deconv.statistics import KernelStatistics

if TYPE_CHECKING:
    from torch import Tensor

# The image that the kernel is learnt from: a dearer prior than for the image that is shown, 8 levels at first, then the
# last 5 of them from a warm start (decision 0007).
_PRIOR = SparseGradients(strength=2.5)
_FIRST_STEPS, _NEXT_STEPS = 8, 5
# Share of the model error that counts while the kernel is learnt.
MODEL_ERROR_SHARE = 0.6
# Camera noise that the residual has lost to the fitted image, in units of its variance.
_LOST_NOISE = 3.0


@dataclass(frozen=True)
class Explanation:
    """A kernel, with minus the log posterior per observed sample of the scene that it was learnt from."""

    kernel: Tensor
    energy: float


@dataclass(frozen=True)
class Mode:
    """x̂ on the canvas, x̂ blurred by the kernel that restored it, and what the prior's filters see."""

    scene: Tensor
    blurred: Tensor
    coefficients: Tensor


def refine(
    data: DataTerm,
    prior: Updatable,
    *,
    noise_sigma: float,
    prior_weight: float,
    spacing: tuple[float, ...],
    rounds: int,
) -> Iterator[Explanation]:
    """Yield kernel and energy after every round of expectation and maximisation.

    Parameters
    ----------
    data
        The observation ``(batch, *space)``, on a scale of about 0 to 1; its kernel is where to start, the shape found
        coarse to fine.
    prior, prior_weight
        p(k), and how many times it counts.
    noise_sigma
        Camera noise, on the scale of the observation.
    spacing
        The pixel's relative size per axis.
    rounds
        Number of rounds.
    """
    scene: Tensor | None = None
    for _ in range(rounds):
        mode = _mode(data, spacing, scene)
        statistics = expected_statistics(data, mode, noise_sigma, spacing)
        cost = energy(data, mode)
        kernel, scene = recentred(prior.update(statistics, data.blur.kernel, prior_weight), mode.scene)
        data = replace(data, blur=Blur(kernel, data.frame))
        yield Explanation(kernel, cost)


def expected_statistics(data: DataTerm, mode: Mode, camera: float, spacing: tuple[float, ...]) -> KernelStatistics:
    """Equation (1): kernel statistics of gradients in nats, expectation over the scene.

    Parameters
    ----------
    data
        y, the kernel that x̂ was restored with, and σ.
    mode
        x̂.
    camera
        The camera's part of σ.
    spacing
        The pixel's relative size per axis.
    """
    frame, observed = data.frame, data.observed
    filters = forward_differences(spacing)
    at_mode = scene_statistics(data, mode.scene, mode.blurred, spacing)
    missed = frame.crop(data.completed(mode.blurred) - mode.blurred)
    variance = missed.square().mean() + _LOST_NOISE * camera**2
    spread = variance / (data.blur.power + data.sigma**2 * _touching(mode, observed, frame, spacing))
    covariance = irfftn(mode.scene.numel() * roughness(filters, observed, frame) * spread + 0j, frame.canvas)
    widening = extract(covariance, at_mode.autocorrelation.shape) / gradient_variance(data.sigma, spacing)
    return KernelStatistics(at_mode.autocorrelation + widening, at_mode.correlation)


def energy(data: DataTerm, mode: Mode) -> float:
    """Minus the log posterior of the scene per observed sample: what a wrong kernel cannot make small."""
    frame = data.frame
    missed = frame.crop(data.completed(mode.blurred) - mode.blurred)
    misfit = missed.square().mean() / (2 * data.sigma**2)
    return float(misfit + frame.crop(_PRIOR.penalty(mode.coefficients)).mean())


def _mode(data: DataTerm, spacing: tuple[float, ...], start: Tensor | None) -> Mode:
    """x̂, from a warm start where there is one."""
    passed = 0 if start is None else _FIRST_STEPS - _NEXT_STEPS
    levels = _PRIOR.levels(_FIRST_STEPS, data.sigma)[passed:]
    *_, scene = restore(data, _PRIOR, spacing=spacing, levels=levels, start=start)
    return Mode(scene, data.blur.everywhere(scene), analysed(scene, _PRIOR.filters(spacing)))


def _touching(mode: Mode, observed: Tensor, frame: Frame, spacing: tuple[float, ...]) -> Tensor:
    """R: the spectrum of the quadratic that touches the prior at x̂."""
    filters = _PRIOR.filters(spacing)
    weights = _PRIOR.tangent_weights(mode.coefficients)
    terms = [w * roughness([f], observed, frame) for w, f in zip(weights, filters, strict=True)]
    return torch.stack(terms).sum(0)
