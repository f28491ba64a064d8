"""A Gaussian field of space and time whose waves relax: its movies are exact at any length, one frame in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Gt, Le, Len

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import component
from napari_blind_deconv.fourier import irfftn, rfftn
from napari_blind_deconv.image_priors import movie_fit, radial_spectrum, relaxation
from napari_blind_deconv.image_priors.shells import Shells
from napari_blind_deconv.image_priors.stationary import Stationary

if TYPE_CHECKING:
    from torch import Tensor

_DARKEST = 1e-9
_START_LIFETIME = 4.0


@component
class Relaxation:
    """Waves of one lifetime: part of a free spectrum."""

    lifetime_frames: Annotated[float, Gt(0), Le(1e9)]
    """Frames after which a wave has forgotten all but 1/e of itself."""
    turns_per_frame: Annotated[float, Ge(0), Le(0.5)] = 0.0
    """Frequency at which it oscillates meanwhile."""
    variances: Annotated[tuple[Annotated[float, Ge(0), Le(1e12)], ...], Len(2, 1000)]
    """Variances at log-spaced spatial frequencies, the nodes of `GaussianField`'s spectrum; straight in between."""


@dataclass(frozen=True)
class Waves:
    """Waves that relax alike, on the half canvas of space: their variances, ρ, and angle θ in radians a frame."""

    power: Tensor
    decay: Tensor
    angle: float


