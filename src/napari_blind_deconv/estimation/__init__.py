"""From an observation to its kernel. An estimator is a generator: at each ``yield`` one may look or stop."""

from collections.abc import Iterator
from typing import Annotated, Protocol, runtime_checkable

from pydantic import Discriminator

from .blind_richardson_lucy import BlindRichardsonLucy
from .by_draws import ByDraws
from .by_evidence import ByEvidence
from .joint import Joint
from .problem import Choice, Found, Problem, Ranked
from .variation import Constant, Smooth, Variation, Varied, refuse_drift

Estimator = Annotated[ByEvidence | ByDraws | BlindRichardsonLucy | Joint, Discriminator("kind")]


@runtime_checkable
class Estimates(Protocol):
    """A way from an observation to its kernel."""

    def refuse(self, kernel_prior: object, image_prior: object) -> None:
        """Raise an `InputError` that says what to choose instead, unless it can work with these."""
        ...

    def kernels(self, problem: Problem) -> Iterator[Found]:
        """Better and better kernels; the last one is the answer. Not called where the kernel is known."""
        ...


__all__ = [
    "BlindRichardsonLucy",
    "ByDraws",
    "ByEvidence",
    "Choice",
    "Constant",
    "Estimates",
    "Estimator",
    "Found",
    "Joint",
    "Problem",
    "Ranked",
    "Smooth",
    "Variation",
    "Varied",
    "refuse_drift",
]
