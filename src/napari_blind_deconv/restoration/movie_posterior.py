"""p(x | y, k) of an endless movie, exactly: for every spatial wave a Kalman filter and a smoother over its frames.

A wave of a `MovieField` is a sum of autoregressions of first order, x_t = Σ_j √S_j Re z_j,t, seen through the transfer
function of its frame, y_t = K_t x_t + n_t. Waves know nothing of each other where the canvas is periodic in space, so
that filter (Kalman 1960, doi:10.1115/1.3662552) and smoother (Rauch, Tung & Striebel 1965, doi:10.2514/3.3166) run side
by side in all of them. Nothing is periodic in time, and every frame may have a kernel of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError
from napari_blind_deconv.fourier import irfftn, multiplicity, rfftn, transfer
from napari_blind_deconv.image_priors import MovieField

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class MoviePosterior:
    """What is known of a movie.

    Attributes
    ----------
    mean
        ``(frames, *space)``.
    variance
        Of every pixel, frame by frame, ``(frames,)``.
    """

    mean: Tensor
    variance: Tensor


def movie_posterior(
    observed: Tensor, kernels: Tensor, prior: MovieField, *, spacing: Sequence[float], sigma: float
) -> MoviePosterior:
    """Mean and variance of all frames given all frames.

    Parameters
    ----------
    observed
        ``(frames, *space)``, periodic in space.
    kernels
        One for all frames, ``(*kernel)``, or one per frame, ``(frames, *kernel)``.
    prior
        Of given mean.
    spacing
        The interval, and the pixel's size per spatial axis.
    sigma
        Standard deviation of white noise, > 0.

    Raises
    ------
    InputError
        For a prior whose mean is free.
    """
    if prior.mean is None:
        raise InputError(subject="mean", value="is free", allowed="must be a number", remedy="give the field a mean")
    waves = _Waves.of(observed, kernels, prior, spacing, sigma)
    means, covariances = _smoothed(waves)
    seen = (waves.shares * means).sum(-1)
    space = observed.shape[1:]
    scene = irfftn(seen.reshape(len(observed), *waves.half), space) + prior.mean
    spread = torch.einsum("fd,tfde,fe->tf", waves.shares, covariances, waves.shares)
    counts = multiplicity(space, spread).flatten()
    return MoviePosterior(scene, (spread * counts).sum(1) / math.prod(space))


def movie_draw(
    observed: Tensor,
    kernels: Tensor,
    prior: MovieField,
    *,
    spacing: Sequence[float],
    sigma: float,
    generator: torch.Generator,
) -> Tensor:
    """A movie from the posterior; arguments as of `movie_posterior`.

    A movie x' and its observation y' are drawn from the prior: x' + E[x | y] - E[x | y'] (Durbin & Koopman 2002,
    doi:10.1093/biomet/89.3.603).
    """
    space = observed.shape[1:]
    drawn = torch.stack(list(islice(prior.frames(space, spacing, generator), len(observed)))).to(observed)
    noise = torch.randn(observed.shape, generator=generator, device=generator.device).to(observed)
    again = blurred_frames(drawn, kernels) + sigma * noise
    right, wrong = (movie_posterior(y, kernels, prior, spacing=spacing, sigma=sigma).mean for y in (observed, again))
    return drawn + right - wrong


def blurred_frames(movie: Tensor, kernels: Tensor) -> Tensor:
    """Every frame ``(frames, *space)`` convolved by the one kernel, or by its own, periodic in space."""
    space = movie.shape[1:]
    return irfftn(rfftn(movie, len(space)) * _transfers(kernels.to(movie), space), space)


@dataclass(frozen=True)
class _Waves:
    """All waves' autoregressions, flat over the half canvas: f waves, d of them in each."""

    step: Tensor
    fresh: Tensor
    shares: Tensor
    blur: Tensor
    observed: Tensor
    noise: float
    half: tuple[int, ...]

    @classmethod
    def of(cls, observed: Tensor, kernels: Tensor, prior: MovieField, spacing: Sequence[float], sigma: float) -> _Waves:
        space = observed.shape[1:]
        steps, fresh, shares = [], [], []
        for part in prior.waves(space, spacing, observed):
            decay, share = part.decay.flatten(), part.power.sqrt().flatten()
            turn, across = math.cos(part.angle), math.sin(part.angle)
            rotation = torch.tensor([[turn, -across], [across, turn]] if part.angle else [[1.0]]).to(observed)
            size = len(rotation)
            steps.append(decay[:, None, None] * rotation)
            fresh.append((1 - decay**2)[:, None].expand(-1, size))
            shares.append(share[:, None] * torch.eye(size)[0].to(observed))
        spectrum = rfftn(observed - (prior.mean or 0.0) * _sums(kernels, observed), len(space))
        blur = _transfers(kernels.to(observed), space)
        return cls(
            step=_blocks(steps),
            fresh=torch.cat(fresh, 1),
            shares=torch.cat(shares, 1),
            blur=blur.expand_as(spectrum).flatten(1),
            observed=spectrum.flatten(1),
            noise=sigma**2,
            half=tuple(spectrum.shape[1:]),
        )


