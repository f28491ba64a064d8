"""How much of a restored image's detail the data can have told, and how much is left to the prior."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import finished
from napari_blind_deconv.forward import DataTerm, Frame
from napari_blind_deconv.fourier import irfftn, multiplicity, radius, rfftn, trailing
from napari_blind_deconv.trust.check import Check, judged
from napari_blind_deconv.trust.smoothing import smoothed

if TYPE_CHECKING:
    from torch import Tensor

# More than half of the detail.
_LIMIT = 0.5
# Nodes of the radial spectrum, evenly in log frequency.
_BANDS = 24
# The neighbourhood of a pixel whose detail is weighed: standard deviation in samples.
_NEIGHBOURHOOD = 2.0
# Where a neighbourhood holds less than this share of the image's mean detail, the share is the whole image's.
_FAINT = 1e-3
# Samples that are looked at together.
_SLAB = 1 << 19


def prior_share(image: Tensor, data: DataTerm, spacing: Sequence[float] | None = None) -> tuple[Tensor, float]:
    """The share of the prior in the detail around every pixel, and in all of it.

    Data resolve a frequency f of the image as far as the kernel passes it above the noise,

        R(f) = |K(f)|² S(f) / ( |K(f)|² S(f) + N(f) ),                                                          (1)

    the gain of Wiener's filter, N the noise, S the restored image's own power, mean over shells of equal physical
    frequency. Under a Gaussian model 1 - R is the posterior variance of a frequency over its prior one: what the data
    leave open. The gradient, which is what detail means here, is split by two filters whose powers add to one,

        d = √R ∇x,    p = √(1 - R) ∇x,    share = G |p|² / (G |p|² + G |d|²),                                   (2)

    G a Gaussian of two pixels. The share of the whole image is the ratio of the sums. It depends on no prior in
    particular: what a restored image has at frequencies that the kernel removed, or the noise covered, did not come
    from the data, whether it be a sharpened edge, an invented texture or amplified noise.

    Parameters
    ----------
    image
        x, shape ``(batch, *space)``.
    data
        The kernel, and the noise of what it may miss of the observation, on the scale of ``image``.
    spacing
        The pixel's size per axis; only ratios matter.

    Returns
    -------
    Tensor
        Shape of ``image``, 0 (data) to 1 (prior).
    float
        The share in all detail of the image.

    Examples
    --------
    >>> image = torch.rand(1, 32, 32)
    >>> [round(prior_share(image, DataTerm.of(image, torch.ones(1, 1), s))[1], 2) for s in (0.0, 100.0)]
    [0.0, 1.0]
    """
    return finished(prior_share_step_by_step(image, data, spacing))


def prior_share_step_by_step(
    image: Tensor, data: DataTerm, spacing: Sequence[float] | None = None
) -> Generator[str, None, tuple[Tensor, float]]:
    """As `prior_share`, with a yield between any two parts of the work."""
    sums = shells(image, data, spacing)
    yield "the prior's share"
    told, prior = details(image, data, spacing, sums)
    yield "the prior's share"
    total = float((told + prior).mean())
    whole = float(prior.mean()) / total if total > 0 else 0.0
    return share_map(told, prior, data.frame.ndim, (total, whole)), whole


def details(image: Tensor, data: DataTerm, spacing: Sequence[float] | None, sums: Tensor) -> tuple[Tensor, Tensor]:
    """|d|² and |p|² of equation (2), shape of ``image``; ``sums``, as of `shells`, may be those of a larger image."""
    frame = data.frame
    spacing = tuple(spacing or (1.0,) * frame.ndim)
    spectrum = rfftn(frame.extend(image), frame.ndim)
    resolved = resolution(data, spacing, sums)
    told = _detail(irfftn(spectrum * resolved.sqrt(), frame.canvas), frame, spacing)
    # In place: a canvas less to hold.
    prior = _detail(irfftn(spectrum.mul_(resolved.neg_().add_(1).sqrt_()), frame.canvas), frame, spacing)
    return told, prior


def share_map(told: Tensor, prior: Tensor, ndim: int, whole: tuple[float, float]) -> Tensor:
    """The share around every pixel; ``whole`` is the mean detail of the image, and the share in all of it."""
    total, share = whole
    told, prior = (smoothed(energy, ndim, _NEIGHBOURHOOD).clamp(min=0) for energy in (told, prior))
    faint = _FAINT * total + torch.finfo(told.dtype).tiny
    return (prior + faint * share) / (prior + told + faint)


def shells(image: Tensor, data: DataTerm, spacing: Sequence[float] | None) -> Tensor:
    """Power of an image, and the number of its frequencies, in shells of the radius: they add up over parts alike."""
    canvas, ndim = data.frame.canvas, data.frame.ndim
    spacing = tuple(spacing or (1.0,) * ndim)
    spectrum = rfftn(data.frame.extend(image), ndim)
    power = (spectrum.abs().square_().div_(math.prod(canvas))).reshape(-1, *spectrum.shape[-ndim:]).mean(0)
    counted = multiplicity(canvas, power)
    counted[(0,) * ndim] = 0.0  # the mean is no detail
    shell = _shell(canvas, spacing, power).flatten()
    return torch.stack([torch.bincount(shell, v.flatten(), _BANDS) for v in (counted * power, counted)])


def _shell(canvas: Sequence[int], spacing: Sequence[float], like: Tensor) -> Tensor:
    waves = radius(canvas, spacing, like)
    lowest, highest = float(waves[waves > 0].min()), float(waves.max())
    place = waves.clamp_(min=lowest).div_(lowest).log_().mul_((_BANDS - 1) / max(math.log(highest / lowest), 1e-6))
    return place.round_().int()


def resolution(data: DataTerm, spacing: Sequence[float], sums: Tensor) -> Tensor:
    """R of equation (1) on the half spectrum of the data's canvas."""
    power = data.blur.power
    shell = _shell(data.frame.canvas, spacing, power)
    seen = (sums[0] / sums[1].clamp(min=1)).to(power)[shell].mul_(power)
    noise = data.sigma**2 / (1.0 if data.colour is None else data.colour)
    return seen.div_(seen + (noise + torch.finfo(power.dtype).tiny))