@component
class MovieField(Stationary):
    """Texture that changes: a stationary Gaussian field whose spatial waves are autoregressions of first order.

    S(f, ω) = S(f) P(ω; ρ(f)) with P of `relaxation`, equation (2). S(f) is the bent power law of `GaussianField`, and

        ρ(f) = exp(-interval / lifetime(f)),    lifetime(f) = lifetime (1 + f² / f₀²)^(-quickening / 2),

    f₀ the bend of the power law: with a ``quickening`` of 0 space and time are separable, of 1 fine structure changes
    as if it moved, of 2 as if it diffused. Or S is a sum over relaxations, free by bands of spatial frequency and
    lifetime.

    Axes are (time, ..., y, x). The first entry of a spacing is the interval of frames, in units of that which the
    field was fitted at; the others are pixel sizes. On a canvas, `power`, `sample` and what follows from them describe
    a movie that is periodic in time, too; `frames` is the endless one, periodic in space only. They agree where waves
    live shorter than the movie.

    Examples
    --------
    >>> field = MovieField(lifetime_frames=5.0, mean=0.5)
    >>> movie = field.frames((32, 32), (1.0, 1.0, 1.0), torch.Generator().manual_seed(0))
    >>> next(movie).shape, field.sample((16, 32, 32), (1.0, 1.0, 1.0), torch.Generator()).shape
    (torch.Size([32, 32]), torch.Size([16, 32, 32]))
    """

    kind: Literal["movie-field"] = "movie-field"
    exponent: Annotated[float, Ge(0), Le(8)] = 2.5
    """Steepness of the spatial power spectrum: S falls as the frequency to minus this."""
    correlation_px: Annotated[float, Gt(0), Le(1e6)] = 16.0
    """Waves longer than 2π times this, in smallest pixels, are no stronger and live no longer than this one."""
    contrast: Annotated[float, Gt(0), Le(1000)] = 0.15
    """Standard deviation of a frame, relative to the image's intensity range."""
    lifetime_frames: Annotated[float, Gt(0), Le(1e9)] = 10.0
    """Frames after which the correlation of coarse structure has decayed to 1/e."""
    quickening: Annotated[float, Ge(0), Le(4)] = 1.0
    """How much shorter fine structure lives; 0 is not at all."""
    relaxations: Annotated[tuple[Relaxation, ...], Len(1, 100)] | None = None
    """A free spectrum, in place of the five above."""
    mean: Annotated[float, Ge(-1000), Le(1000)] | None = None
    """Mean of the movie, relative to the image's intensity range. None: any."""

    @classmethod
    def fitted(cls, movies: Tensor, spacing: Sequence[float], bands: int = 20) -> MovieField:
        """The field whose free spectrum suits movies best: greatest likelihood in bands of space and time.

        Parameters
        ----------
        movies
            Sharp movies on a scale of about 0 to 1, ``(..., frames, *space)``.
        spacing
            The interval, 1 for the frames as they are, and the pixel's size per spatial axis.
        bands
            Number of spatial nodes.
        """
        parts = movie_fit.free(Shells.of(movies, spacing, moving=True), bands)
        found = [
            Relaxation(lifetime_frames=life * spacing[0], turns_per_frame=turns / spacing[0], variances=tuple(levels))
            for life, turns, levels in parts
        ]
        return cls(relaxations=tuple(found))

    @classmethod
    def bent(cls, movies: Tensor, spacing: Sequence[float]) -> MovieField:
        """The field of five figures that suits movies best; arguments as of `fitted`."""
        shells = Shells.of(movies, spacing, moving=True)

        def shape_of(figures: Sequence[float]) -> Tensor:
            exponent, correlation, lifetime, quickening = figures
            decay = _decay(shells.radius, correlation, lifetime / spacing[0], quickening)
            still = radial_spectrum.bent(shells.radius, exponent, correlation)
            return still[:, None] * relaxation.seen(decay, 0.0, shells.frames)

        found, level = shells.minimum(
            shape_of,
            start=(cls.exponent, cls.correlation_px / 2, _START_LIFETIME * spacing[0], 0.5),
            bounds=((0.0, 8.0), (0.2, shells.longest_px), (0.05, 1e6), (0.0, 4.0)),
        )
        space, steps = movies.shape[movies.ndim - len(spacing) + 1 :], spacing[1:]
        on_canvas = radial_spectrum.bent(radial_spectrum.radius(space, steps, shells.radius), *found[:2])
        contrast = radial_spectrum.contrast_of(level * on_canvas, space)
        exponent, correlation, lifetime, quickening = found
        return cls(
            exponent=exponent,
            correlation_px=correlation,
            contrast=contrast,
            lifetime_frames=lifetime,
            quickening=quickening,
        )

    def waves(self, space: Sequence[int], spacing: Sequence[float], like: Tensor) -> list[Waves]:
        """What the field is a sum of, on a spatial canvas; ``spacing`` with the interval in front."""
        interval, steps = spacing[0], spacing[1:]
        radius = radial_spectrum.radius(space, steps, like)
        if self.relaxations is None:
            still = radial_spectrum.bent(radius, self.exponent, self.correlation_px)
            power = radial_spectrum.scaled(still, self.contrast, space).clamp(min=_DARKEST)
            decay = _decay(radius, self.correlation_px, self.lifetime_frames / interval, self.quickening)
            return [Waves(power, decay, 0.0)]
        return [
            Waves(
                radial_spectrum.straight(part.variances, radius),
                torch.full_like(radius, math.exp(-interval / part.lifetime_frames)),
                2 * math.pi * part.turns_per_frame * interval,
            )
            for part in self.relaxations
        ]

    def power(self, shape: Sequence[int], spacing: Sequence[float], like: Tensor) -> Tensor:
        """S(ω, f) on the half canvas of an `rfftn` over (time, space); infinite at zero where the mean is free."""
        frames, space = shape[0], shape[1:]
        parts = [w.power * relaxation.spectrum(w.decay, w.angle, frames) for w in self.waves(space, spacing, like.real)]
        power = sum(parts[1:], parts[0]).clamp(min=_DARKEST)
        if self.mean is None:
            power[(0,) * power.ndim] = math.inf
        return power

    def frames(self, space: Sequence[int], spacing: Sequence[float], generator: torch.Generator) -> Iterator[Tensor]:
        """An endless movie, frame by frame, of mean 0 where the mean is free; stationary from the first one on.

        Equation (1) of `relaxation` for every wave, so that one frame a relaxation is all that is remembered.
        """
        like = torch.zeros((), device=generator.device)
        waves = self.waves(space, spacing, like)

        def white() -> Tensor:
            return rfftn(torch.randn(tuple(space), generator=generator, device=generator.device), len(space))

        # A wave that does not turn has no use for its imaginary part.
        states = [(white(), white() if w.angle else None) for w in waves]
        while True:
            total = sum(w.power.sqrt() * real for w, (real, _) in zip(waves, states, strict=True))
            yield irfftn(torch.as_tensor(total), space) + (self.mean or 0.0)
            states = [_next(w, *state, white) for w, state in zip(waves, states, strict=True)]


def _next(
    waves: Waves, real: Tensor, imaginary: Tensor | None, white: Callable[[], Tensor]
) -> tuple[Tensor, Tensor | None]:
    """Equation (1) of `relaxation`, one frame on."""
    fresh = (1 - waves.decay**2).sqrt()
    if imaginary is None:
        return waves.decay * real + fresh * white(), None
    turn, across = waves.decay * math.cos(waves.angle), waves.decay * math.sin(waves.angle)
    return turn * real - across * imaginary + fresh * white(), across * real + turn * imaginary + fresh * white()


def _decay(radius: Tensor, correlation_px: float, lifetime: float, quickening: float) -> Tensor:
    """ρ of every radius; the lifetime in frames of this interval."""
    bend = 1 / (2 * math.pi * correlation_px)
    return torch.exp(-((1 + (radius / bend) ** 2) ** (quickening / 2)) / lifetime)
