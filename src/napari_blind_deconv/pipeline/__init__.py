"""From an array to a result: check, arrange, scale, solve channel by channel, report."""

from .deconvolve import deconvolve, deconvolve_steps
from .posing import intensity_levels

__all__ = ["deconvolve", "deconvolve_steps", "intensity_levels"]
