"""One kernel for many observations: the sum of their evidences, each with an image spectrum of its own.

It is the sum that regions of one field add up (`regional`), but for the spectra: regions of a field show the same
scene, files do not, and a spectrum that they had to share would have to be bent by what the kernel does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_blind_deconv._torch import torch
from napari_blind_deconv.estimation.by_evidence import ByEvidence
from napari_blind_deconv.estimation.problem import Found, Problem
from napari_blind_deconv.evidence import NaturalSpectrum
from napari_blind_deconv.fourier import trailing
from napari_blind_deconv.kernel_priors import Fit, HasFigures
from napari_blind_deconv.kernel_priors.descent import descend, minimum
from napari_blind_deconv.kernel_priors.figures import Figures

if TYPE_CHECKING:
    from torch import Tensor

# Of the descent: iterations at most, and after how many something is said.
_ITERATIONS, _CHUNK = 160, 4
# Nats from which on an observation that contradicts the shared kernel is doubted itself: as a Cauchy distribution does.
_DOUBTED = 10.0
# Observations that are looked at as frames of one movie: a start for the sum, and the answer of free forms.
_MOST_FRAMES = 16

Kernels = Callable[[Problem], Iterator[Found]]


def shared_kernels(problems: Sequence[Problem], estimator: Any) -> Iterator[Found]:
    """Better and better kernels of several observations together; the last one is the answer.

    Parameters
    ----------
    problems
        The observations, of which only the samples count, with the same kernel prior, spacing and number of axes. The
        answer does not depend on their order as far as sums of floating-point numbers do not.
    estimator
        How a kernel is found (`estimation.Estimates`). A family of few figures is fitted by the sum of all evidences;
        others take up to 16 observations, evenly chosen, for frames of one movie.

    Yields
    ------
    Found
        As of an estimator.
    """
    last: Found | None = None
    for last in estimator.kernels(as_frames(problems)):
        yield last
    family = problems[0].kernel_prior
    if last is None or len(problems) == 1 or not isinstance(estimator, ByEvidence):
        return
    if isinstance(family, HasFigures):
        shape = _support(problems)
        yield from _summed(problems, family.figures(last.fit, shape), shape, last.total)


def as_frames(problems: Sequence[Problem]) -> Problem:
    """Observations as frames of one movie, each in the unit of the first one's noise, cut to the smallest."""
    step = max(1, -(-len(problems) // _MOST_FRAMES))
    chosen = list(problems)[::step]
    first = chosen[0]
    space = tuple(min(p.sample.shape[axis] for p in chosen) for axis in range(-first.ndim, 0))
    samples = [_middle(p.sample, space) * (first.noise.sigma / p.noise.sigma) for p in chosen]
    weights = None
    if any(p.sample_weights is not None for p in chosen):
        weights = torch.cat([_middle(_weights(p), space) for p in chosen])
    largest = [p.largest_kernel for p in problems]
    together = torch.cat(samples)
    return replace(
        first,
        observed=together,
        sample=together,
        weights=weights,
        sample_weights=weights,
        kernel_shape=_support(problems),
        largest_kernel=None if None in largest else tuple(min(axis) for axis in zip(*_known(largest), strict=True)),
    )


def _summed(problems: Sequence[Problem], figures: Figures, shape: tuple[int, ...], done: int) -> Iterator[Found]:
    """Each observation's own figures and spectrum, then the descent of the sum over shared figures and all spectra."""
    like = problems[0].sample
    weight, total = problems[0].kernel_weight, done + len(problems) + _ITERATIONS // _CHUNK
    spectra = [_spectrum(problem, shape) for problem in problems]
    own: list[_Own] = []
    for spectrum in spectra:
        own.append(_own(spectrum, figures, weight))
        yield Found(Fit(figures.kernel_of(own[-1].theta).detach().to(like)), total)
    from napari_blind_deconv.estimation.apart import Apart  # its class is one of PyTorch's

    count = len(own[0].parameters)

    def nats(theta: Tensor, *others: Tensor) -> Tensor:
        kernel = figures.kernel_of(theta)
        terms = []
        for i, spectrum in enumerate(spectra):
            found = Apart.apply(spectrum, kernel, *others[i * count : (i + 1) * count])  # type: ignore[no-untyped-call]
            terms.append(_believed(found - own[i].nats))
        return torch.stack(terms).sum() + weight * figures.cost(theta)

    theta = torch.stack([one.theta for one in own]).median(0).values
    for _, found in descend(nats, [theta, *(t for one in own for t in one.parameters)], _ITERATIONS, _CHUNK):
        theta = found[0]
        yield Found(Fit(figures.kernel_of(theta).detach().to(like)), total)
    yield Found(Fit(figures.kernel_of(theta).detach().to(like), figures.described(theta), freedom=len(theta)), total)


class _Own(NamedTuple):
    """What one observation would have by itself: its figures, the spectrum's parameters, and its nats."""

    theta: Tensor
    parameters: list[Tensor]
    nats: float


def _own(spectrum: NaturalSpectrum, figures: Figures, weight: float) -> _Own:
    def nats(theta: Tensor, *parameters: Tensor) -> Tensor:
        return spectrum.nats(figures.kernel_of(theta), *parameters) + weight * figures.cost(theta)

    start = [figures.start, *spectrum.start(figures.kernel_of(figures.start).detach())]
    theta, *parameters = minimum(nats, start, _ITERATIONS)
    with torch.no_grad():
        value = float(spectrum.nats(figures.kernel_of(theta), *parameters))
    return _Own(theta, parameters, value)


def _believed(excess: Tensor) -> Tensor:
    """What an observation says against a kernel, in nats, from what it lacks to its own best one.

    Up to a few nats it is that; an observation that is far from all others is modelled wrongly, and says little more.
    """
    return _DOUBTED * (excess / _DOUBTED).clamp(min=-0.5).log1p()


def _spectrum(problem: Problem, shape: tuple[int, ...]) -> NaturalSpectrum:
    evidence = problem.evidence(shape)
    # Only its shape counts from here on, and hundreds of samples would fill the memory.
    return NaturalSpectrum.of(replace(evidence, observed=evidence.observed.new_zeros(()).expand(problem.sample.shape)))


def _support(problems: Sequence[Problem]) -> tuple[int, ...]:
    return tuple(min(axis) for axis in zip(*(p.kernel_shape for p in problems), strict=True))


def _known(shapes: Sequence[tuple[int, ...] | None]) -> list[tuple[int, ...]]:
    return [shape for shape in shapes if shape is not None]


def _middle(values: Tensor, space: tuple[int, ...]) -> Tensor:
    cut = [slice((n - m) // 2, (n - m) // 2 + m) for n, m in zip(values.shape[-len(space) :], space, strict=True)]
    return values[trailing(tuple(cut))]


def _weights(problem: Problem) -> Tensor:
    found = problem.sample_weights
    return torch.ones_like(problem.sample) if found is None else found.expand_as(problem.sample)
