"""Restoration with a known kernel by half-quadratic splitting, the surround of the frame unknown.

    min over x, v:  ½ ‖y - H x‖²_R + Σ_j ‖D_j x - v_j‖² / (2 level²) + φ(v)                        (1)

alternates a denoiser on v (Geman & Yang 1995, doi:10.1109/83.392335) with least squares on x; the level falls from
step to step. H blurs and R is the noise (`forward.DataTerm`). Only the frame is compared with the observation, so the
border neither rings nor wraps.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from napari_blind_deconv.forward import DataTerm, Frame, Noise
from napari_blind_deconv.fourier import irfftn, rfftn, stencil, transfer
from napari_blind_deconv.image_priors import Scored, Splittable, Turning
from napari_blind_deconv.restoration.normal_equations import solve

# Conjugate-gradient steps per level; six would gain 0.1 dB at twice the time (decision 0007). Beside a learned denoiser
# they cost little, and where the kernel has zeros they gain half a decibel (decision 0014).
_INNER_STEPS, _INNER_STEPS_OF_SCORED = 3, 16
# What no filter and no kernel sees would otherwise be divided by zero.
PULL_TO_ZERO = 1e-9


def restore(
    data: DataTerm,
    prior: Splittable,
    *,
    spacing: tuple[float, ...],
    levels: Sequence[float],
    start: Tensor | None = None,
    camera: Noise | None = None,
    lowest: float | None = None,
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
    """
    frame, ndim = data.frame, data.frame.ndim
    filters = prior.filters(spacing)
    stiffness = roughness(filters, data.observed, frame)
    scene = frame.extend(data.observed) if start is None else start
    spectrum = rfftn(scene, ndim)
    inner = _INNER_STEPS_OF_SCORED if isinstance(prior, Scored) else _INNER_STEPS
    relit = range(len(levels) // 4, len(levels), max(1, len(levels) // 4))
    for step, level in enumerate(levels):
        now = prior.at_step(step) if isinstance(prior, Turning) else prior
        if camera is not None and step in relit:
            data = data.by_light(camera, scene)
        weight = (data.sigma / level) ** 2
        held = scene if lowest is None else scene.clamp(min=lowest)
        split = now.denoise(analysed(held, filters), level, spacing)
        right = data.explained + weight * rfftn(synthesised(split, filters), ndim)
        # The scene's distance to what is not below the level is one more splitting, of the same weight.
        pull = PULL_TO_ZERO if lowest is None else weight
        if lowest is not None:
            right = right + weight * rfftn(held, ndim)
        spectrum = solve(spectrum, right, data, weight * stiffness + pull, inner)
        scene = irfftn(spectrum, frame.canvas)
        yield scene if lowest is None else scene.clamp(min=lowest)


def analysed(scene: Tensor, filters: list[Tensor]) -> Tensor:
    """D_j x, shape ``(filters, *scene)``."""
    return torch.stack([stencil(scene, f) for f in filters])


def synthesised(coefficients: Tensor, filters: list[Tensor]) -> Tensor:
    """Σ_j D_jᵀ v_j: the adjoint of `analysed`."""
    out = torch.zeros_like(coefficients[0])
    for values, f in zip(coefficients, filters, strict=True):
        out += stencil(values, f.flip(tuple(range(f.ndim))))
    return out


def roughness(filters: list[Tensor], observed: Tensor, frame: Frame) -> Tensor:
    """Σ_j |D̂_j|², real, on the half canvas."""
    return torch.stack([transfer(f.to(observed), frame.canvas).abs() ** 2 for f in filters]).sum(0)
