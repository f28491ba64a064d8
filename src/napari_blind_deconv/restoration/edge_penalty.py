"""Smoothed penalties on gradients, for descents that need a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from torch import Tensor


# Samples that are looked at together.
_SLAB = 1 << 19


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
    axis = -len(spacing)
    n = scene.shape[axis]
    thick = max(1, _SLAB * n // max(scene.numel(), 1))
    gradient = torch.empty_like(scene)
    value = scene.new_zeros((*scene.shape[:axis], *(1,) * len(spacing)), dtype=torch.float64)
    # One neighbour on either side, and no roll of a whole canvas.
    places = torch.arange(-1, n + 1, device=scene.device) % n
    for first in range(0, n, thick):
        rows = min(thick, n - first)
        part = scene.index_select(axis, places[first : first + rows + 2])
        values, slope = _everywhere(part, exponent, softness, spacing)
        value += values.narrow(axis, 1, rows).sum(tuple(range(axis, 0)), keepdim=True, dtype=torch.float64)
        gradient.narrow(axis, first, rows).copy_(slope.narrow(axis, 1, rows))
    return value, gradient


def _everywhere(
    scene: Tensor, exponent: float, softness: Tensor | float, spacing: tuple[float, ...]
) -> tuple[Tensor, Tensor]:
    """The penalty of every pixel, and the gradient of their sum."""
    axes = tuple(range(-len(spacing), 0))
    steps = [torch.roll(scene, -1, axis).sub_(scene).div_(size) for axis, size in zip(axes, spacing, strict=True)]
    square = steps[0].square()
    for step in steps[1:]:
        square.addcmul_(step, step)
    square += softness**2
    weight = square.pow(exponent / 2 - 1)
    gradient = torch.zeros_like(scene)
    for axis, step, size in zip(axes, steps, spacing, strict=True):
        flow = (step * weight).mul_(exponent / size)
        gradient.sub_(flow).add_(torch.roll(flow, 1, axis))
    return square * weight, gradient
