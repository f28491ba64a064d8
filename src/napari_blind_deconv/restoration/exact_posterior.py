"""p(x | y, k) of a stationary Gaussian field on a periodic canvas, in closed form: one filter, one spectrum.

    x ~ N(μ, F⁻¹ S F),  y = k * x + n,  n ~ N(0, F⁻¹ N F)        →        x | y ~ N(m, F⁻¹ Σ F),

    Σ = N / (|K|² + N / S),        m = μ + F⁻¹[ K* / (|K|² + N / S) F(y - K(0) μ) ],                     (1)

    log p(y | k) = -½ Σ_f [ |F(y - K(0) μ)|² / (n V) + log 2πV ],        V = |K|² S + N.                 (2)

n is the number of pixels. The covariance does not depend on y, and is the same at every pixel. Cameras see no periodic
scene: `quadratic` and `gaussian_conditional` know the frame's unknown surround, and need a solver for it. This is what
they, and every method that draws or states an uncertainty, can be held against.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import scipy

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import irfftn, multiplicity, rfftn, transfer
from napari_blind_deconv.image_priors import Quadratic
from napari_blind_deconv.restoration.gaussian_conditional import white

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ExactPosterior:
    """N(m, F⁻¹ Σ F).

    Attributes
    ----------
    mean
        m, ``(..., *canvas)``.
    power
        Σ on the half canvas: the variance per pixel that is left at every frequency.
    log_evidence
        log p(y | k) in nats, one per scene; where the prior's mean is free, of all but the mean.
    """

    mean: Tensor
    power: Tensor
    log_evidence: Tensor

    @property
    def variance(self) -> float:
        """Of every pixel: the least mean square error that any estimate of the scene can have."""
        counts = multiplicity(self._canvas, self.power)
        return float((self.power * counts).sum() / math.prod(self._canvas))

    def covariance(self) -> Tensor:
        """Between a pixel and those at every distance from it, ``(*canvas)``, distance zero at the origin."""
        return irfftn(self.power + 0j, self._canvas)

    def interval(self, level: float = 0.9) -> tuple[Tensor, Tensor]:
        """Bounds between which every pixel lies with this probability."""
        reach = float(scipy.special.ndtri((1 + level) / 2)) * math.sqrt(self.variance)
        return self.mean - reach, self.mean + reach

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Draws, ``(count, *mean.shape)``."""
        noise = white(self.mean.new_empty(count, *self.mean.shape), generator)
        return self.mean + irfftn(rfftn(noise, self.power.ndim) * self.power.sqrt(), self._canvas)

    @property
    def _canvas(self) -> tuple[int, ...]:
        return tuple(self.mean.shape[self.mean.ndim - self.power.ndim :])


def exact_posterior(
    observed: Tensor, kernel: Tensor, prior: Quadratic, *, spacing: Sequence[float], noise: float | Tensor
) -> ExactPosterior:
    """Equations (1) and (2).

    Parameters
    ----------
    observed
        y on its canvas, which is taken for periodic along every axis, ``(..., *canvas)``.
    kernel
        k of odd shape, as many axes as the canvas; a movie's has one tap along time where it is the same in all frames.
    prior
        A Gaussian one: a field of any spectrum, of space or of space and time.
    spacing
        The pixel's size per axis.
    noise
        Standard deviation of white noise, or N on the half canvas.

    Examples
    --------
    >>> from napari_blind_deconv.image_priors import GaussianField
    >>> field, kernel = GaussianField(mean=0.5), torch.full((3, 3), 1 / 9)
    >>> scene = field.sample((32, 32), (1.0, 1.0), torch.Generator().manual_seed(0))
    >>> found = exact_posterior(scene, torch.ones(1, 1), field, spacing=(1.0, 1.0), noise=0.05)
    >>> found.variance < 0.05**2
    True
    """
    canvas = tuple(observed.shape[observed.ndim - kernel.ndim :])
    precision = prior.precision(canvas, tuple(spacing), observed)
    variance = torch.as_tensor(noise).to(observed).square() if isinstance(noise, float | int) else noise
    blur = transfer(kernel.to(observed), canvas)
    stiffness = blur.real.square() + blur.imag.square() + variance * precision
    mean = prior.mean or 0.0
    residual = rfftn(observed - mean * float(kernel.sum()), len(canvas))
    found = irfftn(residual * blur.conj() / stiffness, canvas) + mean
    # 1/V = Q / (|K|² + N Q), which is zero where anything goes.
    inverse = precision / stiffness
    counts = multiplicity(canvas, precision)
    logs = torch.where(inverse > 0, (2 * math.pi / inverse).log(), 0) * counts
    axes = tuple(range(-len(canvas), 0))
    misfit = ((residual.real.square() + residual.imag.square()) * inverse * counts).sum(axes) / math.prod(canvas)
    return ExactPosterior(found, variance / stiffness, -0.5 * (misfit + logs.sum()))
