"""An anisotropic, rotated Gaussian of unknown covariance."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor

from napari_blind_deconv._types import component
from napari_blind_deconv.evidence import Evidence
from napari_blind_deconv.kernel_priors.descent import descend, minimum
from napari_blind_deconv.statistics import KernelStatistics

# A Gaussian blur and a free radial spectrum explain each other: only a spectrum that is nearly a power law tells them
# apart. Prior of its bends (in log S, per squared step of 0.25 in log f) and of its steepness -d log S / d log f.
_ROUGHNESS = 0.3
_STEEPNESS, _STEEPNESS_SPREAD = 3.0, 1.0
# Prior of the texture's grain: log S varies with the direction n of the frequency by n'Gn, at every frequency alike,
# while a Gaussian's anisotropy grows with the frequency squared.
_GRAIN = 1.0
# A sharp image sampled at its own resolution is no power law up to the last frequency but blurred by this, in pixels:
# without it, a kernel would be asked to undo the sampling too.
_SAMPLING = 0.7
_ITERATIONS = 96


@component
class Gaussian:
    """One standard deviation per principal axis, and (in the last two or all axes) any orientation.

    Fitted by evidence together with the image's spectrum, which is held near a power law.
    """

    kind: Literal["gaussian"] = "gaussian"
    sigma_px: Annotated[float, Gt(0), Le(100)] = 1.5
    """Typical standard deviation along an axis, in pixels: the median of the prior."""
    sigma_spread: Annotated[float, Gt(0), Le(5)] = 0.7
    """Spread of the logarithm of the standard deviation around the typical one."""
    anisotropy: Annotated[float, Ge(0), Le(5)] = 0.3
    """Spread of the logarithms of the axes' standard deviations around their mean; 0 holds the kernel round."""

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """A Gaussian with log-normal standard deviations along randomly rotated axes."""
        ndim = len(shape)
        common = self.sigma_spread * torch.randn(1, generator=generator)
        own = self.anisotropy * torch.randn(ndim, generator=generator)
        rotation = torch.linalg.qr(torch.randn(ndim, ndim, generator=generator)).Q
        deviations = self.sigma_px * (common + own).exp()
        return gaussian(rotation @ torch.diag(deviations**2) @ rotation.T, shape)

    def fit(self, evidence: Evidence, shape: tuple[int, ...], weight: float = 1.0) -> Iterator[Tensor]:
        """Find the covariance by the evidence alone.

        Parameters
        ----------
        evidence
            The observation.
        shape
            Odd shape of the kernel, one axis per spatial axis.
        weight
            How many times the prior's cost counts.

        Yields
        ------
        Tensor
            The best kernel so far, unit sum; the last one is the answer.
        """
        ndim = len(shape)
        like = evidence.periodogram
        law = _PowerLaw.over(evidence)
        squared = torch.stack(torch.meshgrid(*evidence.axes, indexing="ij")).square().sum(0)
        sampling = torch.exp(-((2 * math.pi * _SAMPLING) ** 2) * squared)
        start = torch.zeros(ndim * (ndim + 1) // 2).to(like)
        with torch.no_grad():
            seen = evidence.profile(evidence.power(self._kernel(start, shape)), updates=20).log()

        def nats(factor: Tensor, departure: Tensor, line: Tensor, grain: Tensor) -> Tensor:
            power = evidence.power(self._kernel(factor, shape)) * evidence.texture(grain) * sampling
            data = evidence.nats(power, law.spectrum(departure, line)) * evidence.independent
            nuisance = 0.5 * departure.square().sum() + 0.5 * (grain / _GRAIN).square().sum()
            steepness = 0.5 * ((line[1] - _STEEPNESS) / _STEEPNESS_SPREAD) ** 2
            return data + nuisance + steepness + weight * self._cost(factor, ndim)

        arguments = [start, law.basis.new_zeros(law.basis.shape[1]), law.through(seen), torch.zeros_like(start)]
        for _, (factor, *_) in descend(nats, arguments, _ITERATIONS):
            yield self._kernel(factor, shape)

    def update(self, statistics: KernelStatistics, kernel: Tensor, weight: float) -> Tensor:
        """The covariance's M-step on kernel statistics, from the covariance of ``kernel``.

        ``weight`` multiplies the prior's cost, in 1e-4 of the energy of the filtered image per nat.
        """
        shape = tuple(kernel.shape)
        scale = float(statistics.autocorrelation.max()) * 1e-4

        def energy(factor: Tensor) -> Tensor:
            return statistics.energy(self._kernel(factor, shape)) / scale + weight * self._cost(factor, len(shape))

        return self._kernel(minimum(energy, [self._factor(kernel)], _ITERATIONS)[0], shape)

    def _cost(self, factor: Tensor, ndim: int) -> Tensor:
        """-log p in nats: log-normal in size, and in the differences between the axes."""
        logarithms = factor[:ndim]
        size = 0.5 * (logarithms.mean() / self.sigma_spread) ** 2
        spread = (logarithms - logarithms.mean()).square().sum() + factor[ndim:].square().sum()
        return size + 0.5 * spread / max(self.anisotropy, 1e-3) ** 2

    def _kernel(self, factor: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Kernel of a log-Cholesky factor in units of ``sigma_px``; see Pinheiro & Bates 1996, doi:10.1007/BF00140873.

        The first entries are the logarithms of the diagonal, the others the rows below it, in units of the column's
        diagonal entry.
        """
        ndim = len(shape)
        rows, columns = torch.tril_indices(ndim, ndim, -1)
        lower = torch.eye(ndim, dtype=factor.dtype, device=factor.device)
        if ndim > 1:
            lower = lower.index_put((rows.to(factor.device), columns.to(factor.device)), factor[ndim:])
        lower = self.sigma_px * lower * factor[:ndim].clamp(-6, 6).exp()
        return gaussian(lower @ lower.T, shape)

    def _factor(self, kernel: Tensor) -> Tensor:
        """Log-Cholesky factor of a kernel's covariance; the inverse of `_kernel` where the support is wide enough."""
        ndim = kernel.ndim
        axes = [torch.arange(n, dtype=kernel.dtype, device=kernel.device) - n // 2 for n in kernel.shape]
        grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).flatten(0, -2)
        mass = kernel.flatten()[:, None] / kernel.sum()
        away = grid - (mass * grid).sum(0)
        covariance = (away * mass).T @ away - torch.eye(ndim).to(kernel) / 12
        values, vectors = torch.linalg.eigh(covariance)
        lower = torch.linalg.cholesky(vectors @ torch.diag(values.clamp(min=0.01)) @ vectors.T) / self.sigma_px
        rows, columns = torch.tril_indices(ndim, ndim, -1)
        return torch.cat([lower.diagonal().log(), lower[rows, columns] / lower.diagonal()[columns]])


def gaussian(covariance: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A Gaussian kernel, widened by the pixel's own variance (1/12 along each axis), which stands for its integral.

    Parameters
    ----------
    covariance
        In squared pixels, positive semi-definite, ``(ndim, ndim)``.
    shape
        Odd shape of the kernel.

    Returns
    -------
    Tensor
        Unit sum, differentiable in ``covariance``.

    Examples
    --------
    >>> kernel = gaussian(torch.tensor([[4.0, 0.0], [0.0, 1.0]]), (15, 9))
    >>> bool(kernel[9, 4] > kernel[7, 6])
    True
    """
    pixel = torch.eye(len(shape), dtype=covariance.dtype, device=covariance.device) / 12
    axes = [torch.arange(n, dtype=covariance.dtype, device=covariance.device) - n // 2 for n in shape]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
    exponent = ((grid @ torch.linalg.inv(covariance + pixel)) * grid).sum(-1)
    values = torch.exp(-0.5 * exponent)
    return values / values.sum()


@dataclass(frozen=True)
class _PowerLaw:
    """log S at the evidence's nodes: a line over log frequency, plus bends of unit prior at the inner nodes."""

    basis: Tensor
    place: Tensor

    @classmethod
    def over(cls, evidence: Evidence) -> "_PowerLaw":
        step = math.log(evidence.highest / evidence.lowest) / (evidence.bands - 1)
        node = torch.arange(evidence.bands).to(evidence.periodogram)
        # The line is anchored where the image is strong but the window's own mean does not reach.
        anchor = evidence.bands // 3
        inner = node[1:-1]
        above = (node[:, None] - inner).clamp(min=0)
        below = (inner - node[:, None]).clamp(min=0)
        bends = torch.where(inner >= anchor, above, below)
        return cls(bends * (step / 0.25) ** 2 * _ROUGHNESS, (node - anchor) * step)

    def spectrum(self, departure: Tensor, line: Tensor) -> Tensor:
        """S for bends and (level, steepness)."""
        return (line[0] - line[1] * self.place + self.basis @ departure).clamp(-20, 60).exp()

    def through(self, seen: Tensor) -> Tensor:
        """(level, steepness) of the line of typical steepness through the lower half of a log spectrum."""
        half = slice(2, len(seen) // 2)
        level = (seen[half] + _STEEPNESS * self.place[half]).mean()
        return torch.stack([level, torch.full_like(level, _STEEPNESS)])
