"""Which way to restore predicts what it has not seen: half of the light restores, the other half judges.

Noise is added to an observation and taken away from it: y + e and y - e, e with the noise's own variance, have
independent errors of twice that variance (data fission, Leiner et al. 2023, arXiv:2112.11079; for whole photons
thinning does the same). What is restored from one is blurred and held against the other.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from napari_blind_deconv.crops import informative_window
from napari_blind_deconv.restoration.task import Task
from napari_blind_deconv.restoration.thinning import split_gaussian

Way = Callable[[Task], Tensor]
"""From a task to the scene on its canvas."""

# Side of the part that is asked, by the number of axes; standard errors by which another way must be better.
_SIDE, _ERRORS = {1: 2048, 2: 128, 3: 48}, 3.0


def misses(part: Task, ways: Mapping[str, Way]) -> dict[str, Tensor]:
    """Squared misses of the held-out half in units of its variance, pixel by pixel, for every way to restore."""
    data, noise = part.data, part.noise
    generator = torch.Generator().manual_seed(part.generator.initial_seed())
    light = data.blur(data.frame.extend(data.observed))
    variance = noise.variance(light)
    half, judge = split_gaussian(data.observed, variance, generator)
    rest = data.sigma**2 - noise.sigma**2
    noisier = replace(data, observed=half, sigma=(2 * noise.sigma**2 + rest) ** 0.5)
    seen = replace(part, data=noisier, noise=noise.of_level(noise.sigma * 2**0.5))
    known = torch.ones_like(judge) if data.weights is None else (data.weights > 0).to(judge)
    return {
        name: (known * (data.blur(way(seen)) - judge).square() / (4 * variance)).double().flatten()
        for name, way in ways.items()
    }


def best(task: Task, ways: Mapping[str, Way]) -> str:
    """The first way, unless another one misses the held-out half by clearly less."""
    found = misses(part_of(task), ways)
    first, *others = found
    chosen, lowest = first, 0.0
    for name in others:
        gain = found[name] - found[first]
        total, error = float(gain.sum()), float(gain.std()) * len(gain) ** 0.5
        if total < min(lowest, -_ERRORS * error):
            chosen, lowest = name, total
    return chosen


def part_of(task: Task) -> Task:
    """A part of the task that shows much, small enough to be restored a few times over."""
    data, kernel = task.data, task.data.blur.kernel
    window = informative_window(data.observed, tuple(kernel.shape), data.weights, side=_SIDE.get(kernel.ndim), frames=1)
    weights = None if data.weights is None else window.of(data.weights)
    return replace(task.of(window.of(data.observed), weights), dark=task.lowest)
