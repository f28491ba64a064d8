"""Posterior draws by a diffusion that is consistent with the data at every level.

A scene with noise of level s, z = x + s n, is all that is kept from one level to the next, lower one t (Karras et al.
2022, arXiv:2206.00364, read as a Markov chain):

    x ~ p(x | z, y) ∝ p(y | x) p(x | z),     z' ~ N(x + (t/s)² (z - x), t² (1 - (t/s)²)).                       (1)

The denoiser tells the first two moments of p(x | z): its answer is the mean, and s² times its Jacobian the covariance
(Tweedie; second order as in Boys et al. 2023, arXiv:2310.06721). The covariance is taken for that of a stationary
field, whose spectrum

    v(f) = s² E[ conj(n̂) (∂D n)^ ] / E |n̂|²,     n white,                                                       (2)

is read off one further call of the denoiser. With a stationary Gaussian prior all of this is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.forward import DataTerm
from napari_blind_deconv.fourier import radius, rfftn
from napari_blind_deconv.image_priors import Denoise
from napari_blind_deconv.restoration.gaussian_conditional import conditional_draws, white

if TYPE_CHECKING:
    from torch import Tensor

# Step of the finite difference in units of the noise, bands of the spectrum, and its floor as a share of the noise's.
_PROBE, _BANDS, _FLOOR = 0.1, 32, 1e-4


def annealed(
    data: DataTerm,
    denoise: Denoise,
    start: Tensor,
    levels: Sequence[float],
    spacing: tuple[float, ...],
    generator: torch.Generator,
) -> Iterator[Tensor]:
    """Yield x of equation (1) after every level: the last ones are draws from p(x | y).

    Parameters
    ----------
    data
        The observation, its kernel and its noise.
    denoise
        (scenes on the canvas, σ) → E[x | x + σ n].
    start
        Scenes to begin with, as many as draws are wanted, shape ``(draws, ..., *canvas)``; the first level should
        drown what is wrong with them.
    levels
        Falling noise levels, in the unit of the scene.
    spacing
        The pixel's relative size per axis.
    generator
        The only source of randomness.
    """
    noisy = start + levels[0] * white(start, generator)
    for level, following in zip(levels, [*levels[1:], 0.0], strict=True):
        mean = denoise(noisy, level)
        variance = level**2 * jacobian_spectrum(denoise, noisy[:1], mean[:1], level, spacing, generator)
        scene = conditional_draws(data, mean, variance, generator)
        yield scene
        if following:
            kept = (following / level) ** 2
            noisy = scene + kept * (noisy - scene) + following * (1 - kept) ** 0.5 * white(scene, generator)


def jacobian_spectrum(
    denoise: Denoise,
    noisy: Tensor,
    mean: Tensor,
    level: float,
    spacing: tuple[float, ...],
    generator: torch.Generator,
) -> Tensor:
    """Equation (2) over s²: what share of white noise the denoiser lets through, per frequency, smoothed over bands.

    Real, on the half canvas, between a small floor and one.
    """
    ndim = len(spacing)
    probe = white(noisy, generator)
    answer = (denoise(noisy + _PROBE * level * probe, level) - mean) / (_PROBE * level)
    sent, seen = (rfftn(values, ndim).flatten(0, -ndim - 1) for values in (probe, answer))
    passed, power = (sent.conj() * seen).real.sum(0), sent.abs().square().sum(0)
    band, share = bands(noisy.shape[-ndim:], spacing, passed)
    sums = [_to_bands(values, band, share) for values in (passed, power)]
    ratio = (sums[0] / sums[1].clamp(min=1e-12)).clamp(_FLOOR, 1.0)
    return (ratio[band] * (1 - share) + ratio[band + 1] * share).reshape(passed.shape)


def bands(canvas: Sequence[int], spacing: tuple[float, ...], like: Tensor) -> tuple[Tensor, Tensor]:
    """Band of every frequency of a half canvas, and how far it lies towards the next; narrow bands at the low end."""
    waves = radius(canvas, spacing, like).flatten()
    place = (waves / waves.max()).sqrt() * (_BANDS - 1)
    band = place.floor().clamp(max=_BANDS - 2).long()
    return band, place - band


def _to_bands(values: Tensor, band: Tensor, share: Tensor) -> Tensor:
    flat = values.flatten()
    out = flat.new_zeros(_BANDS)
    return out.index_add(0, band, flat * (1 - share)).index_add(0, band + 1, flat * share)
