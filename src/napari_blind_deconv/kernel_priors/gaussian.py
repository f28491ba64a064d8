"""An anisotropic, rotated Gaussian of unknown covariance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Le

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import component
from napari_blind_deconv.evidence import Evidence, NaturalSpectrum
from napari_blind_deconv.kernel_priors.bars import figure_errors, tempered
from napari_blind_deconv.kernel_priors.descent import minimum
from napari_blind_deconv.kernel_priors.dispersion import information
from napari_blind_deconv.kernel_priors.figures import Figures
from napari_blind_deconv.kernel_priors.fit import Fit, Parameter, fitted
from napari_blind_deconv.statistics import KernelStatistics

if TYPE_CHECKING:
    from torch import Tensor

_ITERATIONS = 96
# By how much the curvature's bars are short, as the spectrum is fitted beside the kernel: measured (decision 43).
_SHORT = 1.15


@component
class Gaussian:
    """A Gaussian spot with one standard deviation per principal axis, in any orientation.

    Fitted by evidence together with the image's spectrum, which is held near a power law.
    """

    kind: Literal["gaussian"] = "gaussian"
    sigma_px: Annotated[float, Ge(0.01), Le(100)] = 1.5
    """Typical standard deviation along an axis, in pixels: the median of the prior."""
    sigma_spread: Annotated[float, Ge(0.01), Le(5)] = 0.7
    """Spread of the logarithm of the standard deviation around the typical one."""
    anisotropy: Annotated[float, Ge(0), Le(5)] = 0.3
    """Spread of the logarithms of the axes' standard deviations around their mean; 0 keeps the PSF round."""

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """A Gaussian with log-normal standard deviations along randomly rotated axes."""
        ndim = len(shape)
        common = self.sigma_spread * torch.randn(1, generator=generator)
        own = self.anisotropy * torch.randn(ndim, generator=generator)
        rotation = torch.linalg.qr(torch.randn(ndim, ndim, generator=generator)).Q
        deviations = self.sigma_px * (common + own).exp()
        return gaussian(rotation @ torch.diag(deviations**2) @ rotation.T, shape)

    def fit(self, evidence: Evidence, shape: tuple[int, ...], weight: float = 1.0) -> Iterator[Fit]:
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
        Fit
            The best kernel so far; the last one is the answer, with its standard deviations in pixels.
        """
        ndim, spectrum = len(shape), NaturalSpectrum.of(evidence)

        def kernel_of(factor: Tensor) -> Tensor:
            return self._kernel(factor, shape)

        steps = fitted(
            spectrum,
            kernel_of,
            [torch.zeros(ndim * (ndim + 1) // 2).to(evidence.periodogram)],
            cost=lambda factor: weight * self._cost(factor, ndim),
            iterations=_ITERATIONS,
        )
        found: tuple[Tensor, list[Tensor]] | None = None
        for _, (factor,), image in steps:
            found = factor, image
            yield Fit(kernel_of(factor))
        if found is not None:
            factor, image = found
            told = information(spectrum, kernel_of, factor, image)
            covariance = _SHORT**2 * tempered(told, weight * self._curvature(ndim))
            errors = figure_errors(lambda moved: self._deviations(moved, ndim), factor, covariance)
            yield Fit(kernel_of(factor), self._parameters(factor, ndim, errors.tolist()), freedom=len(factor))

    def figures(self, fit: Fit, shape: tuple[int, ...]) -> Figures:
        """The log-Cholesky factor of the covariance at a fit: its size may vary, or all of it."""
        ndim, start = len(shape), self._factor(fit.kernel)
        everything = torch.eye(len(start)).to(start)
        return Figures(
            start=start,
            directions=(everything[:ndim].sum(0, keepdim=True), everything) if ndim > 1 else (everything,),
            kernel_of=lambda factor: self._kernel(factor, shape),
            cost=lambda factor: self._cost(factor, ndim),
            described=lambda factor: self._parameters(factor, ndim),
        )

    def update(self, statistics: KernelStatistics, kernel: Tensor, weight: float) -> Tensor:
        """The covariance's M-step on kernel statistics, from the covariance of ``kernel``.

        The statistics are in nats; ``weight`` multiplies the prior's cost.
        """
        shape = tuple(kernel.shape)

        def energy(factor: Tensor) -> Tensor:
            return statistics.energy(self._kernel(factor, shape), kernel) + weight * self._cost(factor, len(shape))

        return self._kernel(minimum(energy, [self._factor(kernel)], _ITERATIONS)[0], shape)

    def _cost(self, factor: Tensor, ndim: int) -> Tensor:
        """-log p in nats: log-normal in size, and in the differences between the axes."""
        logarithms = factor[:ndim]
        size = 0.5 * (logarithms.mean() / self.sigma_spread) ** 2
        spread = (logarithms - logarithms.mean()).square().sum() + factor[ndim:].square().sum()
        return size + 0.5 * spread / max(self.anisotropy, 1e-3) ** 2

    def _curvature(self, ndim: int) -> Tensor:
        """Second derivatives of `_cost`."""
        count = ndim * (ndim + 1) // 2
        mean = torch.zeros(count, dtype=torch.float64)
        mean[:ndim] = 1 / ndim
        around = torch.eye(count, dtype=torch.float64)
        around[:ndim, :ndim] -= 1 / ndim
        return torch.outer(mean, mean) / self.sigma_spread**2 + around / max(self.anisotropy, 1e-3) ** 2

    def _deviations(self, factor: Tensor, ndim: int) -> Tensor:
        """Standard deviations along the principal axes in pixels, longest first."""
        lower = self._lower(factor, ndim)
        return torch.linalg.eigvalsh(lower @ lower.T).flip(0).clamp(min=0).sqrt()

    def _parameters(
        self, factor: Tensor, ndim: int, errors: Sequence[float | None] | None = None
    ) -> dict[str, Parameter]:
        """The deviations by name."""
        values = self._deviations(factor, ndim).tolist()
        pairs = zip(values, errors or [None] * ndim, strict=True)
        return {f"sigma_{i}_px": Parameter(value, error, "px") for i, (value, error) in enumerate(pairs, start=1)}

    def _kernel(self, factor: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Kernel of a log-Cholesky factor."""
        lower = self._lower(factor, len(shape))
        return gaussian(lower @ lower.T, shape)

    def _lower(self, factor: Tensor, ndim: int) -> Tensor:
        """Cholesky factor of the covariance, in pixels; see Pinheiro & Bates 1996, doi:10.1007/BF00140873.

        The first entries are the logarithms of the diagonal in units of ``sigma_px``, the others the rows below it, in
        units of the column's diagonal entry.
        """
        rows, columns = torch.tril_indices(ndim, ndim, -1)
        lower = torch.eye(ndim, dtype=factor.dtype, device=factor.device)
        if ndim > 1:
            lower = lower.index_put((rows.to(factor.device), columns.to(factor.device)), factor[ndim:])
        return self.sigma_px * lower * factor[:ndim].clamp(-6, 6).exp()

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
