"""What a run is going to do about memory, in words, before it starts."""

import math

from napari_blind_deconv._napari.run import duration
from napari_blind_deconv.pipeline.memory import Plan

# Seconds from which on it is said how long a run will take.
_LONG = 60


def plan_in_words(plan: Plan) -> str:
    """Nothing of a plan that needs no word.

    Examples
    --------
    >>> from napari_blind_deconv.pipeline.cutting import Work
    >>> from napari_blind_deconv.pipeline.device import CPU
    >>> from napari_blind_deconv.settings import Settings
    >>> work = Work((1, 64, 64), 1, (9, 9), (2, 2), Settings())
    >>> plan_in_words(Plan(work, CPU, None, True, 4e8, 3.0, 1e9))
    ''
    >>> plan_in_words(Plan(work, CPU, None, True, 4e8, 600.0, 1e9))
    'in one piece, about 10 min 0 s'
    """
    known = math.isfinite(plan.seconds)
    if plan.blocks is None and not (known and plan.seconds >= _LONG):
        return ""
    return f"{plan.words()}, about {duration(plan.seconds)}" if known else plan.words()
