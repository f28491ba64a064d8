"""Completely blind: every non-negative kernel of unit sum on the support is as likely as any other."""

from typing import Annotated, Literal

import torch
from annotated_types import Ge
from torch import Tensor

from napari_blind_deconv._types import component
from napari_blind_deconv.kernel_priors.simplex import minimise_on_simplex
from napari_blind_deconv.statistics import KernelStatistics


@component
class Uniform:
    """The top of the ladder: maximum entropy, no structure."""

    kind: Literal["uniform"] = "uniform"
    ridge: Annotated[float, Ge(0)] = 1e-3
    """Weight of ‖k‖², relative to the energy of the filtered image: what keeps unseen frequencies from noise."""

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """A uniform draw from the simplex: normalised exponentials."""
        taps = torch.empty(shape).exponential_(generator=generator)
        return taps / taps.sum()

    def update(self, statistics: KernelStatistics, kernel: Tensor, weight: float) -> Tensor:
        """Least squares on the simplex."""
        energy = float(statistics.autocorrelation.max())
        return minimise_on_simplex(statistics, kernel, ridge=weight * self.ridge * energy)
