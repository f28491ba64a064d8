"""Which rung of the ladder: every family is fitted, and ranked by one evidence.

All kernels are judged under the same model of the image's spectrum (`NaturalSpectrum`), against no blur. A family pays
for each of its figures. Texture that happens to look like a blur does so in places, a blur everywhere: a kernel must
beat no blur in the parts of the image, too, and a family one that is lower on the ladder (in the spirit of Vuong 1989,
doi:10.2307/1912557, who judges models by how evenly their advantage is spread).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_blind_deconv._torch import torch
from napari_blind_deconv.estimation.growing import next_size
from napari_blind_deconv.estimation.problem import Choice, Problem, Ranked
from napari_blind_deconv.estimation.second_look import FREE_FORM, Challenging, Particular, second_looks
from napari_blind_deconv.evidence import Evidence
from napari_blind_deconv.fourier import trailing
from napari_blind_deconv.kernel_priors import Auto, Fit, Uniform
from napari_blind_deconv.kernel_priors.judgement import Judge, fine_structure_nats

if TYPE_CHECKING:
    from torch import Tensor

# What a figure costs, in nats: between Akaike's 1 (doi:10.1109/TAC.1974.1100705) and Schwarz's ½ log N, about 4
# (doi:10.1214/aos/1176344136). Evenness over the parts does the rest.
_PRICE = 2.0
# Standard errors over the parts by which a blur must beat no blur, and a family one that is lower on the ladder.
_BEYOND_SHARP, _BEYOND_LOWER = 1.0, 1.5
# Figures that a free-form kernel pays for: as many as ten lenslets, which it would otherwise undercut.
_FREE_FORM_FREEDOM = 30
# Parts per axis, where each is at least this many kernels wide and has this many samples.
_PARTS, _KERNELS_PER_PART, _SMALLEST_PART = 2, 2.5, 48
# A kernel with more than this share of its light on the border of its support is tried on a wider one; what counts as
# its size holds all but this share.
_CUT_OFF, _OUTSIDE = 0.02, 0.01
# Taps of a free form below this share of its brightest are as likely errors as light, and do not decide its size.
_FAINT = 0.05
_SHARP = "sharp"

# Share of the best simpler family's score below which a free form is given up after one start.
_HOPELESS = 0.85

FreeForm = Callable[[Problem, Callable[["Tensor"], bool]], Iterator[tuple["Tensor", int]]]


@dataclass(frozen=True)
class Candidate:
    """A family's best kernel.

    Attributes
    ----------
    kind
        The rung, or "sharp" for no blur.
    fit
        Its kernel and figures.
    gain
        Evidence over no blur, in nats.
    penalty
        What its figures cost, in nats.
    parts
        Gains in the parts of the image; empty where the image is too small to be parted.
    own
        Whether the kernel is what the rung is for, and not what a freer one draws.
    """

    kind: str
    fit: Fit
    gain: float
    penalty: float
    parts: tuple[float, ...]
    own: bool = True

    @property
    def score(self) -> float:
        """What families are ranked by: gain less penalty, in nats."""
        return self.gain - self.penalty

    @property
    def blurs(self) -> bool:
        """Whether the kernel is a blur that the image shows everywhere, not its sampling and not its texture."""
        return self.score > fine_structure_nats(self.fit.kernel) and _even(self.parts, _BEYOND_SHARP)

    def beats(self, lower: Candidate) -> bool:
        """Whether it explains more than a family lower on the ladder, after penalties and all over the image."""
        margins = tuple(ours - theirs for ours, theirs in zip(self.parts, lower.parts, strict=True))
        return self.score > lower.score and _even(margins, _BEYOND_LOWER)


def choose(problem: Problem, auto: Auto, free_form: FreeForm) -> Iterator[tuple[Fit, Choice | None]]:
    """Fit every rung and rank them; where the support is free, on larger and larger ones until the winner fits.

    Parameters
    ----------
    problem
        The observation.
    auto
        Which rungs are tried.
    free_form
        Better and better kernels of free form.

    Yields
    ------
    tuple
        What is being fitted, and ``None``; at last the chosen one, with the reason.
    """
    while True:
        ranking = yield from ranked(problem, auto, free_form)
        kernel, largest = ranking[0].fit.kernel, problem.largest_kernel
        if largest is None or problem.kernel_shape == largest or border_share(kernel) < _CUT_OFF:
            break
        problem = replace(problem, kernel_shape=_wider(problem.kernel_shape, largest))
    fit = yield from _of_all_frames(problem, auto, ranking[0])
    faint = _FAINT if ranking[0].kind == FREE_FORM else 0.0
    kernel = placed(fit.kernel, problem.kernel_shape) if largest is None else cropped(fit.kernel, faint)
    yield replace(fit, kernel=kernel), _choice(ranking)


def _of_all_frames(problem: Problem, auto: Auto, chosen: Candidate) -> Generator[tuple[Fit, None], None, Fit]:
    """The chosen rung's fit to all frames, where it was chosen by a few; what has no figures stays as it is."""
    rung = next((rung for rung in auto.rungs(problem.ndim) if rung.kind == chosen.kind), None)
    if problem.frames is None or rung is None:
        return chosen.fit
    fit = chosen.fit
    for fit in rung.fit(problem.evidence(problem.kernel_shape), problem.kernel_shape, problem.kernel_weight):
        yield fit, None
    return replace(fit, kernel=fit.kernel.to(problem.sample))


