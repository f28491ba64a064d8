"""The sum of the regional evidences, and its descent over polynomials of a family's figures.

All regions share the image's spectrum but for its level and a little else: were each free in its own, a wide blur here
and a steep spectrum there would explain each other (`evidence.NaturalSpectrum`).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.estimation.polynomials import Term, at, constant, groups
from napari_blind_deconv.estimation.regions import regions, shown
from napari_blind_deconv.estimation.variation import Smooth, Step, Surface
from napari_blind_deconv.evidence import Evidence, NaturalSpectrum
from napari_blind_deconv.evidence.smearing import smeared
from napari_blind_deconv.forward import Noise
from napari_blind_deconv.kernel_priors.descent import descend
from napari_blind_deconv.kernel_priors.figures import Figures
from napari_blind_deconv.restoration.blockwise import Observed

if TYPE_CHECKING:
    from torch import Tensor

# What a figure costs, and standard errors over the regions by which a gain must exceed zero (`estimation.choice`); what
# a group costs for having been asked for, as several are: odds of one in twenty.
_PRICE, _BEYOND, _ASKED = 2.0, 1.0, 3.0
# How far a region's spectrum may depart from the common one, relative to how far that may from the line; its grain may
# as far, as a few fibres have a direction.
_OWN = 0.3
# Prior of a figure's change over the field, in its own unit.
_SPREAD = 0.5
# Of the descent: at most so many iterations, and none after a gain of less than this in nats.
_ITERATIONS, _ENOUGH = 160, 0.05
# Starts at most, and a gain in nats of a whole descent after which it is started again.
_STARTS, _AGAIN = 6, 0.5
# Places of a spectrum's parameters (`NaturalSpectrum`): those whose departures regions have of their own.
_LINE, _OWNED = 1, (0, 2)


@dataclass(frozen=True)
class Pieces:
    """The evidences of regions of one shape.

    Attributes
    ----------
    spectrum
        The model of the first one's spectrum; that of the others is the same.
    evidence
        The first one's, with the periodograms and noise floors of all, ``(regions, *kept)``.
    places
        Of every region, from -1 to 1 along each axis of the field.
    """

    spectrum: NaturalSpectrum
    evidence: Evidence
    places: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, found: Sequence[Evidence], places: Sequence[tuple[float, ...]]) -> Pieces:
        """Evidences of one shape, all in the unit of the first one's noise."""
        units = [(evidence.noise_sigma / found[0].noise_sigma) ** 2 for evidence in found]
        together = replace(
            found[0],
            periodogram=torch.stack([e.periodogram * unit for e, unit in zip(found, units, strict=True)]),
            floor=torch.stack([e.floor * unit for e, unit in zip(found, units, strict=True)]),
            independent=sum(e.independent for e in found) / len(found),
        )
        return cls(NaturalSpectrum.of(found[0]), together, tuple(places))


@dataclass(frozen=True)
class State:
    """A surface, the nats of every region under it, where the spectra ended, and the nats of all with the priors."""

    surface: Surface
    nats: Tensor
    spectra: list[Tensor]
    total: float = math.inf


def pieces_of(source: Observed, noise: Noise, spacing: tuple[float, ...], kernel_shape: tuple[int, ...]) -> Pieces:
    """The regions of an observation."""
    batch, *space = source.shape
    found, places = [], []
    for region in regions(space, kernel_shape):
        frames = [source.read(slice(int(i), int(i) + 1), region.box)[0] for i in shown(batch)]
        found.append(Evidence.of(torch.cat(frames), noise, spacing=spacing))
        places.append(region.place)
    return Pieces.of(found, places)


Asked = Sequence[tuple[str, list[Term]]]
"""Groups of terms with their names, in the order in which they are asked for."""


def asked_of(pieces: Pieces, smooth: Smooth) -> Asked:
    """What is asked of a field: what its regions can tell apart."""
    several = [len(set(along)) > 1 for along in zip(*pieces.places, strict=True)]
    return groups(several, smooth.order)


def varied(
    pieces: Pieces, family: Figures, asked: Asked, weight: float = 1.0
) -> Generator[Surface, None, tuple[Surface, tuple[Step, ...]]]:
    """Which groups of terms pay, each asked for in turn; the surface so far after every chunk of a descent.

    Parameters
    ----------
    pieces
        The regions.
    family
        A family at its fit for all of the field.
    asked
        The groups.
    weight
        How many times the family's prior counts.
    """
    descent = Descent(pieces, weight)
    before = yield from descent.uniform(family)
    steps: list[Step] = []
    kept: list[Term] = []
    for number, directions in enumerate(family.directions):
        # All figures are free to vary by the terms by which the first ones do.
        further: Asked = asked if number == 0 else [("all its figures", [])] if kept else []
        for name, terms in further:
            after = yield from descent.along([*kept, *terms], directions, before)
            old = len(family.directions[number - 1]) * len(kept) if number else len(directions) * len(kept)
            step = _judged(name, before, after, len(directions) * (len(kept) + len(terms)) - old)
            steps.append(step)
            if step.kept:
                kept, before = [*kept, *terms], after
    return before.surface, tuple(steps)