def _smoothed(waves: _Waves) -> tuple[Tensor, Tensor]:
    """Means ``(frames, f, d)`` and covariances ``(frames, f, d, d)``, in units of white noise of unit variance."""
    filtered = list(_filtered(waves))
    mean, spread, *_ = filtered[-1]
    means, spreads = [mean], [spread]
    for (before, left, *_), (_, _, expected, foreseen) in zip(filtered[-2::-1], filtered[:0:-1], strict=True):
        gain = torch.linalg.solve(foreseen, waves.step @ left).mT
        mean = before + torch.einsum("fde,fe->fd", gain.to(mean.dtype), mean - expected)
        spread = left + gain @ (spread - foreseen) @ gain.mT
        means.append(mean)
        spreads.append(spread)
    return torch.stack(means[::-1]), torch.stack(spreads[::-1])


def _filtered(waves: _Waves) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Frame by frame mean and covariance given all up to it, and both without it."""
    size = waves.shares.shape[1]
    expected = waves.observed.new_zeros(waves.shares.shape)
    foreseen = torch.eye(size).to(waves.shares).expand(len(waves.shares), size, size)
    for observed, blur in zip(waves.observed, waves.blur, strict=True):
        reach = torch.einsum("fde,fe->fd", foreseen, waves.shares)
        strength = blur.real.square() + blur.imag.square()
        total = strength * (reach * waves.shares).sum(1) + waves.noise
        surprise = observed - blur * (waves.shares * expected).sum(1)
        mean = expected + reach * (blur.conj() * surprise / total)[:, None]
        spread = foreseen - (strength / total)[:, None, None] * reach[:, :, None] * reach[:, None, :]
        yield mean, spread, expected, foreseen
        expected = torch.einsum("fde,fe->fd", waves.step.to(mean.dtype), mean)
        foreseen = waves.step @ spread @ waves.step.mT + torch.diag_embed(waves.fresh)


def _blocks(parts: Sequence[Tensor]) -> Tensor:
    """Matrices along a diagonal, for every wave."""
    size = sum(part.shape[-1] for part in parts)
    out = parts[0].new_zeros(len(parts[0]), size, size)
    start = 0
    for part in parts:
        stop = start + part.shape[-1]
        out[:, start:stop, start:stop] = part
        start = stop
    return out


def _transfers(kernels: Tensor, space: Sequence[int]) -> Tensor:
    if kernels.ndim == len(space):
        return transfer(kernels, space)
    return torch.stack([transfer(kernel, space) for kernel in kernels])


def _sums(kernels: Tensor, observed: Tensor) -> Tensor:
    """The sum of every frame's kernel, broadcastable."""
    ndim = observed.ndim - 1
    sums = kernels.to(observed).sum(tuple(range(-ndim, 0)))
    return sums.reshape(-1, *[1] * ndim)
