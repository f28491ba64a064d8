"""A kernel of free form: its shape coarse to fine, its taps by expectation-maximisation, several times over.

Which edges speak first decides where a non-convex estimate ends; now and then it ends badly. So the estimate is made
from images of different sparsity, and the kernels are averaged with weights from their energies, which expose the
failures and, more weakly, tell better from good (decision 0007).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_blind_deconv._torch import torch
from napari_blind_deconv.crops import informative_window
from napari_blind_deconv.estimation.expectation import MODEL_ERROR_SHARE, Explanation, refine
from napari_blind_deconv.estimation.problem import Problem
from napari_blind_deconv.estimation.pyramid import coarse_to_fine
from napari_blind_deconv.forward import DataTerm
from napari_blind_deconv.fourier import centred, embed, extract, irfftn, rfftn

if TYPE_CHECKING:
    from torch import Tensor

# First weights of the gradients' count, for a scene of unit range: the plateau of decision 0007, its middle first.
_FIRST_WEIGHTS = (16e-3, 8e-3, 32e-3, 12e-3, 24e-3)
# Differences of energy per sample that count: failures differ by tenths; hundredths come and go with rounding.
_TEMPERATURE = 0.02
# Side of the window, and its frames: as many as bring the noise down to this standard deviation.
_SIDE = {2: 320}
_LITTLE_NOISE, _FRAMES = 0.01, 4


def free_form(
    problem: Problem, *, starts: int, rounds: int, refinements: int, enough: Callable[[Tensor], bool] | None = None
) -> Iterator[tuple[Tensor, int]]:
    """Yield (kernel so far, steps in all); the last kernel is the mean over the starts.

    Parameters
    ----------
    problem
        The observation.
    starts, rounds, refinements
        As of `ByEvidence`.
    enough
        Asked after every start, of the mean so far, whether it will do.
    """
    problem = taught_by_less(problem)
    found: list[Explanation] = []
    for first_weight in _FIRST_WEIGHTS[:starts]:
        kernel: Tensor | None = None
        total = 1
        for kernel, rounds_in_all in coarse_to_fine(
            problem.sample,
            problem.kernel_shape,
            first_weight=first_weight,
            noise_sigma=problem.misfit_sigma,
            spacing=problem.spacing,
            rounds=rounds,
        ):
            total = starts * (rounds_in_all + refinements) + 1
            yield kernel, total
        if kernel is None:
            raise RuntimeError("the pyramid has no level")
        explanation: Explanation | None = None
        for explanation in refine(
            learning_data(problem, kernel),
            problem.kernel_prior,
            noise_sigma=problem.noise_sigma,
            prior_weight=problem.kernel_weight,
            spacing=problem.spacing,
            rounds=refinements,
        ):
            yield explanation.kernel, total
        if explanation is not None:
            found.append(explanation)
        if len(found) < starts and enough is not None and enough(posterior_mean(found)):
            break
    yield posterior_mean(found), total


def taught_by_less(problem: Problem) -> Problem:
    """The same with the part of the sample that teaches a free form: more pixels add time, little else.

    A second frame halves the noise's variance, which is worth its time where there is noise.
    """
    frames = min(max(math.ceil((problem.noise_sigma / _LITTLE_NOISE) ** 2), 1), _FRAMES)
    side = _SIDE.get(problem.ndim)
    window = informative_window(problem.sample, problem.kernel_shape, problem.sample_weights, side=side, frames=frames)
    weights = None if problem.sample_weights is None else window.of(problem.sample_weights)
    return replace(problem, sample=window.of(problem.sample), sample_weights=weights)


def learning_data(problem: Problem, kernel: Tensor) -> DataTerm:
    """What a kernel of free form is learnt from: white noise and a part of the model error, pixels that are data."""
    return DataTerm.of(
        problem.sample,
        kernel,
        problem.noise_sigma,
        model_error=MODEL_ERROR_SHARE * problem.model_error,
        weights=problem.sample_weights,
    )


def posterior_mean(found: Sequence[Explanation]) -> Tensor:
    """Mean of kernels, weighted by their energies, each moved by whole pixels onto the one that is most like the rest.

    The best by energy may be turned or bent where the others agree: moved onto it, they would smear.
    """
    best = min(e.energy for e in found)
    weights = [math.exp((best - e.energy) / _TEMPERATURE) for e in found]
    likeness = [sum(w * _likeness(e.kernel, f.kernel) for w, f in zip(weights, found, strict=True)) for e in found]
    target = found[likeness.index(max(likeness))].kernel
    aligned = [weight * moved_onto(target, e.kernel) for weight, e in zip(weights, found, strict=True)]
    return centred(torch.stack(aligned).sum(0) / sum(weights))


def _likeness(kernel: Tensor, other: Tensor) -> float:
    """The largest normalised correlation of two kernels over their shifts."""
    return float(_correlation(kernel, other).max() / (kernel.norm() * other.norm()))


def _correlation(target: Tensor, kernel: Tensor) -> Tensor:
    """Σ target(p + s) kernel(p) for every shift s, on a canvas of twice the support."""
    canvas = [2 * n for n in kernel.shape]
    ours, theirs = (rfftn(embed(k, canvas), k.ndim) for k in (kernel, target))
    return irfftn(ours.conj() * theirs, canvas)


def moved_onto(target: Tensor, kernel: Tensor) -> Tensor:
    """A kernel moved by whole pixels to where it correlates best with another; what leaves the support is lost."""
    correlation = _correlation(target, kernel)
    canvas = correlation.shape
    peak = np.unravel_index(int(correlation.argmax()), correlation.shape)
    step = [int(p) - n if int(p) >= n // 2 else int(p) for p, n in zip(peak, canvas, strict=True)]
    return extract(torch.roll(embed(kernel, canvas), step, tuple(range(kernel.ndim))), kernel.shape)
