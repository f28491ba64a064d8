"""Small problems on one thread."""

from __future__ import annotations

from collections.abc import Generator

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import Progress
from napari_blind_deconv.pipeline.outcome import Outcome

THREADED_FROM = 1 << 19
"""Samples from which on torch's threads pay."""


def on_few_threads(samples: int, steps: Generator[Progress, None, Outcome]) -> Generator[Progress, None, Outcome]:
    """The steps of a small problem on one thread: a second one gains nothing, and waits where other work runs."""
    before = torch.get_num_threads()
    try:
        while True:
            torch.set_num_threads(1 if samples < THREADED_FROM else before)
            try:
                progress = next(steps)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            finally:
                torch.set_num_threads(before)
            yield progress
    finally:
        steps.close()
