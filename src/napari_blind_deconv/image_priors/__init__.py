"""p(x): what the scene may look like. One file per prior; the union is the only list of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Protocol, runtime_checkable

from pydantic import Discriminator

from napari_blind_deconv.forward import DataTerm

from .deep_image import DeepImage
from .diffusion import Diffusion
from .free_field import FreeField
from .gaussian_field import GaussianField
from .movie_field import MovieField, Relaxation
from .none import NoPrior
from .patch_mixture import PatchMixture
from .scored import Denoise, Scored
from .sparse_gradients import SparseGradients
from .stationary import Stationary
from .total_variation import TotalVariation

if TYPE_CHECKING:
    from torch import Generator, Tensor


@runtime_checkable
class Splittable(Protocol):
    """An image prior as half-quadratic splitting needs it: filters, and a denoiser of what they give.

    A penalty on gradients has difference filters and a shrinkage; a learned denoiser or an exact Gaussian score has
    the identity as its one filter and denoises the image itself.
    """

    def filters(self, spacing: tuple[float, ...]) -> list[Tensor]:
        """The analysis filters D_j as small kernels of odd shape; ``spacing`` is the pixel's relative size per axis."""
        ...

    def denoise(self, coefficients: Tensor, level: float, spacing: tuple[float, ...]) -> Tensor:
        """argmin_v φ(v) + ‖v - coefficients‖² / (2 level²); coefficients D_j x, shape ``(filters, ..., *canvas)``.

        ``spacing`` is the pixel's relative size per axis, as for the filters.
        """
        ...

    def levels(self, steps: int, noise_sigma: float) -> list[float]:
        """The splitting's levels from coarse to fine; the penalty weight of a step is 1 / level².

        ``noise_sigma`` is what a restored and blurred image may miss: a denoiser need not go much below it.
        """
        ...


@runtime_checkable
class Pointwise(Protocol):
    """An image prior whose denoiser looks at one place at a time, and whose filters reach one pixel."""

    @property
    def pointwise(self) -> bool:
        """Being there is what counts."""
        ...


@runtime_checkable
class Quadratic(Protocol):
    """A Gaussian image prior, -log p(x) = ½ (x - mean)ᵀ F⁻¹ Q F (x - mean): restored in one least-squares problem."""

    @property
    def mean(self) -> float | None:
        """The scene's mean; ``None`` where it is free."""
        ...

    def precision(self, shape: tuple[int, ...], spacing: tuple[float, ...], like: Tensor) -> Tensor:
        """Q on the half canvas of an `rfftn`: inverse variances per pixel, zero where anything goes."""
        ...


@runtime_checkable
class Paced(Protocol):
    """An image prior that needs other numbers of steps than most."""

    @property
    def own_steps(self) -> int:
        """Steps of the restoration, where none are asked for."""
        ...


@runtime_checkable
class Finishing(Protocol):
    """An image prior that has the last word on a restored scene."""

    def finished(self, scene: Tensor, noise_sigma: float, spacing: tuple[float, ...]) -> Tensor:
        """The scene ``(..., *canvas)`` as it is shown; ``noise_sigma`` is what it may miss once blurred."""
        ...


@runtime_checkable
class Turning(Protocol):
    """An image prior that looks at the scene from another side in every step, so that its errors do not add up."""

    def at_step(self, step: int) -> Splittable:
        """The prior as it is in a step, counted from 0."""
        ...


@runtime_checkable
class Fitting(Protocol):
    """An image prior that is a way to restore: it fits the observation through the kernel itself."""

    @property
    def kind(self) -> str:
        """Its name."""
        ...

    def restore(
        self,
        data: DataTerm,
        *,
        spacing: tuple[float, ...],
        steps: int,
        generator: Generator,
    ) -> Iterator[Tensor]:
        """Scenes on the canvas, the best last, at most ``steps`` of them; arguments as of half-quadratic splitting."""
        ...


ImagePrior = Annotated[
    SparseGradients | Diffusion | TotalVariation | PatchMixture | GaussianField | DeepImage | NoPrior,
    Discriminator("kind"),
]

__all__ = [
    "DeepImage",
    "Denoise",
    "Diffusion",
    "Finishing",
    "Fitting",
    "FreeField",
    "GaussianField",
    "ImagePrior",
    "MovieField",
    "NoPrior",
    "Paced",
    "PatchMixture",
    "Pointwise",
    "Quadratic",
    "Relaxation",
    "Scored",
    "SparseGradients",
    "Splittable",
    "Stationary",
    "TotalVariation",
    "Turning",
]
