"""p(x): what the scene may look like. One file per prior; the union is the only list of them."""

from typing import Annotated, Protocol, runtime_checkable

from pydantic import Discriminator
from torch import Tensor

from .diffusion import Diffusion
from .none import NoPrior
from .scored import Denoise, Scored
from .sparse_gradients import SparseGradients
from .total_variation import TotalVariation


@runtime_checkable
class Splittable(Protocol):
    """An image prior as half-quadratic splitting needs it: filters, and a denoiser of what they give.

    A penalty on gradients has difference filters and a shrinkage; a learned denoiser or an exact Gaussian score has
    the identity as its one filter and denoises the image itself.
    """

    def filters(self, spacing: tuple[float, ...]) -> list[Tensor]:
        """The analysis filters D_j as small kernels of odd shape; ``spacing`` is the pixel's relative size per axis."""
        ...

    def denoise(self, coefficients: Tensor, level: float) -> Tensor:
        """argmin_v φ(v) + ‖v - coefficients‖² / (2 level²); coefficients D_j x, shape ``(filters, ..., *canvas)``."""
        ...

    def levels(self, steps: int, noise_sigma: float) -> list[float]:
        """The splitting's levels from coarse to fine; the penalty weight of a step is 1 / level².

        ``noise_sigma`` is what a restored and blurred image may miss: a denoiser need not go much below it.
        """
        ...


ImagePrior = Annotated[Diffusion | SparseGradients | TotalVariation | NoPrior, Discriminator("kind")]

__all__ = [
    "Denoise",
    "Diffusion",
    "ImagePrior",
    "NoPrior",
    "Scored",
    "SparseGradients",
    "Splittable",
    "TotalVariation",
]
