"""What filters see of a scene, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import stencil

if TYPE_CHECKING:
    from torch import Tensor


def analysed(scene: Tensor, filters: list[Tensor]) -> Tensor:
    """D_j x, shape ``(filters, *scene)``."""
    out = scene.new_zeros((len(filters), *scene.shape))
    for coefficients, f in zip(out, filters, strict=True):
        stencil(scene, f, coefficients)
    return out


def synthesised(coefficients: Tensor, filters: list[Tensor]) -> Tensor:
    """Σ_j D_jᵀ v_j: the adjoint of `analysed`."""
    out = torch.zeros_like(coefficients[0])
    for values, f in zip(coefficients, filters, strict=True):
        stencil(values, f.flip(tuple(range(f.ndim))), out)
    return out
