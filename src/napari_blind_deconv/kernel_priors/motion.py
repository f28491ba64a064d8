"""Motion at constant speed along a smooth path: a straight line first, then a trajectory."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Le

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import component
from napari_blind_deconv.evidence import Evidence
from napari_blind_deconv.kernel_priors.descent import descend, minimum
from napari_blind_deconv.kernel_priors.fit import Fit, Parameter
from napari_blind_deconv.kernel_priors.free_radial import FreeRadial
from napari_blind_deconv.kernel_priors.many_figures import errors_of
from napari_blind_deconv.kernel_priors.paths import (
    bending,
    bends,
    best_of_each_length,
    kernel_of,
    lines,
    segment_lengths,
)
from napari_blind_deconv.kernel_priors.upright import upright
from napari_blind_deconv.statistics import KernelStatistics

if TYPE_CHECKING:
    from torch import Tensor

# Measured on photographs under motion blur (decision 0008).
_BATCH = 8
_BENDS_PER_LINE, _STARTS = 2, 8
_COARSE_UPDATES = 5
_ITERATIONS, _LAST_ITERATIONS = 24, 48
# By how much the curvature's bars are short, as the spectrum is fitted beside the path: measured (decision 54).
_SHORT = 1.2
# Bends per direction across the path that the random walk leaves free, beside length and direction.
_FREE_BENDS = 4


@component
class Motion:
    """A camera or stage that moves while the shutter is open.

    Fitted by evidence: straight lines over length and direction, bends of the best few, then the control points of
    the best of these together with the image's spectrum, by gradients. Bending has a cost, that
    of a random walk of direction.
    """

    kind: Literal["motion"] = "motion"
    points: Annotated[int, Ge(3), Le(32)] = 7
    """Control points of the path."""
    turn_rad: Annotated[float, Ge(0.01), Le(10)] = 0.45
    """Change of direction from start to end, root mean square, in radians; smaller is straighter."""
    width_px: Annotated[float, Ge(0.1), Le(20)] = 0.45
    """Standard deviation of the trace across the path, in pixels."""

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """The kernel of a random `path`."""
        return self._kernel(self.path(shape, generator), shape)

    def path(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Control points of a path of random length (a third to all of the support), its direction a random walk."""
        free = torch.tensor([float(n > 1) for n in shape])
        heading = torch.randn(len(shape), generator=generator) * free
        steps = torch.randn(self.points - 1, len(shape), generator=generator) * free
        directions = (heading / heading.norm().clamp(min=1e-6))[None].repeat(self.points - 1, 1)
        for i in range(1, self.points - 1):
            turned = directions[i - 1] + steps[i] * self.turn_rad / math.sqrt(self.points - 2)
            directions[i] = turned / turned.norm().clamp(min=1e-6)
        share = 1 / 3 + 2 / 3 * float(torch.rand(1, generator=generator))
        points = torch.cat([torch.zeros(1, len(shape)), directions.cumsum(0)])
        extent = (points.amax(0) - points.amin(0)) / torch.tensor([max(n - 2, 1) for n in shape])
        return points * share / extent.max().clamp(min=1e-6)

    def fit(self, evidence: Evidence, shape: tuple[int, ...], weight: float = 1.0) -> Iterator[Fit]:
        """Find the path by the evidence alone.

        Parameters
        ----------
        evidence
            The observation.
        shape
            Odd shape of the kernel, one axis per spatial axis; the path does not move along axes of length 1.
        weight
            How many times the cost of bending counts.

        Yields
        ------
        Fit
            The best kernel so far, centred on its centre of mass; the last one is the answer, with the path's length.
        """
        free = [a for a, n in enumerate(shape) if n > 1]
        straight = lines(shape, self.points, evidence.periodogram)
        values = yield from self._scores(evidence, straight, shape, weight)
        bent = [bends(straight[i], free) for i in best_of_each_length(straight, values)]
        starts: list[tuple[float, Tensor]] = []
        for paths in bent:
            scores = yield from self._scores(evidence, paths, shape, weight)
            starts += [(float(scores[i]), paths[i]) for i in scores.argsort()[:_BENDS_PER_LINE].tolist()]
        best = (math.inf, straight[int(values.argmin())])
        for _, start in sorted(starts, key=lambda pair: pair[0])[:_STARTS]:
            found = yield from self._refined(evidence, start, shape, weight, _ITERATIONS)
            best = min(best, found, key=lambda pair: pair[0])
        found = yield from self._refined(evidence, best[1], shape, weight, _LAST_ITERATIONS)
        yield self._answer(evidence, min(best, found, key=lambda pair: pair[0])[1], shape, weight)

    def refit(self, evidence: Evidence, kernel: Tensor, weight: float = 1.0) -> Iterator[Fit]:
        """The path that draws another rung's ``kernel``, and from there by the evidence, as in `fit`."""
        shape = tuple(kernel.shape)
        found = yield from self._refined(evidence, self._traced(kernel), shape, weight, _LAST_ITERATIONS)
        yield self._answer(evidence, found[1], shape, weight)

    def update(self, statistics: KernelStatistics, kernel: Tensor, weight: float) -> Tensor:
        """The path's M-step on kernel statistics, from the path that drew ``kernel``.

        The statistics are in nats; ``weight`` multiplies the cost of bending.
        """
        shape = tuple(kernel.shape)

        def energy(path: Tensor) -> Tensor:
            data = statistics.energy(kernel_of(path, shape, self.width_px), kernel)
            return data + weight * bending(path, self.turn_rad)

        return kernel_of(minimum(energy, [self._traced(kernel)], _ITERATIONS)[0], shape, self.width_px)

    def _scores(
        self, evidence: Evidence, paths: Tensor, shape: tuple[int, ...], weight: float
    ) -> Generator[Fit, None, Tensor]:
        """Penalised evidence of many paths, in nats; yields the best kernel so far."""
        values: list[Tensor] = []
        best, lowest = paths[0], math.inf
        for batch in paths.split(_BATCH):
            kernels = kernel_of(batch, shape, self.width_px)
            nats = evidence(kernels, updates=_COARSE_UPDATES) * evidence.independent
            values.append(nats + weight * bending(batch, self.turn_rad))
            if float(values[-1].min()) < lowest:
                lowest, best = float(values[-1].min()), batch[int(values[-1].argmin())]
            yield Fit(self._kernel(best, shape))
        return torch.cat(values)

    def _refined(
        self, evidence: Evidence, start: Tensor, shape: tuple[int, ...], weight: float, iterations: int
    ) -> Generator[Fit, None, tuple[float, Tensor]]:
        """Descend from a path, the logarithms of spectrum and texture beside it: no inner loop to profile them."""
        model = FreeRadial(evidence)

        def nats(points: Tensor, *image: Tensor) -> Tensor:
            return model.nats(kernel_of(points, shape, self.width_px), *image) + weight * bending(points, self.turn_rad)

        best = (math.inf, start)
        first = model.start(kernel_of(start, shape, self.width_px))
        for value, (points, *_) in descend(nats, [start, *first], iterations):
            best = (value, points)
            yield Fit(self._kernel(points, shape))
        return best

    def _answer(self, evidence: Evidence, points: Tensor, shape: tuple[int, ...], weight: float) -> Fit:
        """What a path that was found comes to."""
        axes = sum(n > 1 for n in shape)
        kernel = upright(evidence, self._kernel(points, shape))
        length = Parameter(float(segment_lengths(points).sum()), self._error(evidence, points, shape, weight), "px")
        return Fit(kernel, {"length_px": length}, freedom=axes + _FREE_BENDS * (axes - 1))

    def _error(self, evidence: Evidence, points: Tensor, shape: tuple[int, ...], weight: float) -> float:
        """Standard error of the length."""
        model, kernel = FreeRadial(evidence), kernel_of(points, shape, self.width_px)
        image = minimum(lambda *some: model.nats(kernel, *some), model.start(kernel), _ITERATIONS)
        [error] = errors_of(
            lambda theta: segment_lengths(theta.reshape(points.shape)).sum()[None],
            model,
            lambda theta: kernel_of(theta.reshape(points.shape), shape, self.width_px),
            points.flatten(),
            image,
            lambda theta: weight * bending(theta.reshape(points.shape), self.turn_rad),
        )
        return _SHORT * error

    def _kernel(self, points: Tensor, shape: tuple[int, ...]) -> Tensor:
        """The kernel, its centre of mass at the centre tap."""
        weights = segment_lengths(points)[:, None]
        centre = ((points[1:] + points[:-1]) / 2 * weights).sum(0) / weights.sum()
        return kernel_of(points - centre, shape, self.width_px)

    def _traced(self, kernel: Tensor) -> Tensor:
        """The path that draws a kernel: its longest principal axis, bent until the kernels agree."""
        shape = tuple(kernel.shape)
        axes = [torch.arange(n, dtype=kernel.dtype, device=kernel.device) - n // 2 for n in shape]
        grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).flatten(0, -2)
        mass = kernel.flatten()[:, None] / kernel.sum()
        centre = (mass * grid).sum(0)
        moments = torch.linalg.eigh(((grid - centre) * mass).T @ (grid - centre))
        length = (12 * moments.eigenvalues[-1].clamp(min=0.1)).sqrt()
        along = torch.linspace(-0.5, 0.5, self.points, dtype=kernel.dtype, device=kernel.device)
        points = centre + along[:, None] * length * moments.eigenvectors[:, -1]
        norm = kernel.square().sum()

        def misfit(path: Tensor) -> Tensor:
            difference = kernel_of(path, shape, self.width_px) - kernel
            return 1e3 * difference.square().sum() / norm + bending(path, self.turn_rad)

        return minimum(misfit, [points], 2 * _ITERATIONS)[0]
