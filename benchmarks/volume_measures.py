"""What a restoration takes of one core and of memory, measured in a process of its own, for `volumes.py`."""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def measured(folder: Path, name: str, iterations: int) -> Row:
    """One rival on one case."""
    import numpy as np
    from volume_cases import figures, loaded
    from volume_rivals import RIVALS

    case = loaded(folder)
    row, image = taken(RIVALS[name].ready(case, iterations), case.observed.size)
    return row | (figures(image, folder) if np.isfinite(image).all() else {"remark": "not finite"})


def taken(run: Callable[[], Any], voxels: int) -> tuple[Row, Any]:
    """What a run takes of time and memory, and what it gives."""
    import psutil

    before, started = psutil.Process().memory_info().rss, cpu_seconds()
    given = run()
    seconds, peak = cpu_seconds() - started, max(0.0, peak_bytes() - before)
    return {"seconds": seconds, "peak_mb": peak / 1e6, "bytes_a_voxel": peak / voxels}, given


def cpu_seconds() -> float:
    """Of this process and what it started and has ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def peak_bytes() -> float:
    """The most that this process has held, or any that it started and has ended."""
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return most * (1 if sys.platform == "darwin" else 1024)


def step_ratio(folder: Path) -> float:
    """Median CPU time of a step of our Richardson-Lucy over that of two pairs of transforms on its canvas, by turns."""
    import statistics

    import torch
    from volume_cases import loaded

    from napari_blind_deconv.forward import DataTerm, Noise
    from napari_blind_deconv.fourier import irfftn, rfftn
    from napari_blind_deconv.image_priors import NoPrior
    from napari_blind_deconv.restoration import RichardsonLucyRestorer
    from napari_blind_deconv.restoration.task import Task

    torch.set_num_threads(1)
    case, noise, ndim = loaded(folder), Noise.white(0.01), 3
    observed, psf = torch.from_numpy(case.observed / case.observed.max())[None], torch.from_numpy(case.psf)
    data = DataTerm.of(observed, psf, noise, model_error=0.0)
    task = Task(data, noise, NoPrior(), (1.0,) * ndim, None, torch.Generator())
    steps = RichardsonLucyRestorer().restore(task)
    scene, times = next(steps).scene, ([], [])
    for _ in range(12):
        started = time.process_time()
        next(steps)
        between = time.process_time()
        for _ in range(2):
            irfftn(rfftn(scene, ndim), scene.shape[-ndim:])
        times[0].append(between - started)
        times[1].append(time.process_time() - between)
    return statistics.median(times[0]) / statistics.median(times[1])
