"""Periodograms in shells of spatial frequency, and spectra of few figures fitted to them by Whittle's likelihood."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import scipy

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import multiplicity, periodogram
from napari_blind_deconv.image_priors import radial_spectrum

if TYPE_CHECKING:
    from torch import Tensor

# Shells per factor of e in radius: finer than what is fitted varies.
_PER_FOLD = 12
_DARKEST = 1e-12
# |W|² of a Hann window, over its sum, at a frequency and at its neighbours.
_ALONG = (2 / 3, 1 / 6)


@dataclass(frozen=True)
class Shells:
    """Mean ordinates P(s, ω) of the Hann-windowed periodogram, over the frequencies of one spatial radius.

    Attributes
    ----------
    radius
        Mean spatial radius of every shell, in cycles per smallest pixel, ``(shells,)``; those too long to be seen by
        themselves are among them.
    spread
        What the spatial window makes of a spectrum given at all shells, at those that are seen, ``(seen, shells)``.
    ordinates
        ``(seen, frames)``, one column per temporal frequency as of an `fft`; one column where nothing moves.
    weights
        Numbers of frequencies behind an ordinate, ``(seen, 1)``.
    frames
        Number of frames; 1 where nothing moves.
    """

    radius: Tensor
    spread: Tensor
    ordinates: Tensor
    weights: Tensor
    frames: int = 1

    @classmethod
    def of(cls, images: Tensor, spacing: Sequence[float], *, moving: bool = False) -> Shells:
        """The shells of images, or of movies.

        Parameters
        ----------
        images
            ``(..., *space)``, or ``(..., frames, *space)`` where they are ``moving``.
        spacing
            Per spatial axis; where images are moving, behind the interval of time.
        moving
            Whether the first of the axes is time.
        """
        ndim = len(spacing)
        values = images.double()
        space, steps = values.shape[values.ndim - ndim + moving :], spacing[int(moving) :]
        found = periodogram(values, ndim)
        frames = found.shape[0] if moving else 1
        place = _all_radii(space, steps, values)
        shell, number = _shell_of(place)
        radius = _mean_by(shell, place, number)
        used = place > radial_spectrum.lowest(space, steps)
        spread = _spread(shell, used, number)
        seen = spread.sum(1) > 0
        half = (..., slice(0, space[-1] // 2 + 1))
        counts = multiplicity(space, values) * used[half]
        weights = values.new_zeros(number + 1).index_add(0, shell[half].flatten(), counts.flatten())[:number]
        columns = (found.reshape(frames, *counts.shape) * counts).reshape(frames, -1)
        sums = values.new_zeros(number + 1, frames).index_add(0, shell[half].flatten(), columns.T)[:number]
        ordinates = (sums[seen] / weights[seen, None]).clamp(min=_DARKEST)
        return cls(radius, spread[seen], ordinates, weights[seen, None], frames)

    @property
    def longest_px(self) -> float:
        """The correlation length, in smallest pixels, beyond which a bend cannot be seen."""
        return 1 / (2 * math.pi * float(self.radius.min()))

    def minimum(
        self,
        shape_of: Callable[[Sequence[float]], Tensor],
        start: Sequence[float],
        bounds: Sequence[tuple[float, float]],
    ) -> tuple[list[float], float]:
        """Figures whose spectrum, at the best level, has the greatest likelihood; and that level.

        Parameters
        ----------
        shape_of
            The spectrum of the figures at all shells, but for its level, ``(shells, frames)``, or ``(shells, 1)`` where
            nothing moves.
        start, bounds
            One entry per figure; figures are searched on a logarithmic scale where they are bounded above zero.
        """
        logarithmic = [low > 0 for low, _ in bounds]
        share = self.weights / (self.weights.sum() * self.ordinates.shape[1])

        def figures_of(coordinates: Sequence[float]) -> list[float]:
            values = [math.exp(c) if log else float(c) for c, log in zip(coordinates, logarithmic, strict=True)]
            return [min(max(v, low), high) for v, (low, high) in zip(values, bounds, strict=True)]

        def profiled(figures: Sequence[float]) -> tuple[float, float]:
            model = (self.spread @ shape_of(figures)).clamp(min=_DARKEST).expand_as(self.ordinates)
            level = float((share * self.ordinates / model).sum())
            return level, math.log(level) + float((share * model.log()).sum())

        begun = [math.log(v) if log else v for v, log in zip(start, logarithmic, strict=True)]
        options = {"xatol": 1e-3, "fatol": 1e-7, "maxiter": 200 * len(begun)}
        found = scipy.optimize.minimize(
            lambda c: profiled(figures_of(c))[1], begun, method="Nelder-Mead", options=options
        )
        figures = figures_of(found.x)
        return figures, profiled(figures)[0]


def _all_radii(space: Sequence[int], steps: Sequence[float], like: Tensor) -> Tensor:
    """Radius of all frequencies, both halves, in cycles per smallest pixel."""
    unit = min(steps)
    axes = [
        torch.fft.fftfreq(n, d / unit, dtype=like.dtype, device=like.device) for n, d in zip(space, steps, strict=True)
    ]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).square().sum(0).sqrt()


def _shell_of(place: Tensor) -> tuple[Tensor, int]:
    """Number of every frequency's shell, and of shells; frequency zero is of none, the one behind the last."""
    fold = (place.clamp(min=1e-12).log() * _PER_FOLD).floor().long()
    kinds = fold[place > 0].unique()
    shell = torch.bucketize(fold, kinds)
    return torch.where(place > 0, shell, len(kinds)), len(kinds)


def _mean_by(shell: Tensor, values: Tensor, number: int) -> Tensor:
    out = values.new_zeros(number + 1).index_add(0, shell.flatten(), values.flatten())
    return out[:number] / torch.bincount(shell.flatten(), minlength=number + 1)[:number].clamp(min=1)


def _spread(shell: Tensor, used: Tensor, number: int) -> Tensor:
    """Shares of the shells in what a Hann window shows at each of them, ``(number, number)``.

    |W|² has three values along an axis: a sixth, two thirds, a sixth. What it takes from frequency zero is nothing: the
    mean has been subtracted.
    """
    out = torch.zeros(number + 1, number + 1, dtype=torch.float64, device=shell.device)
    for steps in itertools.product((-1, 0, 1), repeat=shell.ndim):
        share = math.prod(
            _ALONG[abs(step)] if n > 2 else float(step == 0) for step, n in zip(steps, shell.shape, strict=True)
        )
        if share:
            beside = torch.roll(shell, steps, tuple(range(shell.ndim)))
            pairs = shell[used] * (number + 1) + beside[used]
            out += share * torch.bincount(pairs, minlength=(number + 1) ** 2).reshape(out.shape)
    counts = torch.bincount(shell[used], minlength=number + 1)
    return (out / counts.clamp(min=1)[:, None])[:number, :number]
