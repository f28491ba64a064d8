"""Periodograms in shells of spatial frequency, and spectra of few figures fitted to them by Whittle's likelihood."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scipy import optimize
from torch import Tensor

from napari_blind_deconv.fourier import multiplicity, periodogram
from napari_blind_deconv.image_priors import radial_spectrum

# Shells per factor of e in radius: finer than what is fitted varies.
_PER_FOLD = 12
_DARKEST = 1e-12


@dataclass(frozen=True)
class Shells:
    """Mean ordinates P(s, ω) of the windowed periodogram, over the frequencies of one spatial radius.

    Attributes
    ----------
    radius
        Mean spatial radius of every shell, in cycles per smallest pixel, ``(shells,)``.
    ordinates
        ``(shells, frames)``, one column per temporal frequency as of an `fft`; one column where nothing moves.
    weights
        Numbers of frequencies behind an ordinate, ``(shells, 1)``.
    frames
        Number of frames; 1 where nothing moves.
    """

    radius: Tensor
    ordinates: Tensor
    weights: Tensor
    frames: int = 1

    @classmethod
    def of(cls, images: Tensor, spacing: Sequence[float], *, moving: bool = False) -> "Shells":
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
        place = radial_spectrum.radius(space, steps, values)
        counts = multiplicity(space, values)
        used = place > radial_spectrum.lowest(space, steps)
        shell = (place[used] / place[used].min()).log().mul(_PER_FOLD).floor().long()
        _, shell = shell.unique(return_inverse=True)
        number = int(shell.max()) + 1
        weights = values.new_zeros(number).index_add(0, shell, counts[used])
        radius = values.new_zeros(number).index_add(0, shell, (counts * place)[used]) / weights
        columns = (found.reshape(frames, *place.shape) * counts)[:, used]
        sums = values.new_zeros(number, frames).index_add(0, shell, columns.T)
        return cls(radius, sums.div(weights[:, None]).clamp(min=_DARKEST), weights[:, None], frames)

    def loss(self, model: Tensor) -> Tensor:
        """Whittle's Σ [ P / S + log S ] over all frequencies; S ``(shells, frames)``."""
        return (self.weights * (self.ordinates / model + model.log())).sum()

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
            The spectrum of the figures, but for its level, ``(shells, frames)`` or what broadcasts to it.
        start, bounds
            One entry per figure; figures are searched on a logarithmic scale where they are bounded above zero.
        """
        logarithmic = [low > 0 for low, _ in bounds]
        share = self.weights / (self.weights.sum() * self.ordinates.shape[1])

        def figures_of(coordinates: Sequence[float]) -> list[float]:
            values = [math.exp(c) if log else float(c) for c, log in zip(coordinates, logarithmic, strict=True)]
            return [min(max(v, low), high) for v, (low, high) in zip(values, bounds, strict=True)]

        def profiled(figures: Sequence[float]) -> tuple[float, float]:
            model = shape_of(figures).clamp(min=_DARKEST).expand_as(self.ordinates)
            level = float((share * self.ordinates / model).sum())
            return level, math.log(level) + float((share * model.log()).sum())

        begun = [math.log(v) if log else v for v, log in zip(start, logarithmic, strict=True)]
        options = {"xatol": 1e-3, "fatol": 1e-7, "maxiter": 200 * len(begun)}
        found = optimize.minimize(lambda c: profiled(figures_of(c))[1], begun, method="Nelder-Mead", options=options)
        figures = figures_of(found.x)
        return figures, profiled(figures)[0]
