"""What follows from a power spectrum alone: draws, density, score and posterior mean of a stationary Gaussian field."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import irfftn, multiplicity, rfftn
from napari_blind_deconv.image_priors.scored import Denoise

if TYPE_CHECKING:
    from torch import Tensor


class Stationary(ABC):
    """p(x) = N(mean, F⁻¹ S F) on a periodic canvas of any number of axes; time is one more, with its own spacing.

    S(f) is the variance per pixel at the frequency f: white noise of unit variance has S = 1. Where the mean is not
    given, every scene has one of its own, all of them equally likely, and S(0) is infinite.
    """

    mean: float | None

    @abstractmethod
    def power(self, shape: Sequence[int], spacing: Sequence[float], like: Tensor) -> Tensor:
        """S on the half canvas of an `rfftn`; infinite at frequency zero where the mean is free."""

    def precision(self, shape: Sequence[int], spacing: Sequence[float], like: Tensor) -> Tensor:
        """1 / S on the half canvas."""
        return 1 / self.power(shape, spacing, like)

    def sample(self, shape: Sequence[int], spacing: Sequence[float], generator: torch.Generator) -> Tensor:
        """Draws x ~ p(x), ``shape``, the last ``len(spacing)`` axes spatial; of mean 0 where the mean is free."""
        white = torch.randn(tuple(shape), generator=generator, device=generator.device)
        space = shape[-len(spacing) :]
        power = self.power(space, spacing, white)
        power = torch.where(power.isinf(), 0, power)
        return irfftn(rfftn(white, len(space)) * power.sqrt(), space) + (self.mean or 0.0)

    def log_density(self, scene: Tensor, spacing: Sequence[float], sigma: float = 0.0) -> Tensor:
        """Log density of the scene under p_σ, that of scenes with white noise σ added; one per scene, in nats.

        Where the mean is free, of all but the mean.
        """
        space = scene.shape[-len(spacing) :]
        variance = self.power(space, spacing, scene) + sigma**2
        logs = torch.where(variance.isinf(), 0, (2 * math.pi * variance).log()) * multiplicity(space, scene)
        residual = self._centred(scene)
        axes = tuple(range(-len(space), 0))
        return -0.5 * ((residual * _filtered(residual, 1 / variance)).sum(axes) + logs.sum())

    def score(self, scene: Tensor, spacing: Sequence[float], sigma: float = 0.0) -> Tensor:
        """∇ log p_σ(x) = -F⁻¹[ F(x - mean) / (S + σ²) ]."""
        variance = self.power(scene.shape[-len(spacing) :], spacing, scene) + sigma**2
        return -_filtered(self._centred(scene), 1 / variance)

    def denoiser(self, spacing: Sequence[float]) -> Denoise:
        """The posterior mean (x + σ n, σ) → mean + F⁻¹[ S / (S + σ²) F(x + σ n - mean) ], for any σ > 0."""

        def posterior_mean(noisy: Tensor, sigma: float) -> Tensor:
            power = self.power(noisy.shape[-len(spacing) :], spacing, noisy)
            return _filtered(self._centred(noisy), 1 / (1 + sigma**2 / power)) + (self.mean or 0.0)

        return posterior_mean

    def _centred(self, scene: Tensor) -> Tensor:
        return scene - self.mean if self.mean else scene


def _filtered(values: Tensor, gain: Tensor) -> Tensor:
    return irfftn(rfftn(values, gain.ndim) * gain, values.shape[values.ndim - gain.ndim :])
