"""Which way to restore predicts what it has not seen: half of the light restores, the other half judges.

Noise is added to an observation and taken away from it: y + e and y - e, e with the noise's own variance, have
independent errors of twice that variance (data fission, Leiner et al. 2023, arXiv:2112.11079; for whole photons
thinning does the same). What is restored from one is blurred and held against the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.restoration.task import Task
from napari_blind_deconv.restoration.thinning import split_gaussian

if TYPE_CHECKING:
    from torch import Tensor

Way = Callable[[Task], Iterator[tuple[str, "Tensor"] | None]]
"""From a task to scenes on its canvas, by name; after one that misses more than the one before, none is asked for.

``None`` after a step that is not to be judged.
"""

# Standard errors by which another way must be better.
_ERRORS = 3.0


def misses(part: Task, *ways: Way) -> Iterator[tuple[str, Tensor] | None]:
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
    for way in ways:
        before = math.inf
        for found in way(seen):
            if found is None:
                yield None
                continue
            name, scene = found
            missed = (known * (data.blur(scene) - judge).square() / (4 * variance)).double().flatten()
            yield name, missed
            if float(missed.sum()) > before:
                break
            before = float(missed.sum())


def best(part: Task, *ways: Way) -> Generator[None, None, str]:
    """The first scene's name, unless another one misses the held-out half by clearly less; a yield after every step."""
    chosen, lowest, first = "", 0.0, torch.zeros(())
    for found in misses(part, *ways):
        yield
        if found is None:
            continue
        name, missed = found
        if not chosen:
            chosen, first = name, missed
            continue
        gain = missed - first
        total, error = float(gain.sum()), float(gain.std()) * len(gain) ** 0.5
        if total < min(lowest, -_ERRORS * error):
            chosen, lowest = name, total
    return chosen
