"""From p(x, k | y) to a kernel and an image. A solver is a generator: at each ``yield`` one may look or stop."""

from typing import Annotated

from pydantic import Discriminator

from .blind_richardson_lucy import BlindRichardsonLucy
from .joint import Joint
from .posterior_sampling import PosteriorSampling
from .problem import Choice, Choosy, Estimate, Problem, Ranked
from .richardson_lucy import RichardsonLucy
from .two_phase import TwoPhase

Solver = Annotated[TwoPhase | PosteriorSampling | RichardsonLucy | BlindRichardsonLucy | Joint, Discriminator("kind")]

__all__ = [
    "BlindRichardsonLucy",
    "Choice",
    "Choosy",
    "Estimate",
    "Joint",
    "PosteriorSampling",
    "Problem",
    "Ranked",
    "RichardsonLucy",
    "Solver",
    "TwoPhase",
]
