"""Sparse gradients: natural images have few strong edges and much that is nearly flat.

Two forms of one prior: the hyper-Laplacian p(x) ∝ exp(-α Σ |D_j x|^p), p < 1, to restore (Krishnan & Fergus 2009), and
the count of non-zero gradients ‖∇x‖₀, over-sharp on purpose, to estimate kernels (Xu, Zheng & Jia 2013,
doi:10.1109/CVPR.2013.147).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Gt, Le

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import component
from napari_blind_deconv.image_priors.differences import forward_differences, second_differences
from napari_blind_deconv.image_priors.lengths import length_of, levels_for, shrunk

if TYPE_CHECKING:
    from torch import Tensor

# Weight of the unit scene (intensities on a scale of about 0..1); decision 0007.
_ALPHA = 2.5
# Second differences relative to first ones.
_CURVATURE = 0.4


@component
class SparseGradients:
    """Smooth areas between few, sharp edges: the hyper-Laplacian of natural images.

    The penalty is on the length of the gradient and on that of the second derivatives, so that no direction is
    preferred: p(x) ∝ exp(-α Σ ‖∇x‖^p + ‖0.4 ∇²x‖^p).
    """

    kind: Literal["sparse-gradients"] = "sparse-gradients"
    strength: Annotated[float, Gt(0), Le(1e12)] = 1.0
    """Weight of the prior relative to its calibrated value; 1 trusts the noise level as it is."""
    exponent: Annotated[float, Gt(0), Le(1)] = 0.8
    """p of the hyper-Laplacian; photographs lie between 0.5 and 0.8."""
    time_weight: Annotated[float, Ge(0), Le(10)] = 0.0
    """How firmly frames of a movie are tied to those before and after them where nothing is seen to change; 0 restores
    each frame alone, 1 trusts the noise level as it is."""

    @property
    def pointwise(self) -> bool:
        """The penalty of a place depends on its own gradient and curvature alone."""
        return True

    def filters(self, spacing: tuple[float, ...]) -> list[Tensor]:
        """First differences along every axis, then second ones, weaker (Levin et al. 2007, SIGGRAPH)."""
        return forward_differences(spacing) + [_CURVATURE * f for f in second_differences(spacing)]

    def denoise(self, coefficients: Tensor, level: float, spacing: tuple[float, ...]) -> Tensor:
        """The proximal map of ``α ‖v‖^p`` at ``level²``, for gradients and curvatures each."""
        weight = self.strength * _ALPHA * level**2
        out = torch.empty_like(coefficients)
        for group, into in zip(*map(gradients_and_curvatures, (coefficients, out)), strict=True):
            self._shrink(group, weight, into)
        return out

    def penalty(self, coefficients: Tensor) -> Tensor:
        """φ per position: ``α Σ ‖v‖^p``, shape of the scene."""
        lengths = [length_of(group)[0] for group in gradients_and_curvatures(coefficients)]
        return self.strength * _ALPHA * sum((n.pow(self.exponent) for n in lengths), torch.zeros_like(lengths[0]))

    def tangent_weights(self, coefficients: Tensor) -> Tensor:
        """Mean of φ'(v) / v per filter: the quadratic that touches the penalty, smoothed below one per cent."""
        weights = []
        for group in gradients_and_curvatures(coefficients):
            mean = (group.square().sum(0) + 1e-4).pow(self.exponent / 2 - 1).mean()
            weights += [self.strength * _ALPHA * self.exponent * mean] * len(group)
        return torch.stack(weights)

    def levels(self, steps: int, noise_sigma: float) -> list[float]:
        """From a shrinkage of a quarter of the scene's intensity to one of a quarter of a thousandth."""
        return levels_for(self.strength * _ALPHA, steps)

    def _shrink(self, group: Tensor, weight: float, into: Tensor) -> None:
        threshold = max(zero_below(weight, self.exponent), 1e-12)
        shrunk(group, threshold, lambda length: hyper_laplacian_shrinkage(length, weight, self.exponent), into)


def gradients_and_curvatures(coefficients: Tensor) -> tuple[Tensor, Tensor]:
    """The two kinds of filters: d first differences and d (d + 1) / 2 second ones."""
    ndim = (math.isqrt(9 + 8 * len(coefficients)) - 3) // 2
    return coefficients[:ndim], coefficients[ndim:]


def zero_below(weight: float, exponent: float) -> float:
    """The size below which zero is the minimum of `hyper_laplacian_shrinkage`."""
    knee = _knee(weight, exponent)
    return knee + weight * exponent * knee ** (exponent - 1) if exponent < 1 else weight


def _knee(weight: float, exponent: float) -> float:
    """The minimum's smallest size but zero: below it the stationary point has ceased to beat zero."""
    return (2 * weight * (1 - exponent)) ** (1 / (2 - exponent))


def hyper_laplacian_shrinkage(values: Tensor, weight: float, exponent: float, newton_steps: int = 4) -> Tensor:
    """argmin_v ``weight |v|^p + ½ (v - values)²``, elementwise.

    Newton's method from ``|values|`` runs down monotonically to the larger root of v - c + weight p v^(p-1) = 0, where
    there is one; it is the minimum if it beats v = 0 (Krishnan & Fergus 2009, section 3).
    """
    size, knee, threshold = values.abs(), _knee(weight, exponent), zero_below(weight, exponent)
    root = size.clamp(min=max(threshold, 1e-12))
    start = root
    for _ in range(newton_steps):
        slope = weight * exponent * root ** (exponent - 1)
        root = (root - (root - start + slope) / (1 + (exponent - 1) * slope / root)).clamp(min=knee)
    return torch.where(size > threshold, torch.copysign(root, values), torch.zeros_like(values))


def gradient_count_shrinkage(gradients: Tensor, weight: float) -> Tensor:
    """argmin_g ``weight ‖g‖₀ + ‖g - gradients‖²``: a gradient shorter than ``√weight`` goes, any other stays."""
    strong = (gradients**2).sum(0, keepdim=True) >= weight
    return gradients * strong