def share_check(whole: float) -> Check:
    """The share of the prior in all detail of the image, against a half."""
    return judged(
        "prior_share",
        whole,
        _LIMIT,
        doubt=f"{whole:.0%} of the restored detail comes from the prior, or is amplified noise: too little of it is "
        "visible through PSF and noise; trust only coarse structure, or record with more light or a sharper PSF",
        fine=f"{1 - whole:.0%} of the restored detail comes from the data",
    )


def _detail(scene: Tensor, frame: Frame, spacing: Sequence[float]) -> Tensor:
    """Squared length of the gradient inside the frame, the mean of both one-sided differences, slab by slab."""
    axis, canvas = -frame.ndim, frame.canvas
    out = scene.new_empty((*scene.shape[:axis], *frame.shape))
    thick = max(1, _SLAB // math.prod(canvas[1:]))
    places = torch.arange(frame.start[0] - 1, frame.start[0] + frame.shape[0] + 1, device=scene.device) % canvas[0]
    inner = trailing((slice(None), *frame.inside[1:]))
    for first in range(0, frame.shape[0], thick):
        rows = min(thick, frame.shape[0] - first)
        part = scene.index_select(axis, places[first : first + rows + 2])
        energy = torch.zeros_like(part)
        for along, length in zip(range(axis, 0), spacing, strict=True):
            step = torch.roll(part, -1, along).sub_(part).div_(length).square_()
            energy.add_(step).add_(torch.roll(step, 1, along))
        out.narrow(axis, first, rows).copy_(energy.narrow(axis, 1, rows)[inner])
    return out.div_(2)
