"""Whether a kernel drifts with time: the evidence of groups of frames, under figures that are polynomials of the time.

It is the field's own question (`regional`) along another axis: groups of frames stand for regions, their middles in
time for places. The scene is one, so its spectrum is common to all groups but for its level and a little else.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from napari_blind_deconv._types import translated
from napari_blind_deconv.estimation.polynomials import Term
from napari_blind_deconv.estimation.problem import Problem
from napari_blind_deconv.estimation.regional import Pieces, varied
from napari_blind_deconv.estimation.variation import Step, Surface
from napari_blind_deconv.evidence import Evidence, Frames
from napari_blind_deconv.evidence.pieces import PARTED
from napari_blind_deconv.kernel_priors import Parameter
from napari_blind_deconv.kernel_priors.figures import Figures

if TYPE_CHECKING:
    from torch import Tensor

# Degrees of the polynomials, asked for one after the other, and what a change by each is called.
_DEGREES = {1: "linear in time", 2: "second order in time", 3: "third order in time", 4: "fourth order in time"}


@dataclass(frozen=True)
class Drift:
    """What a fit of a drifting kernel found.

    Attributes
    ----------
    surface
        Figures over the time; of one term where they do not change.
    edges
        Where groups of frames begin, and the number of frames.
    steps
        What was tried, in order.
    """

    surface: Surface
    edges: tuple[int, ...]
    steps: tuple[Step, ...]

    @property
    def drifts(self) -> bool:
        """Whether there is more than one kernel."""
        return len(self.surface.terms) > 1

    def kernel_of(self, group: int) -> Tensor:
        """The kernel of a group of frames."""
        return self.surface.kernel_at(_middles(self.edges)[group])

    def described(self, group: int) -> Mapping[str, Parameter]:
        """Its figures."""
        return self.surface.described_at(_middles(self.edges)[group])

    @property
    def reason(self) -> str:
        """The sentence that says whether it pays."""
        groups, kept = len(self.edges) - 1, [step for step in self.steps if step.kept]
        if not kept:
            return f"no change of the PSF with time is visible in {groups} groups of frames"
        gain = sum(step.gain_nats - step.penalty_nats for step in kept)
        names = " and ".join(step.name for step in kept)
        return f"the PSF changes with time ({names}): this explains {groups} groups of frames {gain:.0f} nats better"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, without the PSFs."""
        return {
            "drifts": self.drifts,
            "reason": self.reason,
            "groups": [list(pair) for pair in pairwise(self.edges)],
            "tried": [step._asdict() for step in self.steps],
            "coefficients": self.surface.coefficients.tolist(),
        }


def edges_of(frames: int, group: int) -> tuple[int, ...]:
    """Where groups of about so many frames begin, all of nearly one length, and the number of frames.

    Examples
    --------
    >>> edges_of(10, 4)
    (0, 5, 10)
    """
    count = max(1, round(frames / group))
    return tuple(i * frames // count for i in range(count + 1))


def drifting(
    problem: Problem, figures: Figures, edges: tuple[int, ...], several: int = 1
) -> Generator[Tensor, None, Drift]:
    """Which powers of the time pay, each asked for in turn; the kernel of the movie's middle so far.

    Parameters
    ----------
    problem
        The movie.
    figures
        A family at its fit for all frames.
    edges
        Of groups of time points (`edges_of`).
    several
        Frames per time point.
    """
    pieces = _pieces(problem, tuple(several * edge for edge in edges))
    most = min(len(edges) - 2, max(_DEGREES))
    asked = [(_DEGREES[degree], [_power(degree)]) for degree in range(1, most + 1)]
    steps = varied(pieces, figures, asked, problem.kernel_weight)
    surface, tried = yield from translated(steps, lambda surface: surface.kernel_at((0.0,)))
    return Drift(surface, edges, tried)


def _pieces(problem: Problem, edges: tuple[int, ...]) -> Pieces:
    """The evidence of every group of frames, in the unit of the first one's noise."""
    movie = (problem.frames or Frames.of(problem.sample)).exact()
    found: list[Evidence] = []
    for start, stop in pairwise(edges):
        some = movie.between(start, stop)
        shown, spacing = some.read(slice(0, 1)), problem.spacing
        size = problem.kernel_shape
        # Windows of a few kernels: what groups differ by is as wide as the kernel, and small windows are soon done.
        one = Evidence.of(shown, problem.noise, spacing=spacing, kernel_shape=size, frames=some, parted=PARTED)
        # Only the first frame's shape counts from here on.
        found.append(replace(one, observed=shown.new_zeros(()).expand(shown.shape)))
    return Pieces.of(found, _middles(edges))


def _middles(edges: tuple[int, ...]) -> list[tuple[float, ...]]:
    """The middles of groups of frames, the movie lasting from -1 to 1."""
    return [((start + stop) / edges[-1] - 1,) for start, stop in pairwise(edges)]


def _power(degree: int) -> Term:
    return ((degree,),)
