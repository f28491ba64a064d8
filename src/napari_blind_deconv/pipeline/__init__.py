"""From an array to a result: check, arrange, scale, solve channel by channel, report.

The public names are imported on first use: a plan of a run is made without what the run itself needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .posing import intensity_levels
    from .recipe import deconvolve, deconvolve_steps

__all__ = ["deconvolve", "deconvolve_steps", "intensity_levels"]

_HOME = {"deconvolve": "recipe", "deconvolve_steps": "recipe", "intensity_levels": "posing"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