def ranked(
    problem: Problem, auto: Auto, free_form: FreeForm
) -> Generator[tuple[Fit, Choice | None], None, list[Candidate]]:
    """Every rung's candidate, the chosen one first, the others by score."""
    evidence = Evidence.of(problem.sample, problem.noise, spacing=problem.spacing)
    rungs = auto.rungs(problem.ndim)
    whole = Judge.of(problem.sample, problem.noise, spacing=problem.spacing)
    fits: dict[str, Fit] = {}
    gains: dict[str, float] = {}

    def score(kind: str) -> float:
        return gains[kind] - _PRICE * fits[kind].degrees_of_freedom

    for rung in rungs:
        rival = max(fits, key=score, default=None)
        for fit in _fitted(rung, evidence, problem, None if rival is None else fits[rival].kernel):
            fits[rung.kind] = fit
            yield fit, None
        gains[rung.kind] = whole.gain(fits[rung.kind].kernel)
    if problem.ndim < 3:
        ahead = max(score(kind) for kind in fits)
        # After one start it may be a little behind, after two it must lead.
        shares = itertools.chain([_HOPELESS], itertools.repeat(1.0))

        def enough(kernel: Tensor) -> bool:
            return whole.gain(kernel) - _PRICE * _FREE_FORM_FREEDOM < next(shares) * ahead

        for kernel, _ in free_form(replace(problem, kernel_prior=Uniform()), enough):
            fits[FREE_FORM] = Fit(kernel, freedom=_FREE_FORM_FREEDOM)
            yield fits[FREE_FORM], None
        gains[FREE_FORM] = whole.gain(fits[FREE_FORM].kernel)
    fits, gains = yield from second_looks(
        fits, gains, rungs, evidence, whole.gain, problem.kernel_weight, _FREE_FORM_FREEDOM
    )
    borrowing = [rung.kind for rung in rungs if isinstance(rung, Particular) and not rung.owns(fits[rung.kind].kernel)]
    found = []
    judges: list[Judge] = []
    for kind, fit in fits.items():
        candidate = Candidate(kind, fit, gains[kind], _PRICE * fit.degrees_of_freedom, (), kind not in borrowing)
        # The parts are asked about what the whole calls a blur only.
        if candidate.blurs:
            judges = judges or [Judge.of(p, problem.noise, spacing=problem.spacing) for p in _parted(problem)]
            candidate = replace(candidate, parts=tuple(judge.gain(fit.kernel) for judge in judges))
        found.append(candidate)
        yield fit, None
    return _in_order([Candidate(_SHARP, Fit(problem.observed.new_ones((1,) * problem.ndim)), 0.0, 0.0, ()), *found])


def _fitted(rung: Any, evidence: Evidence, problem: Problem, rival: Tensor | None) -> Iterator[Fit]:
    """A rung's fit, given up early where its search is dear and a simpler rung's kernel is far ahead."""
    if isinstance(rung, Challenging) and rival is not None:
        return rung.challenge(evidence, rival, problem.kernel_weight)
    fits: Iterator[Fit] = rung.fit(evidence, problem.kernel_shape, problem.kernel_weight)
    return fits


