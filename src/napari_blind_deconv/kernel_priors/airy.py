"""The diffraction pattern of a circular aperture in focus."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Ge, Le

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.evidence import Evidence
from napari_blind_deconv.kernel_priors.figures import Figures
from napari_blind_deconv.kernel_priors.fit import Fit
from napari_blind_deconv.kernel_priors.radial import (
    log_normal,
    mirrored,
    radius_by_evidence,
    radius_by_statistics,
    radius_figures,
)
from napari_blind_deconv.statistics import KernelStatistics

if TYPE_CHECKING:
    from torch import Tensor

# First zero of the Bessel function J1, and Gauss-Legendre nodes per pixel and axis.
_FIRST_ZERO = 3.8317059702
_NODES = 6


@component
class Airy:
    """The Airy pattern of a round aperture in focus, .61 λ / NA to its first dark ring. For planes, not for volumes."""

    kind: Literal["airy"] = "airy"
    radius_px: Annotated[float, Ge(0.5), Le(200)] = 3.0
    """Typical radius of the first dark ring, in pixels: the median of the prior."""
    radius_spread: Annotated[float, Ge(0.01), Le(5)] = 0.7
    """Spread of the logarithm of the radius around the typical one."""

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """A pattern of log-normal radius."""
        return airy(self.radius_px * (self.radius_spread * torch.randn((), generator=generator)).exp(), shape)

    def fit(self, evidence: Evidence, shape: tuple[int, ...], weight: float = 1.0) -> Iterator[Fit]:
        """Find the radius by the evidence alone.

        Parameters
        ----------
        evidence
            The observation.
        shape
            Odd shape of the kernel, one or two axes.
        weight
            How many times the prior's cost counts.

        Yields
        ------
        Fit
            The best kernel so far; the last one is the answer, with its radius in pixels.
        """
        yield from radius_by_evidence(evidence, lambda r: airy(r, shape), lambda r: weight * self._cost(r), shape)

    def figures(self, fit: Fit, shape: tuple[int, ...]) -> Figures:
        """The radius at a fit."""
        return radius_figures(fit, lambda r: airy(r, shape), self._cost)

    def update(self, statistics: KernelStatistics, kernel: Tensor, weight: float) -> Tensor:
        """The radius's M-step on kernel statistics.

        The statistics are in nats; ``weight`` multiplies the prior's cost.
        """
        return radius_by_statistics(statistics, kernel, lambda r: airy(r, tuple(kernel.shape)), self._cost, weight)

    def _cost(self, radius: Tensor) -> Tensor:
        return log_normal(radius, self.radius_px, self.radius_spread)


def airy(radius: Tensor, shape: tuple[int, ...]) -> Tensor:
    """(2 J1(v) / v)², integrated over the pixel; v is 3.83 at ``radius`` (Born & Wolf, 8.5.2).

    Parameters
    ----------
    radius
        Of the first dark ring, in pixels, > 0, a scalar; below half a pixel the pattern is that of half a pixel.
    shape
        Odd shape of the kernel. One axis is taken for the middle row of a plane.

    Returns
    -------
    Tensor
        Unit sum, differentiable in ``radius``. What leaves the support is lost.

    Raises
    ------
    InputError
        For a volume.

    Examples
    --------
    >>> kernel = airy(torch.tensor(4.0), (13, 13))
    >>> bool(kernel[6, 10] < 0.01 * kernel[6, 6])
    True
    """
    if len(shape) > 2:
        raise InputError(
            subject="kernel_prior=airy",
            value=f"is a pattern in a plane, but the kernel has {len(shape)} axes",
            remedy="choose `kernel_prior=microscope` for a volume, or deconvolve plane by plane with `planes`",
        )
    nodes, weights = (torch.from_numpy(v).to(radius) for v in np.polynomial.legendre.leggauss(_NODES))
    places = [(torch.arange(n // 2 + 1).to(radius)[:, None] + nodes / 2).flatten() for n in (1, *shape)[-2:]]
    reach = _FIRST_ZERO / radius.clamp(min=0.5)
    values = _pattern(
        reach * (places[0][:, None] ** 2 + places[1] ** 2).sqrt(), float(reach.detach()) * math.hypot(*shape) / 2
    )
    quadrant = values.unflatten(0, (-1, _NODES)).unflatten(-1, (-1, _NODES))
    kernel = mirrored(torch.einsum("ipjq,p,q->ij", quadrant, weights, weights)).reshape(shape)
    return kernel / kernel.sum()


def _pattern(v: Tensor, largest: float) -> Tensor:
    """(2 J1(v) / v)² by the integral 2 J1(v) / v = 2/π ∫ cos(v cos τ) sin² τ dτ over 0 … π (DLMF 10.9.4).

    The midpoint rule converges geometrically once there are more nodes than ``largest`` v; half of them are mirrored.
    """
    count = math.ceil(largest / 2) + 12
    tau = ((torch.arange(count) + 0.5) * (math.pi / (2 * count))).to(v)
    out = torch.zeros_like(v)
    for angle in tau:
        out = out + torch.cos(v * torch.cos(angle)) * torch.sin(angle) ** 2
    return (out * (2 / count)) ** 2
