"""A diffuser or a lenslet array: the kernel is a sum of sharp spots."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Le

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.evidence import Evidence, NaturalSpectrum
from napari_blind_deconv.kernel_priors.descent import minimum
from napari_blind_deconv.kernel_priors.fit import Fit, Parameter, explained
from napari_blind_deconv.kernel_priors.many_figures import errors_of
from napari_blind_deconv.kernel_priors.spot_model import Guess, SpotModel, spread
from napari_blind_deconv.kernel_priors.spot_search import searched
from napari_blind_deconv.kernel_priors.spots import in_one_piece, refined_peaks, spots
from napari_blind_deconv.kernel_priors.upright import upright
from napari_blind_deconv.statistics import KernelStatistics

if TYPE_CHECKING:
    from torch import Tensor

# What another spot must gain, in nats (decision 0012).
_PRICE = 18.0
_TYPICAL_COUNT, _MOST_DRAWN = 10, 40
_UPDATE_ITERATIONS = 64
_PEAK = 0.1
# Degree of the image's ridges in planes and in volumes.
_RIDGES = {2: 8, 3: 4}
# Root mean square error of the place between pixels, in pixels per axis: the mean kernel is that much wider.
_PHASE_ERROR = 0.25
# Spots whose taps touch above this share of the brightest, over more widths than this and a pixel, are no spots.
_TOUCHING, _SPOT_WIDTHS = 0.1, 4.7


@component
class Lenslets:
    """Several sharp copies of the scene on top of each other: k = Σ w_i spot(r - r_i).

    Fitted by evidence: phases for the modulus that the observation shows, then places, intensities and number of the
    spots together with the image's spectrum.
    """

    kind: Literal["lenslets"] = "lenslets"
    count: Annotated[int, Ge(1), Le(200)] | None = None
    """Number of spots. None: it is found."""
    width_px: Annotated[float, Ge(0.2), Le(20)] = 0.5
    """Typical standard deviation of a spot, in pixels: the median of the prior."""
    width_spread: Annotated[float, Ge(0.01), Le(5)] = 0.3
    """Spread of the logarithm of the width around the typical one; all spots have the same width."""
    intensity_spread: Annotated[float, Ge(0.01), Le(5)] = 0.5
    """Spread of the logarithms of the spots' intensities."""

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Spots anywhere on the support, two widths from its border; 3 to 40 where ``count`` is not given."""
        count = self.count
        if count is None:
            drawn = _TYPICAL_COUNT * math.exp(0.6 * float(torch.randn((), generator=generator)))
            count = min(max(round(drawn), 3), _MOST_DRAWN)
        half = torch.tensor([max(n / 2 - 2 * self.width_px, 0) if n > 1 else 0.0 for n in shape])
        places = (2 * torch.rand(count, len(shape), generator=generator) - 1) * half
        levels = self.intensity_spread * torch.randn(count, generator=generator)
        width = self.width_px * math.exp(self.width_spread * float(torch.randn((), generator=generator)))
        return spots(places, levels.exp(), shape, width)

    def fit(self, evidence: Evidence, shape: tuple[int, ...], weight: float = 1.0) -> Iterator[Fit]:
        """Find the spots and their place between pixels by the evidence, their turn by the image's edges.

        Parameters
        ----------
        evidence
            The observation.
        shape
            Odd shape of the kernel, one axis per spatial axis.
        weight
            How many times the priors of width and intensities count.

        Yields
        ------
        Fit
            The best kernel so far; the last one is the answer, with the number of spots, their width and how unequal
            they are.

        Raises
        ------
        InputError
            For spots wider than the kernel.
        """
        if 2 * self.width_px > max(shape):
            raise InputError(
                subject="kernel_prior.width_px",
                value=f"is {self.width_px:g}",
                allowed=f"but such wide spots do not fit into a PSF of {shape} pixels",
                remedy="choose a larger `kernel_size`, or narrower spots",
            )
        yield from self._searched(evidence, shape, weight)

    def challenge(self, evidence: Evidence, rival: Tensor, weight: float = 1.0) -> Iterator[Fit]:
        """As `fit` on the support of ``rival``, but done after one round of the search unless it explains more."""
        yield from self._searched(evidence, tuple(rival.shape), weight, rival)

    def _searched(
        self, evidence: Evidence, shape: tuple[int, ...], weight: float, rival: Tensor | None = None
    ) -> Iterator[Fit]:
        spectrum = NaturalSpectrum.of(evidence.in_one_window(), ridges=_RIDGES.get(evidence.ndim, 0))
        model = SpotModel(spectrum, shape, self.width_px, self.width_spread, self.intensity_spread, weight, _PRICE)
        bar = math.inf if rival is None else explained(spectrum, rival)
        search = searched(model, self.count, torch.Generator().manual_seed(0), bar)
        guess: Guess | None = None
        for guess in search:
            yield Fit(model.kernel(guess))
        if guess is not None:
            yield self._settled(evidence, model, guess)

    def update(self, statistics: KernelStatistics, kernel: Tensor, weight: float) -> Tensor:
        """Places, intensities and width of the spots in ``kernel``, moved to what the statistics ask for.

        The statistics are in nats; ``weight`` multiplies the prior's cost.
        """
        shape = tuple(kernel.shape)
        places, heights = refined_peaks(spread(kernel, self.width_px), self.count or _MOST_DRAWN, _PEAK)
        levels = (heights.clamp(min=1e-12) / heights.mean()).log()

        def rendered(places: Tensor, levels: Tensor, widening: Tensor) -> Tensor:
            return spots(places, levels.exp(), shape, self.width_px * widening.clamp(-1.5, 2).exp())

        def energy(places: Tensor, levels: Tensor, widening: Tensor) -> Tensor:
            around = levels - levels.mean()
            prior = (around / self.intensity_spread).square().sum() + (widening / self.width_spread) ** 2
            data = statistics.energy(rendered(places, levels, widening), kernel)
            return data + 0.5 * weight * prior + 0.5 * levels.mean() ** 2

        return rendered(*minimum(energy, [places, levels, levels.new_zeros(())], _UPDATE_ITERATIONS))

    def owns(self, kernel: Tensor) -> bool:
        """Whether the spots stand apart; a chain of spots that touch is a path or a shape of its own."""
        widest = _SPOT_WIDTHS * math.hypot(self.width_px * math.exp(self.width_spread), _PHASE_ERROR) + 1
        return not in_one_piece(kernel, above=_TOUCHING, wider_than=widest)

    def _settled(self, evidence: Evidence, model: SpotModel, guess: Guess) -> Fit:
        """The fit in the turn that the edges speak for, around the centre tap."""
        guess = model.in_phase(guess)
        width = float(self.width_px * guess.widening.exp())

        kernel = model.kernel(guess)
        places = guess.places if upright(evidence, kernel) is kernel else -guess.places
        shares = guess.levels.exp() / guess.levels.exp().sum()
        # Whole pixels change nothing but the centre of mass.
        places = places - (places * shares[:, None]).sum(0).round()
        contrast, errors = _contrast(guess.levels), self._errors(model, guess)
        parameters = {
            "count": Parameter(float(guess.count)),
            "width_px": Parameter(width, errors[0], "px"),
            "intensity_spread": Parameter(float(contrast), errors[1] if guess.count > 1 else None),
        }
        freedom = guess.count * (len(model.shape) + 1)
        kernel = spots(places, guess.levels.exp(), model.shape, math.hypot(width, _PHASE_ERROR))
        return Fit(kernel, parameters, freedom=freedom)

    def _errors(self, model: SpotModel, guess: Guess) -> list[float]:
        """Standard errors of width and contrast, the number of spots taken for right."""
        count, shape = guess.count, guess.places.shape
        theta = torch.cat([guess.places.flatten(), guess.levels, guess.widening[None]])

        def parts(theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return theta[: -count - 1].reshape(shape), theta[-count - 1 : -1], theta[-1]

        def kernel_of(theta: Tensor) -> Tensor:
            places, levels, widening = parts(theta)
            return spots(places, levels.exp(), model.shape, self.width_px * widening.exp())

        def figures(theta: Tensor) -> Tensor:
            _, levels, widening = parts(theta)
            return torch.stack([self.width_px * widening.exp(), _contrast(levels)])

        return errors_of(figures, model.spectrum, kernel_of, theta, guess.image, lambda at: model.cost(*parts(at)))


def _contrast(levels: Tensor) -> Tensor:
    """Spread of the logarithms of intensities."""
    return levels.std(correction=0) if len(levels) > 1 else torch.zeros_like(levels[0])
