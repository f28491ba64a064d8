"""From an array to a result: check, arrange, scale, solve channel by channel, report.

The public names are imported on first use: a plan of a run is made without what the run itself needs.
"""

from typing import TYPE_CHECKING

from napari_blind_deconv._on_first_use import on_first_use

if TYPE_CHECKING:
    from .posing import intensity_levels
    from .recipe import deconvolve, deconvolve_steps

__all__ = ["deconvolve", "deconvolve_steps", "intensity_levels"]

_HOME = {"deconvolve": "recipe", "deconvolve_steps": "recipe", "intensity_levels": "posing"}


__getattr__ = on_first_use(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted(__all__)
