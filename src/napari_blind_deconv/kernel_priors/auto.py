"""The rung is not known either: the ladder itself is the prior."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from napari_blind_deconv._types import component
from napari_blind_deconv.kernel_priors.defocus import Defocus
from napari_blind_deconv.kernel_priors.gaussian import Gaussian
from napari_blind_deconv.kernel_priors.motion import Motion
from napari_blind_deconv.kernel_priors.simplex import minimise_on_simplex
from napari_blind_deconv.kernel_priors.uniform import Uniform
from napari_blind_deconv.statistics import KernelStatistics


@component
class Auto:
    """Every rung is tried, and the evidence chooses, with a penalty on complexity.

    A blur must be better than none, and so in most parts of the image; otherwise the image is called sharp.
    """

    kind: Literal["auto"] = "auto"

    def rungs(self, ndim: int) -> Sequence[Any]:
        """The parametric rungs that are tried, fewest figures first; what none of them explains is free-form."""
        return [Defocus(), Gaussian(), Motion()]

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """A draw from a rung that is drawn first."""
        rungs = [*self.rungs(len(shape)), Uniform()]
        kernel: Tensor = rungs[int(torch.randint(len(rungs), (1,), generator=generator))].sample(shape, generator)
        return kernel

    def update(self, statistics: KernelStatistics, kernel: Tensor, weight: float) -> Tensor:
        """The freest rung's update: a mixture is as wide as its widest member, and the choice is made by evidence."""
        return minimise_on_simplex(statistics, kernel)
