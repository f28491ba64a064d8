"""Few taps: the kernel's mass lies on a small part of its support."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Gt, Le

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import component
from napari_blind_deconv.kernel_priors.simplex import minimise_on_simplex
from napari_blind_deconv.statistics import KernelStatistics

if TYPE_CHECKING:
    from torch import Tensor

# Intensity, relative to the brightest tap, below which a tap's cost falls no more; how often the cost is majorised.
_FAINT, _MAJORISATIONS = 0.1, 2


@component
class Sparse:
    """A few pixels hold the light, most are nearly zero: a Dirichlet distribution of concentration below one."""

    kind: Literal["sparse"] = "sparse"
    concentration: Annotated[float, Gt(0), Le(1000)] = 0.1
    """Dirichlet concentration per pixel; smaller is sparser, 1 is uniform."""
    sparsity: Annotated[float, Ge(0), Le(1e6)] = 50.0
    """Cost of a pixel of the PSF per e-fold of its intensity, in nats."""

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """A draw from the Dirichlet distribution: normalised gamma variates."""
        taps = torch._standard_gamma(torch.full(shape, self.concentration, dtype=torch.float64), generator=generator)
        taps = taps.clamp(min=torch.finfo(torch.float64).tiny)
        return (taps / taps.sum()).to(torch.get_default_dtype())

    def update(self, statistics: KernelStatistics, kernel: Tensor, weight: float) -> Tensor:
        """Least squares on the simplex with the concave Σ log(k + ε), majorised by its tangent at the last kernel.

        Reweighted ℓ1 (Candès, Wakin & Boyd 2008, doi:10.1007/s00041-008-9045-x): a tap that was small pays more.
        """
        epsilon = _FAINT * float(kernel.max())
        for _ in range(_MAJORISATIONS):
            slope = weight * self.sparsity / (kernel + epsilon)
            kernel = minimise_on_simplex(statistics, kernel, slope=slope)
        return kernel
