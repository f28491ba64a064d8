"""The fit of optical numbers by evidence: the instrument's first, from many starts, then aberrations, then errors.

Aberrations stay at zero unless they explain more than idle numbers would (Schwarz 1978, doi:10.1214/aos/1176344136),
the evidence divided by its dispersion.
"""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_blind_deconv.evidence import Evidence, NaturalSpectrum
from napari_blind_deconv.kernel_priors.descent import descend
from napari_blind_deconv.kernel_priors.dispersion import Information, information
from napari_blind_deconv.kernel_priors.fit import Fit, Parameter, fitted
from napari_blind_deconv.kernel_priors.quantity import Unknown

_SCOUT, _ITERATIONS = 16, 64
# Spherical aberration grows with depth and the evidence has a valley for every ring it adds: one start for each.
_DEPTHS_UM = (1.0, 4.0, 8.0, 13.0, 20.0, 28.0)
_ABERRATION = "zernike_"

_Found = tuple[float, dict[str, float], list[Tensor]]


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
        found = yield from self._instrument(spectrum, instrument)
        if not self.unknowns:
            return
        told = self._information(spectrum, found)
        refused: dict[str, float] = {}
        if aberrations:
            aberrated = yield from self._everything(spectrum, found, told.dispersion)
            gain = (found[0] - aberrated[0]) / told.dispersion
            if gain > 0.5 * len(aberrations) * math.log(self.evidence.independent / told.dispersion):
                found, told = aberrated, self._information(spectrum, aberrated)
            else:
                refused = {u.name: aberrated[1][u.name] for u in aberrations}
        values = dict.fromkeys(refused, 0.0) | found[1]
        kernel = self.kernel_of({name: torch.tensor(value) for name, value in values.items()})
        yield Fit(kernel, self._parameters(values, told, refused))

    def _instrument(self, spectrum: NaturalSpectrum, unknowns: list[Unknown]) -> Generator[Fit, None, _Found]:
        """The best instrument without aberrations: every start a little way, the best one to the end."""
        if not unknowns:
            kernel = self.kernel_of({})
            best: _Found = (math.inf, {}, spectrum.start(kernel))
            for nats, image in descend(lambda *parts: spectrum.nats(kernel, *parts), best[2], _ITERATIONS):
                best = nats, {}, image
                yield Fit(kernel)
            return best
        best = (math.inf, {}, [])
        for start in self._starts(unknowns):
            found = yield from self._descended(spectrum, unknowns, start, 1.0, _SCOUT)
            best = min(best, found, key=lambda f: f[0])
        found = yield from self._descended(spectrum, unknowns, best[1], 1.0, _ITERATIONS)
        return min(best, found, key=lambda f: f[0])

    def _everything(self, spectrum: NaturalSpectrum, found: _Found, dispersion: float) -> Generator[Fit, None, _Found]:
        """Instrument and aberrations together, the prior as strong as the observation's dispersion makes it."""
        start = {u.name: u.start for u in self.unknowns} | found[1]
        return (yield from self._descended(spectrum, self.unknowns, start, dispersion, _ITERATIONS))

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
        self, values: dict[str, float], told: Information, refused: dict[str, float]
    ) -> dict[str, Parameter]:
        """Values with their errors; the error of a refused aberration reaches to where it would have been."""
        scales = torch.tensor([u.scale for u in self.unknowns], dtype=torch.float64)
        prior = self.weight * (scales / torch.tensor([u.spread for u in self.unknowns], dtype=torch.float64)) ** 2
        covariance = torch.linalg.inv(told.precision.cpu() / told.dispersion + torch.diag(prior))
        errors = covariance.diagonal().sqrt() * scales
        return {
            u.name: Parameter(values[u.name], math.hypot(float(error), refused.get(u.name, 0.0)), u.unit)
            for u, error in zip(self.unknowns, errors, strict=True)
        }
