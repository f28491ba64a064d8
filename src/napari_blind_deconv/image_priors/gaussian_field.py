"""The shift-equivariant Gaussian field: the one image prior whose every question has an answer in closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Gt, Le, Len

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import component
from napari_blind_deconv.image_priors import radial_spectrum
from napari_blind_deconv.image_priors.shells import Shells
from napari_blind_deconv.image_priors.stationary import Stationary

if TYPE_CHECKING:
    from torch import Tensor

# Levels of a splitting: of the unit scene, and relative to the noise.
_FIRST_LEVEL, _LAST_LEVEL = 0.1, 0.5
_DARKEST = 1e-9


@component
class GaussianField(Stationary):
    """Texture without edges: a stationary Gaussian field of some power spectrum S, p(x) = N(mean, F⁻¹ S F).

    S falls as a power of the radius of the frequency, or is given band by band. It is the variance per pixel: white
    noise of unit variance has S = 1. The field is periodic on its canvas, as all scenes are here. Where the mean is
    not given, every scene has its own mean, and all means are equally likely.

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
    def fitted(cls, images: Tensor, spacing: Sequence[float], bands: int = 20) -> GaussianField:
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

    @classmethod
    def bent(cls, images: Tensor, spacing: Sequence[float]) -> GaussianField:
        """The field of three figures, exponent, correlation length and contrast, that suits images best.

        Parameters
        ----------
        images, spacing
            As of `fitted`.

        Examples
        --------
        >>> truth = GaussianField(exponent=3.0, correlation_px=6.0, contrast=0.2, mean=0.5)
        >>> draws = truth.sample((20, 64, 64), (1.0, 1.0), torch.Generator().manual_seed(0))
        >>> found = GaussianField.bent(draws, (1.0, 1.0))
        >>> round(found.exponent), round(found.contrast, 1)
        (3, 0.2)
        """
        shells = Shells.of(images, spacing)
        found, level = shells.minimum(
            lambda figures: radial_spectrum.bent(shells.radius[:, None], figures[0], figures[1]),
            start=(cls.exponent, cls.correlation_px / 4),
            bounds=((0.0, 8.0), (0.2, shells.longest_px)),
        )
        shape = images.shape[-len(spacing) :]
        on_canvas = radial_spectrum.bent(radial_spectrum.radius(shape, spacing, shells.radius), *found)
        contrast = radial_spectrum.contrast_of(level * on_canvas, shape)
        return cls(exponent=found[0], correlation_px=found[1], contrast=contrast)

    def power(self, shape: Sequence[int], spacing: Sequence[float], like: Tensor) -> Tensor:
        """S on the half canvas of an `rfftn`; infinite at frequency zero where the mean is free."""
        radius = radial_spectrum.radius(shape, spacing, like)
        if self.spectrum is not None:
            power = radial_spectrum.at_radius(self.spectrum, radius)
        else:
            shape_of = radial_spectrum.bent(radius, self.exponent, self.correlation_px)
            power = radial_spectrum.scaled(shape_of, self.contrast, shape)
        power = power.clamp(min=_DARKEST)
        if self.mean is None:
            power[(0,) * power.ndim] = math.inf
        return power

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
