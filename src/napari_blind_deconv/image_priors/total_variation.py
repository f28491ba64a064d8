"""Total variation: p(x) ∝ exp(-α Σ ‖∇x‖), the rotation-invariant Laplacian of gradients (Rudin et al. 1992)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Gt, Le

from napari_blind_deconv._types import component
from napari_blind_deconv.image_priors.differences import forward_differences
from napari_blind_deconv.image_priors.lengths import length_of, levels_for

if TYPE_CHECKING:
    from torch import Tensor

# α of the unit scene: the inverse of a photograph's mean gradient on the scale 0..1.
_ALPHA = 10.0


@component
class TotalVariation:
    """Piecewise smooth images: the length of the gradient is exponentially distributed."""

    kind: Literal["total-variation"] = "total-variation"
    strength: Annotated[float, Gt(0), Le(1e6)] = 1.0
    """Weight of the prior relative to its calibrated value; 1 trusts the noise level as it is."""

    @property
    def pointwise(self) -> bool:
        """The penalty of a place depends on its own gradient alone."""
        return True

    def filters(self, spacing: tuple[float, ...]) -> list[Tensor]:
        """First differences along every axis."""
        return forward_differences(spacing)

    def denoise(self, coefficients: Tensor, level: float, spacing: tuple[float, ...]) -> Tensor:
        """Shrink the length of the gradient by ``α level²``."""
        length = length_of(coefficients)
        shrunk = (length - self.strength * _ALPHA * level**2).clamp(min=0)
        return coefficients * (shrunk / length.clamp(min=1e-12))

    def levels(self, steps: int, noise_sigma: float) -> list[float]:
        """From a threshold of a quarter of the scene's intensity to one of a quarter of a thousandth."""
        return levels_for(self.strength * _ALPHA, steps)
