"""Smoothed penalties on gradients, for descents that need a gradient."""

import torch
from torch import Tensor


def edge_penalty(
    scene: Tensor, exponent: float, softness: Tensor | float, spacing: tuple[float, ...]
) -> tuple[Tensor, Tensor]:
    """Σ (‖∇x‖² + s²)^(p/2) on a periodic canvas, and its gradient.

    p = 1 is total variation with a rounded corner (Charbonnier et al. 1994, doi:10.1109/ICIP.1994.413553), p < 1 the
    hyper-Laplacian of sparse gradients.

    Parameters
    ----------
    scene
        x, shape ``(..., *canvas)``.
    exponent
        p, above 0 and at most 2.
    softness
        s, gradients below it count as flat.
    spacing
        Relative pixel size per axis; its length is the number of spatial axes.

    Returns
    -------
    value, gradient
        One value per item of the batch, spatial axes kept with length 1; the gradient, of the scene's shape.
    """
    axes = tuple(range(-len(spacing), 0))
    steps = [(torch.roll(scene, -1, axis) - scene) / size for axis, size in zip(axes, spacing, strict=True)]
    square = sum((step.square() for step in steps), torch.zeros_like(scene)) + softness**2
    weight = square.pow(exponent / 2 - 1)
    value = (square * weight).sum(axes, keepdim=True, dtype=torch.float64)
    gradient = torch.zeros_like(scene)
    for axis, step, size in zip(axes, steps, spacing, strict=True):
        flow = exponent * weight * step / size
        gradient += torch.roll(flow, 1, axis) - flow
    return value, gradient
