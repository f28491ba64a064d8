"""What a run is going to take, in words, before it starts."""

import math
from typing import TYPE_CHECKING

from napari_blind_deconv._napari.run import duration

if TYPE_CHECKING:
    from napari_blind_deconv.pipeline.memory import Plan


def plan_in_words(plan: "Plan") -> str:
    """Time and memory, and in how many blocks where they are several; a time that is not known is left out.

    Examples
    --------
    >>> from napari_blind_deconv.pipeline.cutting import Work
    >>> from napari_blind_deconv.pipeline.device import CPU
    >>> from napari_blind_deconv.pipeline.memory import Plan
    >>> from napari_blind_deconv.settings import Settings
    >>> work = Work((1, 64, 64), 1, (9, 9), (2, 2), Settings())
    >>> plan_in_words(Plan(work, CPU, None, True, 4e8, 3.0, 1e9))
    'about 3 s, 400 MB'
    >>> plan_in_words(Plan(work, CPU, None, True, 2.34e9, 600.0, 1e9))
    'about 10 min 0 s, 2.3 GB'
    """
    parts = [] if plan.blocks is None else [plan.words()]
    parts += [f"about {duration(plan.seconds)}"] if math.isfinite(plan.seconds) else []
    return ", ".join([*parts, size_in_words(plan.bytes)])


def size_in_words(count: float) -> str:
    """A number of bytes for people.

    Examples
    --------
    >>> size_in_words(4.1e8), size_in_words(12.34e9)
    ('410 MB', '12 GB')
    """
    if count < 1e9:
        return f"{float(f'{count / 1e6:.2g}'):.0f} MB"
    return f"{float(f'{count / 1e9:.2g}'):g} GB"
