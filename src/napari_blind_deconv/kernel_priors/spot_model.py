"""What a sum of spots costs under the evidence, and the local moves that better it: descend, grow, prune."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.evidence import NaturalSpectrum
from napari_blind_deconv.fourier import irfftn, rfftn, transfer
from napari_blind_deconv.kernel_priors.descent import descend
from napari_blind_deconv.kernel_priors.spots import refined_peaks, single, spots

if TYPE_CHECKING:
    from torch import Tensor

# Half width of the widest spot that is looked for, in pixels, and the bounds of a spot's width around the typical one.
_SPOT_RADIUS = 4
_WIDTHS = (-1.5, 2.0)
# Nats per squared pixel outside the support.
_WALL = 10.0
# Common shifts that are tried, in pixels: quarters, then eighths around the best; and how many are judged together.
_PHASES, _BATCH = ((-0.5, -0.25, 0.0, 0.25), (-0.125, 0.0, 0.125)), 16
_CANDIDATES, _INTENSITIES = 6, (0.4, 1.0, 2.0)
_STEPS, _STEPS_AFTER_LOSS = 16, 12


@dataclass(frozen=True)
class Guess:
    """A sum of spots, the image's spectrum that goes with it, and -log p of both.

    Attributes
    ----------
    places
        In pixels from the centre tap, ``(spots, ndim)``.
    levels
        Logarithms of the intensities, ``(spots,)``.
    widening
        Logarithm of the spots' width over the typical one, a scalar.
    image
        Parameters of the image's spectrum, as `NaturalSpectrum` takes them.
    nats
        -log p, without the cost of the number of spots.
    """

    places: Tensor
    levels: Tensor
    widening: Tensor
    image: Sequence[Tensor]
    nats: float = float("inf")

    @property
    def count(self) -> int:
        """Number of spots."""
        return len(self.levels)

    def without(self, index: int) -> Guess:
        """All spots but one."""
        kept = torch.arange(self.count, device=self.places.device) != index
        return replace(self, places=self.places[kept], levels=self.levels[kept])


@dataclass(frozen=True)
class SpotModel:
    """-log p of spots and spectrum.

    Attributes
    ----------
    spectrum
        Observation and image model.
    shape
        The kernel's support.
    width
        Typical standard deviation of a spot, in pixels.
    width_spread, intensity_spread
        Spreads of the logarithms of width and intensities.
    weight
        How many times these priors count.
    price
        What another spot must gain, in nats.
    """

    spectrum: NaturalSpectrum
    shape: tuple[int, ...]
    width: float
    width_spread: float
    intensity_spread: float
    weight: float
    price: float

    def start(self, places: Tensor, levels: Tensor) -> Guess:
        """Spots before any descent, under a spectrum that suits them roughly."""
        guess = Guess(centred(places), levels, levels.new_zeros(()), ())
        return replace(guess, image=self.spectrum.start(self.kernel(guess)))

    def kernel(self, guess: Guess) -> Tensor:
        """The kernel of a guess."""
        return spots(guess.places, guess.levels.exp(), self.shape, float(self.width * guess.widening.exp()))

    def score(self, guess: Guess) -> float:
        """What guesses of any number of spots are compared by, in nats."""
        return guess.nats + self.price * guess.count

    def cost(self, places: Tensor, levels: Tensor, widening: Tensor) -> Tensor:
        """-log p of the spots: log-normal intensities of mean about 1, log-normal width, places in the support."""
        around = levels - levels.mean()
        half = torch.tensor([n // 2 - 0.5 for n in self.shape]).to(places).clamp(min=0)
        outside = (places.abs() - half).clamp(min=0).square().sum()
        prior = (around / self.intensity_spread).square().sum() + (widening / self.width_spread) ** 2
        return self.weight * 0.5 * prior + 0.5 * levels.mean() ** 2 + _WALL * outside

    def refined(self, guess: Guess, steps: int = _STEPS) -> Guess:
        """Spots and spectrum after a joint descent, the spots' bounding box centred."""

        def nats(places: Tensor, levels: Tensor, widening: Tensor, *image: Tensor) -> Tensor:
            width = self.width * widening.clamp(*_WIDTHS).exp()
            kernel = spots(places, levels.exp(), self.shape, width)
            return self.spectrum.nats(kernel, *image) + self.cost(places, levels, widening)

        start = [guess.places, guess.levels, guess.widening, *guess.image]
        *_, (value, (places, levels, widening, *image)) = descend(nats, start, steps)
        return Guess(centred(places), levels, widening.clamp(*_WIDTHS), image, value)

    def grown(self, guess: Guess) -> Guess:
        """A spot more, where the evidence's gradient asks for it; not yet refined."""
        places, _ = refined_peaks(-self._slope(guess), _CANDIDATES, 0.05)
        mean = guess.levels.exp().mean()
        options = [
            replace(
                guess,
                places=torch.cat([guess.places, place[None]]),
                levels=torch.cat([guess.levels, (mean * factor).log()[None]]),
            )
            for place in places
            for factor in _INTENSITIES
        ]
        return options[int(self._at_once(options).argmin())] if options else guess

    def pruned(self, guess: Guess) -> Guess:
        """Without the spots that are not worth their price."""
        while guess.count > 1:
            smaller = self.shed(guess, 4 * self.price)
            if smaller.nats > guess.nats + self.price:
                break
            guess = smaller
        return guess

    def shed(self, guess: Guess, most: float = math.inf) -> Guess:
        """Without the spot that is missed least, refined; as it was with infinite nats where all cost over ``most``."""
        fewer = [guess.without(i) for i in range(guess.count)]
        losses = self._at_once(fewer) - self._at_once([guess])
        least = int(losses.argmin())
        if float(losses[least]) > most:
            return replace(guess, nats=math.inf)
        return self.refined(fewer[least], _STEPS_AFTER_LOSS)

    def completed(self, guess: Guess, most: int, patience: int) -> Guess:
        """Spots added and taken away until neither pays, ``patience`` times in a row."""
        best, failures = guess, 0
        while guess.count < most and failures < patience:
            guess = self.pruned(self.refined(self.grown(guess)))
            better = self.score(guess) < self.score(best) - 1
            best, failures = (guess, 0) if better else (best, failures + 1)
        return best

    def in_phase(self, guess: Guess) -> Guess:
        """The spots after the common shift between pixels that the evidence is for, all else as it is.

        Spots are sampled, and what aliases from beyond half a cycle per pixel interferes with what belongs below: where
        the image is strong up to there, |K| knows how the spots lie on the grid.
        """
        for steps in _PHASES:
            shifts = itertools.product(steps, repeat=guess.places.shape[1])
            moved = [replace(guess, places=guess.places + guess.places.new_tensor(s)) for s in shifts]
            nats = torch.cat([self._at_once(moved[i : i + _BATCH]) for i in range(0, len(moved), _BATCH)])
            guess = replace(moved[int(nats.argmin())], nats=float(nats.min()))
        return guess

    def _at_once(self, guesses: Sequence[Guess]) -> Tensor:
        """-log p of guesses that share one spectrum, as they are."""
        with torch.no_grad():
            costs = torch.stack([self.cost(g.places, g.levels, g.widening) for g in guesses])
            return self.spectrum.data(torch.stack([self.kernel(g) for g in guesses]), *guesses[0].image) + costs

    def _slope(self, guess: Guess) -> Tensor:
        """Derivative of the data's nats by the intensity of a new spot, at every pixel."""
        kernel = self.kernel(guess).detach().requires_grad_(True)
        with torch.enable_grad():
            slope = torch.autograd.grad(self.spectrum.data(kernel, *[t.detach() for t in guess.image]), kernel)[0]
        width = float(self.width * guess.widening.exp())
        seen = spread(slope, width)
        return seen - (slope * kernel.detach()).sum()


def spread(values: Tensor, width: float) -> Tensor:
    """Values as a spot sees them: correlated with one, zero beyond the support."""
    odd = [min(2 * _SPOT_RADIUS + 1, 2 * n - 1) for n in values.shape]
    spot = single(values.new_zeros(1, values.ndim), odd, width)[0]
    canvas = [n + 2 * _SPOT_RADIUS for n in values.shape]
    padded = values.new_zeros(canvas)
    padded[tuple(slice(0, n) for n in values.shape)] = values
    seen = irfftn(rfftn(padded, values.ndim) * transfer(spot, canvas), canvas)
    return seen[tuple(slice(0, n) for n in values.shape)]


def centred(places: Tensor) -> Tensor:
    """Places whose bounding box is centred on the centre tap."""
    return places - (places.amax(0) + places.amin(0)) / 2
