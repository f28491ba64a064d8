"""Kernels of one radius: what defocus and diffraction share. Their draws, their update, and their fit by evidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.evidence import Evidence, NaturalSpectrum
from napari_blind_deconv.kernel_priors.along import departure
from napari_blind_deconv.kernel_priors.descent import descend, minimum
from napari_blind_deconv.kernel_priors.dispersion import information
from napari_blind_deconv.kernel_priors.figures import Figures
from napari_blind_deconv.kernel_priors.fit import Fit, Parameter
from napari_blind_deconv.statistics import KernelStatistics

if TYPE_CHECKING:
    from torch import Tensor

# Radii are scanned from here to the support's longest half: in pixels, this factor apart. In between, because the dark
# rings of a disk's transfer function must meet the observation's, at this distance in pixels.
_SMALLEST, _STEP, _FINE_STEP = 0.5, 1.6, 0.3
_SCAN_ITERATIONS, _ITERATIONS = 16, 64
# Unit of the logarithm of the radius.
_UNIT = 0.1
_STARTS = 3
_CANDIDATES, _BATCH, _SCAN_UPDATES = 4, 8, 8

OfRadius = Callable[["Tensor"], "Tensor"]


def coarse(shape: Sequence[int], like: Tensor) -> Tensor:
    """Radii in pixels that a support can hold, log-spaced."""
    largest = max(max(shape) / 2, 2 * _SMALLEST)
    count = math.ceil(math.log(largest / _SMALLEST) / math.log(_STEP)) + 1
    return torch.logspace(math.log10(_SMALLEST), math.log10(largest), count).to(like)


def fine(shape: Sequence[int], like: Tensor) -> Tensor:
    """Radii in pixels that a support can hold, evenly spaced."""
    return torch.arange(_SMALLEST, max(max(shape) / 2, 2 * _SMALLEST), _FINE_STEP).to(like)


def radius_by_evidence(
    evidence: Evidence, kernel_of: OfRadius, cost: Callable[[Tensor], Tensor], shape: Sequence[int]
) -> Iterator[Fit]:
    """Scan the radii, then descend from the best; the last fit names ``radius_px`` with its error.

    Parameters
    ----------
    evidence
        The observation.
    kernel_of
        The kernel of a radius in pixels, differentiable.
    cost
        -log p of a radius in nats.
    shape
        Support of the kernel.
    """
    spectrum = NaturalSpectrum.of(evidence)

    def nats(place: Tensor, *image: Tensor) -> Tensor:
        radius = _radius(place)
        return spectrum.nats(kernel_of(radius), *image) + cost(radius)

    found: list[tuple[float, list[Tensor]]] = []
    for radius in torch.cat([_dips(evidence, kernel_of, cost, shape), coarse(shape, evidence.periodogram)]):
        place, kernel = _place(radius), kernel_of(radius)
        # At a fixed radius first: while the spectrum is far off, it would drive the radius out of its narrow basin.
        *_, (value, image) = descend(partial(nats, place), spectrum.start(kernel), _SCAN_ITERATIONS)
        found.append((value, [place, *image]))
        yield Fit(kernel_of(_radius(min(found, key=_value)[1][0])))
    ends: list[tuple[float, list[Tensor]]] = []
    for _, start in sorted(found, key=_value)[:_STARTS]:
        end = (math.inf, start)
        for end in descend(nats, start, _ITERATIONS):
            yield Fit(kernel_of(_radius(min([*ends, end], key=_value)[1][0])))
        ends.append(end)
    ends.sort(key=_value)
    radius = _radius(ends[0][1][0])
    error = _error(spectrum, kernel_of, nats, [*ends, *sorted(found, key=_value)], shape)
    yield Fit(kernel_of(radius), {"radius_px": Parameter(float(radius), error, "px")})


def _error(
    spectrum: NaturalSpectrum,
    kernel_of: OfRadius,
    nats: Callable[..., Tensor],
    modes: Sequence[tuple[float, list[Tensor]]],
    shape: Sequence[int],
) -> float:
    """Root-mean-square departure from the radius of the first of the points that were found, over the posterior."""
    place, *image = modes[0][1]
    told = information(spectrum, lambda p: kernel_of(_radius(p[0])), place[None], image)
    deviation = min(float(told.precision[0, 0]) ** -0.5, 1 / _UNIT)
    bounds = [float(_place(place.new_tensor(r))) for r in (_SMALLEST / 2, max(max(shape), 4 * _SMALLEST))]
    return float(
        departure(nats, modes, told.curvature[1:, 1:], deviation, told.dispersion, (bounds[0], bounds[1]), _radius)
    )


def radius_figures(fit: Fit, kernel_of: OfRadius, cost: Callable[[Tensor], Tensor]) -> Figures:
    """The logarithm of the radius at a fit; arguments as of `radius_by_evidence`."""
    start = fit.kernel.new_tensor([math.log(fit.parameters["radius_px"].value)])
    return Figures(
        start=start,
        directions=(torch.ones_like(start)[None],),
        kernel_of=lambda theta: kernel_of(theta[0].exp()),
        cost=lambda theta: cost(theta[0].exp()),
        described=lambda theta: {"radius_px": Parameter(float(theta[0].exp()), unit="px")},
    )


def _radius(place: Tensor) -> Tensor:
    """The radius as it is descended over: its logarithm, in units about as far apart as the evidence can tell."""
    return (_UNIT * place).exp()


def _place(radius: Tensor) -> Tensor:
    return radius.log() / _UNIT


def _value(pair: tuple[float, list[Tensor]]) -> float:
    return pair[0]


def _dips(evidence: Evidence, kernel_of: OfRadius, cost: Callable[[Tensor], Tensor], shape: Sequence[int]) -> Tensor:
    """The deepest local minima of the evidence over the radius, the image's spectrum free."""
    grid = fine(shape, evidence.periodogram)
    nats = [evidence(torch.stack([kernel_of(r) for r in b]), updates=_SCAN_UPDATES) for b in grid.split(_BATCH)]
    values = torch.cat(nats) * evidence.independent + cost(grid)
    walled = torch.nn.functional.pad(values, (1, 1), value=math.inf)
    dips = ((values <= walled[:-2]) & (values <= walled[2:])).nonzero().flatten()
    return grid[dips[values[dips].argsort()[:_CANDIDATES]]]


def radius_by_statistics(
    statistics: KernelStatistics, kernel: Tensor, kernel_of: OfRadius, cost: Callable[[Tensor], Tensor], weight: float
) -> Tensor:
    """The kernel of the radius that minimises energy and cost, the best of all scanned radii as the start.

    The statistics are in nats; ``weight`` multiplies the cost. ``kernel`` is the last one: it decides nothing.
    """

    def objective(place: Tensor) -> Tensor:
        radius = _radius(place)
        return statistics.energy(kernel_of(radius), kernel) + weight * cost(radius)

    starts = _place(fine(statistics.shape, statistics.correlation))
    start = starts[int(torch.stack([objective(s) for s in starts]).argmin())]
    return kernel_of(_radius(minimum(objective, [start], _ITERATIONS)[0]))


def log_normal(radius: Tensor, median: float, spread: float) -> Tensor:
    """-log p of a radius, in nats, per unit of its logarithm."""
    return 0.5 * ((radius / median).log() / spread) ** 2


def mirrored(quadrant: Tensor) -> Tensor:
    """A plane from its quadrant of non-negative coordinates: the centre tap is the quadrant's first."""
    half = torch.cat([quadrant[1:].flip(0), quadrant])
    return torch.cat([half[:, 1:].flip(1), half], 1)
