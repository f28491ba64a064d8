"""Restoration with a known kernel by half-quadratic splitting, the unknown surround filled in on the way.

    min over x, v:  ‖crop(k * x) - y‖² / (2σ²) + Σ_j ‖D_j x - v_j‖² / (2 level²) + φ(v)

alternates a denoiser on v (Geman & Yang 1995, doi:10.1109/83.392335) with a division in the Fourier domain for x; the
level falls from step to step. Outside the frame the missing observation is replaced by the model's own prediction,
which is the E-step for missing data, so the border neither rings nor wraps.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from napari_blind_deconv.forward import Frame
from napari_blind_deconv.fourier import irfftn, rfftn, transfer
from napari_blind_deconv.image_priors import Splittable


def restore(
    observed: Tensor,
    kernel: Tensor,
    frame: Frame,
    prior: Splittable,
    *,
    noise_sigma: float,
    spacing: tuple[float, ...],
    steps: int,
) -> Iterator[Tensor]:
    """Yield the scene on the canvas after every step, the best last.

    Parameters
    ----------
    observed
        y without background, shape ``(..., *frame.shape)``.
    kernel
        k, odd shape, unit sum.
    frame
        The frame on the scene's canvas.
    prior
        φ, as filters and a denoiser.
    noise_sigma
        σ, in the unit of ``observed``.
    spacing
        The pixel's relative size per axis.
    steps
        How many levels to pass through.
    """
    ndim = frame.ndim
    blur = transfer(kernel, frame.canvas)
    filters = torch.stack([transfer(f.to(observed), frame.canvas) for f in prior.filters(spacing)])
    filters = filters.reshape(len(filters), *[1] * (observed.ndim - ndim), *filters.shape[1:])
    data_power, filter_power = blur.abs() ** 2, (filters.abs() ** 2).sum(0)
    complete = frame.extend(observed)
    spectrum = rfftn(complete, ndim)
    for level in prior.levels(noise_sigma, steps):
        weight = (noise_sigma / level) ** 2
        split = prior.denoise(irfftn(filters * spectrum, frame.canvas), level)
        pull = (filters.conj() * rfftn(split, ndim)).sum(0)
        spectrum = (blur.conj() * rfftn(complete, ndim) + weight * pull) / (data_power + weight * filter_power + 1e-9)
        complete = frame.fill(observed, irfftn(blur * spectrum, frame.canvas))
        yield irfftn(spectrum, frame.canvas)
