"""Restoration with a known kernel by half-quadratic splitting, the surround of the frame unknown.

    min over x, v:  ½ ‖y - H x‖²_R + Σ_j ‖D_j x - v_j‖² / (2 level²) + φ(v)                        (1)

alternates a denoiser on v (Geman & Yang 1995, doi:10.1109/83.392335) with least squares on x; the level falls from
step to step. H blurs and R is the noise (`forward.DataTerm`). Only the frame is compared with the observation, so the
border neither rings nor wraps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.forward import DataTerm, Frame, Noise
from napari_blind_deconv.fourier import irfftn, rfftn, transfer
from napari_blind_deconv.image_priors import Pointwise, Scored, Splittable, Turning
from napari_blind_deconv.restoration.filtered import analysed, synthesised
from napari_blind_deconv.restoration.in_time import Ties
from napari_blind_deconv.restoration.normal_equations import solve

if TYPE_CHECKING:
    from torch import Tensor

# Conjugate-gradient steps per level; more gain nothing (decision 0030). Beside a learned denoiser they cost little, and
# where the kernel has zeros they gain half a decibel (decision 0014).
_INNER_STEPS, _INNER_STEPS_OF_SCORED = 2, 16
# What no filter and no kernel sees would otherwise be divided by zero.
PULL_TO_ZERO = 1e-9
# Samples of a slab.
_SLAB = 1 << 20


def restore(
    data: DataTerm,
    prior: Splittable,
    *,
    spacing: tuple[float, ...],
    levels: Sequence[float],
    start: Tensor | None = None,
    camera: Noise | None = None,
    lowest: float | None = None,
    ties: Ties | None = None,
) -> Iterator[Tensor]:
    """Yield the scene on the canvas after every step, the best last.

    Parameters
    ----------
    data
        What is observed, how it was blurred, and its noise.
    prior
        φ, as filters and a denoiser.
    spacing
        The pixel's relative size per axis.
    levels
        The levels to pass through, coarse to fine.
    start
        First scene on the canvas; by default the observation, its edges continued.
    camera
        Noise that follows the light: pixels are weighed anew by what the scene lets them expect, every few steps.
    lowest
        The level that the scene may not fall below; ``None``: none.
    ties
        What ties the frames to each other; ``None``: nothing.
    """
    frame, ndim = data.frame, data.frame.ndim
    filters = prior.filters(spacing)
    stiffness = roughness(filters, data.observed, frame)
    scene = frame.extend(data.observed) if start is None else start
    spectrum = rfftn(scene, ndim)
    seen: Tensor | None = None
    inner = _INNER_STEPS_OF_SCORED if isinstance(prior, Scored) else _INNER_STEPS
    relit = range(len(levels) // 4, len(levels), max(1, len(levels) // 4))
    for step, level in enumerate(levels):
        now = prior.at_step(step) if isinstance(prior, Turning) else prior
        if camera is not None and step in relit:
            data, seen = data.by_light(camera, scene), None
        weight = (data.sigma / level) ** 2
        held = scene if lowest is None else scene.clamp(min=lowest)
        way = pulled_to if ties is None else ties.pulled_to
        pulled = way(held, now, filters, level, spacing)
        # The scene's distance to what is not below the level is one more splitting, of the same weight.
        if lowest is not None:
            pulled += held
        if ties is not None:
            pulled += ties.pulled(held, level)
        right = rfftn(pulled, ndim).mul_(weight).add_(data.explained)
        bound = None if ties is None else (ties, weight)
        pull = PULL_TO_ZERO if lowest is None else weight
        spectrum, seen = solve(spectrum, right, data, weight * stiffness + pull, inner, seen, bound)
        scene = irfftn(spectrum, frame.canvas)
        yield scene if lowest is None else scene.clamp(min=lowest)


def pulled_to(
    scene: Tensor, prior: Splittable, filters: list[Tensor], level: float, spacing: tuple[float, ...]
) -> Tensor:
    """Σ_j D_jᵀ v_j with v the denoised D x: what the prior pulls the scene to.

    Where the denoiser looks at one place at a time, slab by slab along the longest axis but the last: all filters'
    images of a whole canvas at once would be most of a restoration's memory.
    """
    axis = max(range(-len(spacing), min(-1, 1 - len(spacing))), key=lambda a: scene.shape[a], default=-1)
    n = scene.shape[axis]
    thick = max(2, _SLAB * n // max(scene.numel(), 1))
    if not isinstance(prior, Pointwise) or thick >= n:
        return synthesised(prior.denoise(analysed(scene, filters), level, spacing), filters)
    # Twice the reach of a difference: there and back.
    out, rim = torch.empty_like(scene), 2
    places = torch.arange(-rim, n + rim, device=scene.device) % n
    for first in range(0, n, thick):
        rows = min(thick, n - first)
        part = scene.index_select(axis, places[first : first + rows + 2 * rim])
        back = synthesised(prior.denoise(analysed(part, filters), level, spacing), filters)
        out.narrow(axis, first, rows).copy_(back.narrow(axis, rim, rows))
    return out


def roughness(filters: list[Tensor], observed: Tensor, frame: Frame) -> Tensor:
    """Σ_j |D̂_j|², real, on the half canvas."""
    return torch.stack([transfer(f.to(observed), frame.canvas).abs() ** 2 for f in filters]).sum(0)
