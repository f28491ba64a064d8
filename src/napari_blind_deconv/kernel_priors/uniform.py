"""Completely blind: every non-negative kernel of unit sum on the support is as likely as any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import component
from napari_blind_deconv.kernel_priors.simplex import minimise_on_simplex
from napari_blind_deconv.statistics import KernelStatistics

if TYPE_CHECKING:
    from torch import Tensor


@component
class Uniform:
    """Nothing is known but the largest size: every PSF is equally probable."""

    kind: Literal["uniform"] = "uniform"

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """A uniform draw from the simplex: normalised exponentials."""
        taps = torch.empty(shape).exponential_(generator=generator)
        return taps / taps.sum()

    def update(self, statistics: KernelStatistics, kernel: Tensor, weight: float) -> Tensor:
        """Least squares on the simplex; a flat prior has the same say at every weight: none."""
        return minimise_on_simplex(statistics, kernel)
