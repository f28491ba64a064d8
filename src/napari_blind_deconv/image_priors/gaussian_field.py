"""The shift-equivariant Gaussian field: the one image prior whose every question has an answer in closed form."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Le, Len
from torch import Tensor

from napari_blind_deconv._types import component
from napari_blind_deconv.fourier import irfftn, multiplicity, rfftn
from napari_blind_deconv.image_priors import radial_spectrum
from napari_blind_deconv.image_priors.scored import Denoise

# Levels of a splitting: of the unit scene, and relative to the noise.
_FIRST_LEVEL, _LAST_LEVEL = 0.1, 0.5
_DARKEST = 1e-9


@component
class GaussianField:
    """Texture without edges: a stationary Gaussian field of some power spectrum S, p(x) = N(mean, F⁻¹ S F).

    S falls as a power of the radius of the frequency, or is given band by band. It is the variance per pixel: white
    noise of unit variance has S = 1. The field is periodic on its canvas, as all scenes are here. Where the mean is
    not given, every scene has one of its own, and all of them are equally likely.

    Examples
    --------
    >>> field = GaussianField(mean=0.5)
    >>> scene = field.sample((64, 64), (1.0, 1.0), torch.Generator().manual_seed(0))
    >>> noisy = scene + 0.1 * torch.randn(64, 64, generator=torch.Generator().manual_seed(1))
    >>> restored = field.denoiser((1.0, 1.0))(noisy, 0.1)
    >>> bool((restored - scene).norm() < 0.7 * (noisy - scene).norm())
    True
    """

    kind: Literal["gaussian-field"] = "gaussian-field"
    exponent: Annotated[float, Ge(0), Le(8)] = 2.5
    """Steepness of the power spectrum: S falls as the frequency to minus this. 0 is white, photographs lie near 2."""
    correlation_px: Annotated[float, Gt(0), Le(1e6)] = 64.0
    """Waves longer than 2π times this, in smallest pixels, are no stronger than this one."""
    contrast: Annotated[float, Gt(0), Le(1000)] = 0.25
    """Standard deviation of the scene, relative to the image's intensity range."""
    spectrum: Annotated[tuple[Annotated[float, Gt(0), Le(1e12)], ...], Len(2, 1000)] | None = None
    """Variances at log-spaced frequencies from 1/256 to 0.71 per smallest pixel, in place of the three above."""
    mean: Annotated[float, Ge(-1000), Le(1000)] | None = None
    """Mean of the scene, relative to the image's intensity range. None: any."""

    @classmethod
    def fitted(cls, images: Tensor, spacing: Sequence[float], bands: int = 20) -> "GaussianField":
        """The field whose spectrum suits images best: maximum likelihood in every radial band.

        Parameters
        ----------
        images
            Sharp images on a scale of about 0 to 1, ``(..., *space)``.
        spacing
            The pixel's size per axis, one entry per spatial axis; bands are shells in physical frequency.
        bands
            Number of variances.
        """
        return cls(spectrum=tuple(radial_spectrum.fit(images, spacing, bands).tolist()))

    def power(self, shape: Sequence[int], spacing: Sequence[float], like: Tensor) -> Tensor:
        """S on the half canvas of an `rfftn`; infinite at frequency zero where the mean is free."""
        radius = radial_spectrum.radius(shape, spacing, like)
        if self.spectrum is not None:
            power = radial_spectrum.at_radius(self.spectrum, radius)
        else:
            bend = 1 / (2 * math.pi * self.correlation_px)
            shape_of = (radius**2 + bend**2) ** (-self.exponent / 2)
            counts = multiplicity(shape, like)
            power = self.contrast**2 * counts.sum() / (shape_of * counts).sum() * shape_of
        power = power.clamp(min=_DARKEST)
        if self.mean is None:
            power[(0,) * power.ndim] = math.inf
        return power

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
        return -0.5 * ((residual * self._filtered(residual, 1 / variance)).sum(axes) + logs.sum())

    def score(self, scene: Tensor, spacing: Sequence[float], sigma: float = 0.0) -> Tensor:
        """∇ log p_σ(x) = -F⁻¹[ F(x - mean) / (S + σ²) ]."""
        variance = self.power(scene.shape[-len(spacing) :], spacing, scene) + sigma**2
        return -self._filtered(self._centred(scene), 1 / variance)

    def denoiser(self, spacing: Sequence[float]) -> Denoise:
        """The posterior mean (x + σ n, σ) → mean + F⁻¹[ S / (S + σ²) F(x + σ n - mean) ], for any σ > 0."""

        def posterior_mean(noisy: Tensor, sigma: float) -> Tensor:
            power = self.power(noisy.shape[-len(spacing) :], spacing, noisy)
            return self._filtered(self._centred(noisy), 1 / (1 + sigma**2 / power)) + (self.mean or 0.0)

        return posterior_mean

    def filters(self, spacing: tuple[float, ...]) -> list[Tensor]:
        """The identity."""
        return [torch.ones([1] * len(spacing))]

    def denoise(self, coefficients: Tensor, level: float, spacing: tuple[float, ...]) -> Tensor:
        """The posterior mean, which is the proximal map too."""
        return self.denoiser(spacing)(coefficients, level)

    def levels(self, steps: int, noise_sigma: float) -> list[float]:
        """Geometric, down to half of the noise. Splitting is the detour: a `Quadratic` prior is solved at once."""
        last = min(_LAST_LEVEL * noise_sigma, _FIRST_LEVEL)
        return [_FIRST_LEVEL * (last / _FIRST_LEVEL) ** ((i + 1) / steps) for i in range(steps)]

    def _centred(self, scene: Tensor) -> Tensor:
        return scene - self.mean if self.mean else scene

    def _filtered(self, values: Tensor, gain: Tensor) -> Tensor:
        return irfftn(rfftn(values, gain.ndim) * gain, values.shape[values.ndim - gain.ndim :])
