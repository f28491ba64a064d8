"""Draws from p(x | y) where the prior is a stationary Gaussian around a mean, the surround of the frame unknown.

    x ~ N(mean, F⁻¹ diag(v) F),  y = crop(k * x) + n,  n ~ N(0, σ² / w):

    draw = argmin ‖√w (crop(k * x) - y - n')‖² / σ² + Σ_f |x - mean - m'|² / v,                                 (1)

n' and m' drawn from noise and prior: perturb and optimise (Papandreou & Yuille 2010; Orieux et al. 2012,
doi:10.1109/LSP.2012.2189104), exact up to the solver of the linear system.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from napari_blind_deconv.forward import Frame
from napari_blind_deconv.fourier import irfftn, rfftn, transfer
from napari_blind_deconv.solvers.masked_normal_equations import solve

# Conjugate-gradient steps from the solution of a periodic scene (decision 0014).
_INNER_STEPS = 8


@dataclass(frozen=True)
class Likelihood:
    """p(y | x) of one observation: Gaussian, of one sigma or of a precision that differs from pixel to pixel.

    Attributes
    ----------
    observed
        y, shape ``(..., *frame.shape)``.
    kernel
        k, odd shape, unit sum.
    frame
        The frame on the scene's canvas.
    sigma
        σ, the noise where the precision is one.
    precision
        w, relative, shape of ``observed``, mean about one: photon counts are the less certain the brighter they are.
        ``None``: one everywhere.
    """

    observed: Tensor
    kernel: Tensor
    frame: Frame
    sigma: float
    precision: Tensor | None = None

    @cached_property
    def blur(self) -> Tensor:
        """Transfer function of the kernel on the canvas."""
        return transfer(self.kernel, self.frame.canvas)


def conditional_draws(
    likelihood: Likelihood, mean: Tensor, variance: Tensor, generator: torch.Generator, steps: int = _INNER_STEPS
) -> Tensor:
    """Equation (1), once for every scene in ``mean``.

    Parameters
    ----------
    likelihood
        The observation.
    mean
        Prior means on the canvas, shape ``(draws, ..., *canvas)``.
    variance
        v > 0, the variance of a coefficient over the number of samples: that of a white scene is its variance.
        Real, on the half canvas.
    generator
        The only source of randomness.
    steps
        Steps of the linear solver.
    """
    frame, blur, ndim = likelihood.frame, likelihood.blur, likelihood.frame.ndim
    root = torch.ones(()) if likelihood.precision is None else likelihood.precision.sqrt()
    root = root.to(mean)
    noise = likelihood.sigma * white(frame.crop(mean), generator)
    seen = frame.place(root * (root * likelihood.observed + noise))
    stiffness = likelihood.sigma**2 / variance
    deviation = rfftn(white(mean, generator), ndim) * variance.sqrt()
    right = blur.conj() * rfftn(seen, ndim) + stiffness * (rfftn(mean, ndim) + deviation)
    power = blur.abs() ** 2
    start = rfftn(mean, ndim)
    start = start + blur.conj() / (power + stiffness) * rfftn(_missing(likelihood, mean), ndim)
    return irfftn(solve(start, right, blur, frame, stiffness, steps, likelihood.precision), frame.canvas)


def white(like: Tensor, generator: torch.Generator) -> Tensor:
    """White noise of unit variance, drawn where the generator lives."""
    return torch.randn(like.shape, generator=generator, device=generator.device, dtype=like.dtype).to(like.device)


def _missing(likelihood: Likelihood, mean: Tensor) -> Tensor:
    """What the blurred means lack of the observation, inside the frame."""
    frame = likelihood.frame
    blurred = frame.crop(irfftn(likelihood.blur * rfftn(mean, frame.ndim), frame.canvas))
    return frame.place(likelihood.observed - blurred)
