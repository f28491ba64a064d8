"""What a run is going to do about memory, in words, before it starts."""

import math

import numpy as np

from napari_blind_deconv._napari.run import Job, duration
from napari_blind_deconv.observation import arrangement
from napari_blind_deconv.pipeline.cutting import Work
from napari_blind_deconv.pipeline.device import device_of
from napari_blind_deconv.pipeline.memory import Plan, limit_bytes, planned

# Seconds from which on it is said how long a run will take.
_LONG = 60


def plan_of(job: Job) -> Plan:
    """The plan of a run; errors as of `pipeline.memory.planned`."""
    source, settings = job.source, job.settings
    lazy = not isinstance(source.data, np.ndarray)
    loaded = math.prod(source.shape) * np.dtype(source.data.dtype).itemsize if lazy else 0
    psf = None if job.psf is None else job.psf.shape
    work = Work.of(source.shape, arrangement(source.shape, source.axes, settings.planes), settings, psf, loaded)
    return planned(work, limit_bytes(None), device_of(settings))


def plan_in_words(plan: Plan) -> str:
    """Nothing of a plan that needs no word.

    Examples
    --------
    >>> import torch
    >>> from napari_blind_deconv.settings import Settings
    >>> work = Work((1, 64, 64), 1, (9, 9), (2, 2), Settings())
    >>> plan_in_words(Plan(work, torch.device("cpu"), None, True, 4e8, 3.0, 1e9))
    ''
    >>> plan_in_words(Plan(work, torch.device("cpu"), None, True, 4e8, 600.0, 1e9))
    'in one piece, about 10 min 0 s'
    """
    if plan.blocks is None and plan.seconds < _LONG:
        return ""
    return f"{plan.words()}, about {duration(plan.seconds)}"
