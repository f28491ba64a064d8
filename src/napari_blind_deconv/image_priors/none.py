"""No image prior: maximum likelihood, stopped early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import component

if TYPE_CHECKING:
    from torch import Tensor


@component
class NoPrior:
    """No knowledge of the image: only the smallest regularisation that makes the deconvolution finite.

    The Wiener filter for a white scene; compare every other prior with it.
    """

    kind: Literal["none"] = "none"

    def filters(self, spacing: tuple[float, ...]) -> list[Tensor]:
        """The identity."""
        return [torch.ones([1] * len(spacing))]

    def denoise(self, coefficients: Tensor, level: float, spacing: tuple[float, ...]) -> Tensor:
        """The posterior mean under a white scene of unit variance."""
        return coefficients / (1 + level**2)

    def levels(self, steps: int, noise_sigma: float) -> list[float]:
        """One level is enough, since the problem is quadratic; further steps fill in the unknown border."""
        return [1.0] * steps