def _judged(name: str, before: State, after: State, figures: int) -> Step:
    """Whether more is gained than figures cost, and by the regions evenly."""
    gain, penalty, gains = before.total - after.total, _PRICE * figures + _ASKED, before.nats - after.nats
    error = math.sqrt(len(gains)) * float(gains.std(correction=0))
    return Step(name, gain, penalty, gain > penalty and float(gains.sum()) > _BEYOND * error)


@dataclass(frozen=True)
class Descent:
    """The sum of the regional evidences of some regions.

    Attributes
    ----------
    pieces
        The regions.
    weight
        How many times the family's prior counts.
    """

    pieces: Pieces
    weight: float

    def uniform(self, family: Figures) -> Generator[Surface, None, State]:
        """One kernel for all regions, from the family's start."""
        terms = (constant(len(self.pieces.places[0])),)
        start = Surface(family, terms, family.start[None])
        kernel = family.kernel_of(family.start)
        return (yield from self._descended(State(start, torch.zeros(0), self._spectra(kernel)), family.directions[0]))

    def along(self, terms: Sequence[Term], directions: Tensor, before: State) -> Generator[Surface, None, State]:
        """Figures that vary by these terms, along directions, from a state of fewer terms or directions."""
        old = before.surface
        known = dict(zip(old.terms, old.coefficients, strict=True))
        rows = [known.get(term, torch.zeros_like(old.coefficients[0])) for term in terms]
        surface = replace(old, terms=(old.terms[0], *terms), coefficients=torch.stack([old.coefficients[0], *rows]))
        return (yield from self._descended(replace(before, surface=surface), directions))

    def _descended(self, start: State, directions: Tensor) -> Generator[Surface, None, State]:
        surface, family = start.surface, start.surface.family
        basis = torch.tensor([at(place, surface.terms) for place in self.pieces.places]).to(surface.coefficients)

        rows = [tuple(row) for row in basis.tolist()]

        def coefficients(mean: Tensor, changes: Tensor) -> Tensor:
            return torch.cat([mean[None], changes @ directions])

        def regional(mean: Tensor, changes: Tensor, *spectra: Tensor) -> Tensor:
            thetas = basis @ coefficients(mean, changes)
            # Regions of equal terms share a kernel.
            kernels = {row: family.kernel_of(theta) for row, theta in zip(rows, thetas, strict=True)}
            return self._nats(torch.stack([kernels[row] for row in rows]), spectra)

        def nats(mean: Tensor, changes: Tensor, *spectra: Tensor) -> Tensor:
            prior = self.weight * family.cost(mean) + 0.5 * (changes / _SPREAD).square().sum()
            common = self.pieces.spectrum.prior(*spectra[:5])
            return regional(mean, changes, *spectra).sum() + common + prior

        changes = surface.coefficients[1:] @ directions.T
        state = replace(start, surface=surface)
        arguments = [surface.coefficients[0], changes, *start.spectra]
        for _ in range(_STARTS):
            # A line search that fails ends a descent early; gains are compared between ends that no new start betters.
            first, last = math.inf, math.inf
            for value, found in descend(nats, arguments, _ITERATIONS):
                arguments = found
                with torch.no_grad():
                    now = replace(surface, coefficients=coefficients(*arguments[:2]))
                    state = State(now, regional(*arguments), arguments[2:], value)
                yield now
                first = value if first == math.inf else first
                if last - value < _ENOUGH:
                    break
                last = value
            if first - state.total < _AGAIN:
                break
        return state

    def _spectra(self, kernel: Tensor) -> list[Tensor]:
        """To begin with: the common spectrum, each region's level and tilt, and further departures from it."""
        one = self.pieces.evidence
        starts = [
            replace(self.pieces.spectrum, evidence=replace(one, periodogram=p, floor=f)).start(kernel)
            for p, f in zip(one.periodogram, one.floor, strict=True)
        ]
        common = [torch.stack(parts).mean(0) for parts in zip(*starts, strict=True)]
        levels = torch.stack([start[_LINE][0] for start in starts]) - common[_LINE][0]
        lines = torch.stack([levels, torch.zeros_like(levels)], 1)
        return [*common, lines, *(common[i].new_zeros(len(starts), common[i].numel()) for i in _OWNED)]

    def _nats(self, kernels: Tensor, spectra: Sequence[Tensor]) -> Tensor:
        """-log p of every region and of its own spectrum, in nats."""
        departure, line, grain, _, colour, lines, departures, grains = spectra
        evidence, spectrum = self.pieces.evidence, self.pieces.spectrum
        levels, tilts = line[0] + lines[:, :1], line[1] + _OWN * lines[:, 1:]
        bends = (departure + _OWN * departures) @ spectrum.basis.T
        nodes = (levels - tilts * spectrum.place + bends).clamp(-20, 60).exp()
        shape = (torch.tensordot(grain + grains, evidence.grains, 1) + spectrum.sampling).exp()
        model = evidence.power(kernels) * evidence.at_frequencies(nodes) * shape
        # Noise that differs from region to region is more than `Evidence.nats` takes.
        expected = smeared(model, evidence.ndim) + evidence.noise(colour)
        values = (evidence.periodogram / expected + expected.log()) * evidence.weights
        data = values.flatten(-evidence.ndim).sum(-1) + 2 * math.log(evidence.noise_sigma)
        prior = departures.square().sum(1) + grains.square().sum(1) + lines[:, 1].square()
        return data * evidence.independent + 0.5 * prior
