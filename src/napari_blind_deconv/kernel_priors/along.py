"""The posterior of one figure, walked along: valleys of the evidence are neither parabolas nor alone.

A disk's dark rings make the evidence steep here and flat there, so that the curvature at the lowest point says little
of how far off the truth may be. The figure is moved in steps from the lowest points outwards, the image's spectrum
adjusted to each (the profile of -log p), until it is as good as excluded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.kernel_priors.descent import descend

if TYPE_CHECKING:
    from torch import Tensor

# First step in standard deviations that the curvature promises, how steps grow, and how many there are at most.
_FIRST, _GROWTH, _STEPS = 0.5, 1.35, 24
# Nats above the lowest point at which a figure is excluded; steps that adjust the spectrum.
_EXCLUDED, _ADJUSTED = 8.0, 8
# Steps above this many nats are halved: the curve between its nodes is taken for straight.
_COARSE = 2.0

Nats = Callable[..., "Tensor"]


def departure(
    nats: Nats,
    modes: Sequence[tuple[float, Sequence[Tensor]]],
    curvature: Tensor,
    deviation: float,
    dispersion: float,
    bounds: tuple[float, float],
    value_of: Callable[[Tensor], Tensor],
) -> Tensor:
    """How far values that a figure decides lie from those at the first mode, root mean square over its posterior.

    Parameters
    ----------
    nats
        -log p(y, S, figure), of the figure, a scalar, and the parameters of the spectrum.
    modes
        The lowest point and, after it, other ends of descents: (nats, (figure, *spectrum's parameters)).
    curvature
        Of ``nats`` in the spectrum's parameters at the lowest point, ``(n, n)``: the metric of adjustments.
    deviation
        Standard deviation of the figure that the curvature at the lowest point promises.
    dispersion
        What nats are divided by (`dispersion`).
    bounds
        Where the figure may lie.
    value_of
        What people know, ``(values,)`` of a scalar figure, as a radius of its logarithm.
    """
    lowest = modes[0][0]
    nodes: list[tuple[float, float]] = []
    for value, (figure, *image) in modes:
        if (value - lowest) / dispersion > _EXCLUDED or _inside(float(figure), nodes, lowest, dispersion):
            continue
        nodes.append((float(figure), value))
        for direction in (-1, 1):
            profile, step = _Profile(nats, image, curvature), direction * _FIRST * deviation
            nodes += _walk(profile, (float(figure), value), step, lowest, dispersion, bounds)
        nodes.sort()
        lowest = min(lowest, min(n for _, n in nodes))
    return _root_mean_square(nodes, float(modes[0][1][0]), lowest, dispersion, value_of)


class _Profile:
    """The profile, its inner descent in coordinates in which all directions are alike."""

    def __init__(self, nats: Nats, image: Sequence[Tensor], curvature: Tensor) -> None:
        self._nats, self._sizes = nats, [len(p) for p in image]
        self._at = torch.cat(list(image))
        values, vectors = torch.linalg.eigh(curvature.double().cpu())
        self._turn = (vectors / values.clamp(min=1e-6).sqrt()).to(self._at)

    def __call__(self, figure: float) -> float:
        """The lowest nats near where the last call ended."""
        place = self._at.new_tensor(figure)

        def objective(moved: Tensor) -> Tensor:
            return self._nats(place, *(self._at + self._turn @ moved).split(self._sizes))

        *_, (value, (moved,)) = descend(objective, [torch.zeros_like(self._at)], _ADJUSTED)
        self._at = self._at + self._turn @ moved
        return value


def _walk(
    profile: _Profile,
    start: tuple[float, float],
    step: float,
    lowest: float,
    dispersion: float,
    bounds: tuple[float, float],
) -> Iterator[tuple[float, float]]:
    """(figure, nats) from a mode to one side, until it is excluded."""
    figure, value = start
    for _ in range(_STEPS):
        following = min(max(figure + step, bounds[0]), bounds[1])
        if following == figure:
            return
        reached = profile(following)
        yield following, reached
        if (reached - lowest) / dispersion > _EXCLUDED:
            return
        step *= 1 / _GROWTH if abs(reached - value) / dispersion > _COARSE else _GROWTH
        figure, value = following, reached


def _inside(figure: float, nodes: Sequence[tuple[float, float]], lowest: float, dispersion: float) -> bool:
    """Whether a walk has been there."""
    near = [f for f, value in nodes if (value - lowest) / dispersion <= _EXCLUDED]
    return bool(near) and min(near) <= figure <= max(near)


def _root_mean_square(
    nodes: Sequence[tuple[float, float]],
    figure: float,
    lowest: float,
    dispersion: float,
    value_of: Callable[[Tensor], Tensor],
) -> Tensor:
    """Root of the mean squared departure under exp(-nats / dispersion), straight in nats between the nodes."""
    places, values = torch.tensor(sorted(nodes), dtype=torch.float64).T
    share = torch.linspace(0, 1, 9, dtype=torch.float64)
    between = (places[:-1, None] + share * places.diff()[:, None]).flatten()
    heights = (values[:-1, None] + share * values.diff()[:, None]).flatten()
    density = torch.exp(-(heights - lowest) / dispersion)
    here = value_of(between.new_tensor(figure))
    away = torch.stack([(value_of(place) - here).square() for place in between], -1)
    return (torch.trapezoid(density * away, between) / torch.trapezoid(density, between)).sqrt()
