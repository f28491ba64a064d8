"""Spots found from the evidence alone: phases for the seen modulus, then spots and spectrum refined together."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.kernel_priors.modulus import modulus, with_phases
from napari_blind_deconv.kernel_priors.spot_model import Guess, SpotModel, spread
from napari_blind_deconv.kernel_priors.spots import refined_peaks

if TYPE_CHECKING:
    from torch import Tensor

_FIRST_SPOTS, _FIRST_STEPS = 6, 8
_ROUNDS, _STARTS, _PROJECTIONS = 3, 32, 180
_REFINED, _COMPLETED = 6, 2
_FEWEST, _MOST = 5, 15
_PEAK, _MOST_SPOTS, _PATIENCE = 0.1, 64, 2
_SETTLED = 3.0


def searched(
    model: SpotModel, count: int | None, generator: torch.Generator, bar: float = math.inf
) -> Generator[Guess, None, Guess]:
    """Better and better spots, up to a shift and a 180° turn.

    Parameters
    ----------
    model
        What they cost.
    count
        Their number, where it is known.
    generator
        Randomness of the phases to begin with.
    bar
        -log p, in nats, that the first round must come below for another one.
    """
    guess = yield from _first(model)
    best: Guess | None = None
    for turn in range(_ROUNDS):
        expected = count or (8 if turn == 0 else min(max(guess.count, _FEWEST), _MOST))
        candidates = []
        found = with_phases(
            modulus(model, guess), model, starts=_STARTS, steps=_PROJECTIONS, count=expected, generator=generator
        )
        # Phases that leave nothing above the ground have no peaks.
        peaked = [p for p in (_peaked(model, kernel, guess) for kernel in found[:_REFINED]) if p.count]
        for start in peaked or [guess]:
            candidates.append(model.pruned(model.refined(start)))
            yield min(candidates, key=model.score)
        before = best
        for candidate in sorted(candidates, key=model.score)[:_COMPLETED]:
            grown = model.completed(candidate, count or _MOST_SPOTS, _PATIENCE)
            best = grown if best is None or model.score(grown) < model.score(best) else best
            yield best
        guess = best if best is not None else guess
        if guess.nats > bar or (before is not None and model.score(before) - model.score(guess) < _SETTLED):
            break
    if count is not None:
        guess = _counted(model, guess, count)
        yield guess
    return guess


def _first(model: SpotModel) -> Generator[Guess, None, Guess]:
    """A few spots, one after another: enough for the image's spectrum to be told from the kernel's."""
    places = torch.zeros(2, len(model.shape)).to(model.spectrum.basis)
    places[:, -1] = torch.tensor([-1.0, 1.0])
    guess = model.refined(model.start(places, places.new_zeros(2)), _FIRST_STEPS)
    while guess.count < _FIRST_SPOTS:
        guess = model.refined(model.grown(guess), _FIRST_STEPS)
        yield guess
    return guess


def _peaked(model: SpotModel, kernel: Tensor, like: Guess) -> Guess:
    """Spots at a kernel's local maxima."""
    places, heights = refined_peaks(spread(kernel, model.width), _MOST_SPOTS, _PEAK)
    return replace(like, places=places, levels=(heights / heights.mean()).log())


def _counted(model: SpotModel, guess: Guess, count: int) -> Guess:
    """Spots added or taken away until there are as many as are known to be."""
    while guess.count < count and (more := model.grown(guess)).count > guess.count:
        guess = model.refined(more)
    while guess.count > count:
        guess = model.shed(guess)
    return guess