def _in_order(found: Sequence[Candidate]) -> list[Candidate]:
    """The chosen one first: the first of ``found`` that blurs, unless one further up the ladder beats it."""
    blurs = [c for c in found if c.blurs and c.own]
    chosen = blurs[0] if blurs else found[0]
    for candidate in blurs[1:]:
        chosen = candidate if candidate.beats(chosen) else chosen
    return [chosen, *sorted((c for c in found if c is not chosen), key=lambda c: c.score, reverse=True)]


def _choice(ranking: Sequence[Candidate]) -> Choice:
    """The sentence that says why, and the figures behind it."""
    first, second = ranking[0], next((c for c in ranking[1:] if c.kind != _SHARP), None)
    if first.kind == _SHARP:
        reason = "no PSF explains the image better than no blur in most of its parts: it is sharp already"
    else:
        reason = f"{first.kind} explains the image {first.score:.0f} nats better than no blur"
        if second is not None and second.score <= first.score:
            reason += f", and {first.score - second.score:.0f} nats better than {second.kind}, the next"
        elif second is not None:
            reason += (
                f"; {second.kind} gains {second.score - first.score:.0f} nats more, but not in most parts of the image"
            )
    return Choice(reason, tuple(Ranked(c.kind, c.gain, c.penalty, c.blurs) for c in ranking))


def border_share(kernel: Tensor) -> float:
    """Share of a kernel's light on the outermost taps of its support, where that is longer than one tap."""
    inside = kernel[tuple(slice(1, -1) if n > 2 else slice(None) for n in kernel.shape)]
    return float(1 - inside.sum() / kernel.sum()) if kernel.numel() > 1 else 0.0


def placed(kernel: Tensor, shape: Sequence[int]) -> Tensor:
    """A kernel in the middle of a support that is at least as large."""
    out = kernel.new_zeros(tuple(shape))
    out[tuple(slice((n - k) // 2, (n + k) // 2) for n, k in zip(shape, kernel.shape, strict=True))] = kernel
    return out


def cropped(kernel: Tensor, faint: float = 0.0) -> Tensor:
    """A kernel on the smallest centred support, per axis, that holds all but a hundredth of its light.

    Taps below ``faint`` times the brightest do not count as light.
    """
    kept = []
    light = torch.where(kernel >= faint * kernel.max(), kernel, 0.0)
    for axis, n in enumerate(kernel.shape):
        profile = light.movedim(axis, 0).reshape(n, -1).sum(1) / light.sum()
        rings = profile[n // 2 :].clone()
        rings[1:] += profile[: n // 2].flip(0)
        radius = int((rings.cumsum(0) < 1 - _OUTSIDE).sum())
        kept.append(slice(n // 2 - min(radius, n // 2), n // 2 + min(radius, n // 2) + 1))
    inside = kernel[tuple(kept)]
    return inside / inside.sum()


def _wider(shape: tuple[int, ...], largest: tuple[int, ...]) -> tuple[int, ...]:
    """The next support, odd, at most the largest."""
    return tuple(next_size(n, most) for n, most in zip(shape, largest, strict=True))


def _even(gains: tuple[float, ...], errors: float) -> bool:
    """Whether the sum of gains lies this many of its standard errors above zero; nothing is asked where none are."""
    values = torch.tensor(gains)
    return not gains or float(values.sum()) > errors * math.sqrt(len(gains)) * float(values.std(correction=0))


def _parted(problem: Problem) -> list[Tensor]:
    """Parts of the sample, cut along the axes that are long enough for the kernel."""
    space = problem.sample.shape[-problem.ndim :]
    cuts = []
    for n, k in zip(space, problem.kernel_shape, strict=True):
        part = n // _PARTS
        long = part >= max(_KERNELS_PER_PART * k, _SMALLEST_PART)
        cuts.append([slice(i * part, (i + 1) * part) for i in range(_PARTS)] if long else [slice(None)])
    parts = [problem.sample[trailing(cut)] for cut in itertools.product(*cuts)]
    return parts if len(parts) > 1 else []
