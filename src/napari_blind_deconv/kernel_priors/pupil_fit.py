"""The fit of optical numbers by evidence: the instrument's first, from many starts, then aberrations, then errors.

Aberrations stay at zero unless they explain more than idle numbers would (Schwarz 1978, doi:10.1214/aos/1176344136),
the evidence divided by its dispersion.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.evidence import Evidence, NaturalSpectrum
from napari_blind_deconv.kernel_priors.bars import tempered
from napari_blind_deconv.kernel_priors.descent import descend
from napari_blind_deconv.kernel_priors.dispersion import Information, information
from napari_blind_deconv.kernel_priors.fit import Fit, Parameter, fitted
from napari_blind_deconv.kernel_priors.quantity import Unknown

if TYPE_CHECKING:
    from torch import Tensor

_SCOUT, _ITERATIONS = 16, 64
# Spherical aberration grows with depth and the evidence has a valley for every ring it adds: one start for each.
_DEPTHS_UM = (1.0, 4.0, 8.0, 13.0, 20.0, 28.0)
_ABERRATION = "zernike_"

_Found = tuple[float, dict[str, float], list["Tensor"]]


@dataclass(frozen=True)
class PupilFit:
    """What is fitted to what.

    Attributes
    ----------
    evidence
        The observation.
    unknowns
        The numbers to find.
    kernel_of
        The kernel of their values, by name; a missing aberration is zero.
    weight
        How many times their prior counts.
    """

    evidence: Evidence
    unknowns: Sequence[Unknown]
    kernel_of: Callable[[dict[str, Tensor]], Tensor]
    weight: float = 1.0

    def steps(self) -> Iterator[Fit]:
        """Better and better kernels; the last one with every number and its error."""
        spectrum = NaturalSpectrum.of(self.evidence)
        aberrations = [u for u in self.unknowns if u.name.startswith(_ABERRATION)]
        instrument = [u for u in self.unknowns if u not in aberrations]
        found, told, misses = yield from self._instrument(spectrum, instrument)
        if not self.unknowns:
            return
        if aberrations:
            start = {u.name: u.start for u in self.unknowns} | found[1]
            aberrated = yield from self._descended(spectrum, self.unknowns, start, told.dispersion, _ITERATIONS)
            gain = (found[0] - aberrated[0]) / told.dispersion
            if gain > 0.5 * len(aberrations) * math.log(self.evidence.independent / told.dispersion):
                found = aberrated
            else:
                misses |= {u.name: aberrated[1][u.name] for u in aberrations}
        told = self._information(spectrum, found)
        values = {u.name: 0.0 for u in aberrations} | found[1]
        kernel = self.kernel_of({name: torch.tensor(value) for name, value in values.items()})
        yield Fit(kernel, self._parameters(values, told, misses))

    def _instrument(
        self, spectrum: NaturalSpectrum, unknowns: list[Unknown]
    ) -> Generator[Fit, None, tuple[_Found, Information, dict[str, float]]]:
        """The best instrument without aberrations, what was told there, and how far off the other valleys lie."""
        if not unknowns:
            kernel = self.kernel_of({})
            found: _Found = (math.inf, {}, spectrum.start(kernel))
            for nats, image in descend(lambda *parts: spectrum.nats(kernel, *parts), found[2], _ITERATIONS):
                found = nats, {}, image
                yield Fit(kernel)
            return found, self._information(spectrum, found), {}
        scouts: list[_Found] = []
        for start in self._starts(unknowns):
            scout = yield from self._descended(spectrum, unknowns, start, 1.0, _SCOUT)
            scouts += [scout]
        told = self._information(spectrum, min(scouts, key=lambda s: s[0]))
        # What the observation tells is weighed down by its dispersion, the prior is not.
        scouts = [(nats + (told.dispersion - 1) * self._prior(values), values, s) for nats, values, s in scouts]
        best = min(scouts, key=lambda s: s[0])
        found = yield from self._descended(spectrum, unknowns, best[1], told.dispersion, _ITERATIONS)
        misses = {u.name: _spread_of(u.name, found, scouts, told.dispersion) for u in unknowns}
        return found, told, misses

    def _prior(self, values: dict[str, float]) -> float:
        """-log p of some of the unknowns, in nats."""
        costs = [float(u.cost(torch.tensor(values[u.name]))) for u in self.unknowns if u.name in values]
        return self.weight * sum(costs)

    def _descended(
        self,
        spectrum: NaturalSpectrum,
        unknowns: Sequence[Unknown],
        start: dict[str, float],
        dispersion: float,
        iterations: int,
    ) -> Generator[Fit, None, _Found]:
        def kernel(coordinates: Tensor) -> Tensor:
            return self._kernel(unknowns, coordinates)

        def cost(coordinates: Tensor) -> Tensor:
            costs = [u.cost(u.value(c)) for u, c in zip(unknowns, coordinates, strict=True)]
            return self.weight * dispersion * torch.stack(costs).sum()

        best: _Found = (math.inf, start, [])
        at = self._coordinates(unknowns, start)
        for nats, (coordinates,), image in fitted(spectrum, kernel, [at], cost=cost, iterations=iterations):
            values = {u.name: float(u.value(c)) for u, c in zip(unknowns, coordinates, strict=True)}
            best = nats, values, image
            yield Fit(kernel(coordinates))
        return best

    def _starts(self, unknowns: Sequence[Unknown]) -> list[dict[str, float]]:
        start = {u.name: u.start for u in unknowns}
        depth = next((u for u in unknowns if u.name == "depth_um"), None)
        if depth is None:
            return [start]
        depths = [d for d in _DEPTHS_UM if depth.low < d < depth.high] or [depth.start]
        return [{**start, "depth_um": d} for d in depths]

    def _coordinates(self, unknowns: Sequence[Unknown], values: dict[str, float]) -> Tensor:
        coordinates = [u.coordinate(values.get(u.name, u.start)) for u in unknowns]
        return torch.tensor(coordinates).to(self.evidence.periodogram)

    def _kernel(self, unknowns: Sequence[Unknown], coordinates: Tensor) -> Tensor:
        return self.kernel_of({u.name: u.value(c) for u, c in zip(unknowns, coordinates, strict=True)})

    def _information(self, spectrum: NaturalSpectrum, found: _Found) -> Information:
        """What the observation tells per spread of each number's prior."""
        values = {u.name: u.start for u in self.unknowns} | found[1]
        scales = torch.tensor([u.scale for u in self.unknowns]).to(self.evidence.periodogram)
        at = torch.tensor([values[u.name] for u in self.unknowns]).to(self.evidence.periodogram)

        def kernel(moved: Tensor) -> Tensor:
            inside = [v.clamp(u.low, u.high) for u, v in zip(self.unknowns, at + moved * scales, strict=True)]
            return self.kernel_of({u.name: v for u, v in zip(self.unknowns, inside, strict=True)})

        return information(spectrum, kernel, torch.zeros_like(at), found[2])

    def _parameters(
        self, values: dict[str, float], told: Information, misses: dict[str, float]
    ) -> dict[str, Parameter]:
        """Values with their errors: those of the valley, and how far off other valleys or refused aberrations lie."""
        scales = torch.tensor([u.scale for u in self.unknowns], dtype=torch.float64)
        prior = self.weight * (scales / torch.tensor([u.spread for u in self.unknowns], dtype=torch.float64)) ** 2
        errors = tempered(told, torch.diag(prior)).diagonal().sqrt() * scales
        return {
            u.name: Parameter(values[u.name], math.hypot(float(error), misses.get(u.name, 0.0)), u.unit)
            for u, error in zip(self.unknowns, errors, strict=True)
        }


def _spread_of(name: str, found: _Found, others: Sequence[_Found], dispersion: float) -> float:
    """Root mean square distance of the valleys that other starts led to, weighted by their posterior."""
    weights = [math.exp(min(0.0, (found[0] - other[0]) / dispersion)) for other in others]
    squares = [w * (other[1][name] - found[1][name]) ** 2 for w, other in zip(weights, others, strict=True)]
    return math.sqrt(sum(squares) / (1 + sum(weights)))
