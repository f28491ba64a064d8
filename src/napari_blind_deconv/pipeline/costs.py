"""What a run costs: measured constants, in one place. `benchmarks/plans.py` measures them and compares."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from napari_blind_deconv import _torch
from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import irfftn, rfftn
from napari_blind_deconv.restoration import (
    ByPrior,
    PosteriorSampling,
    Restores,
    RichardsonLucyRestorer,
)
from napari_blind_deconv.settings import Settings


@dataclass(frozen=True)
class Cost:
    """What a restoration takes for every sample of its canvas.

    Attributes
    ----------
    bytes
        At its peak, in an image and in a volume.
    transforms
        Time of a step, in times that a transform there and back takes of a sample, in an image and in a volume.
    """

    bytes: tuple[float, float]
    transforms: tuple[float, float]


RESTORING: Mapping[str, Cost] = MappingProxyType(
    {
        "sparse-gradients": Cost((160, 125), (6.0, 11.5)),
        "total-variation": Cost((160, 125), (6.0, 11.5)),
        "none": Cost((130, 150), (7.0, 15.4)),
        "gaussian-field": Cost((130, 150), (15.0, 33.0)),
        "patch-mixture": Cost((600, 600), (160.0, 352.0)),
        "diffusion": Cost((600, 600), (400.0, 880.0)),
        "deep-image": Cost((1200, 1500), (150.0, 330.0)),
        "photon-map": Cost((140, 150), (7.0, 9.5)),
        "richardson-lucy": Cost((90, 100), (3.0, 3.3)),
        "posterior-sampling": Cost((900, 900), (40.0, 88.0)),
    }
)
"""By the image prior, or by a restorer that has its own."""

LOOKING: tuple[float, float] = (100.0, 90.0)
"""Bytes a sample while defects are looked for, in an image and in a volume."""

HELD: Mapping[str, float] = MappingProxyType({"whole": 60.0, "blocks": 1.0})
"""Bytes a sample that a run holds throughout, results included where it works on the whole, beside its input."""

ESTIMATING: Mapping[str, Cost] = MappingProxyType(
    {
        "known": Cost((8.0, 8.0), (0.0, 0.0)),
        "gaussian": Cost((40.0, 40.0), (250.0, 80.0)),
        "microscope": Cost((330.0, 330.0), (500.0, 500.0)),
        "uniform": Cost((330.0, 330.0), (2800.0, 9500.0)),
        "other": Cost((330.0, 330.0), (4300.0, 9500.0)),
    }
)
"""The same of all steps together, a sample of the part that teaches the kernel, by kernel prior."""

CHECKING: tuple[float, float] = (100.0, 110.0)
"""Transforms a sample that defects, noise and checks take, in an image and in a volume."""

BEFORE = 0.55
"""Part of that which comes before the PSF is estimated, the rest comes after the image is restored."""

PACKAGES: tuple[float, float] = (5e7, 9e7)
"""Bytes of what a run loads on its way, with an image and with a volume."""

BESIDE_CARD = 3e-7
"""Seconds a sample that defects, noise and checks take where a graphics card does the rest."""

CARD = 1.8e9
"""Bytes of main memory that the libraries of a graphics card take (CUDA 13, PyTorch 2.11)."""

SAMPLED = 24.0
"""Bytes for each of the pixels that levels are read from."""


def kind_of(settings: Settings) -> str:
    """The entry of `RESTORING`; by-data is taken for the image prior, or what else it may choose that takes more."""
    restorer: Restores = settings.restorer
    if isinstance(restorer, PosteriorSampling):
        return "posterior-sampling"
    if isinstance(restorer, ByPrior):
        return settings.image_prior.kind
    return settings.image_prior.kind if settings.restorer.kind == "by-data" else settings.restorer.kind


def bytes_of(settings: Settings, ndim: int) -> float:
    """Bytes a sample of the canvas that a restoration takes."""
    return RESTORING[kind_of(settings)].bytes[0 if ndim < 3 else 1]


USUAL_SECONDS = 2e-8
"""Time of a transform there and back, a sample, where it is not worth measuring."""


# What a transform is timed on, about two million samples, which no cache holds: an image and a volume.
_CANVAS = ((1440, 1440), (128, 128, 128))
# How often at least and at most, and seconds after which that is enough.
_TIMES, _ENOUGH = (3, 12), 0.4

_KNOWN: dict[tuple[str, int, int], float] = {}


def transform_seconds(device: str, ndim: int, threads: int | None = None) -> float:
    """Time of a transform there and back, a sample, on this machine and as it was when that was first asked for."""
    threads = torch.get_num_threads() if threads is None else threads
    key = (device, min(ndim, 3), threads)
    if key not in _KNOWN:
        _KNOWN[key] = _timed(*key)
    return _KNOWN[key]


def known_seconds(device: str, ndim: int) -> float:
    """The same where it was measured, else what is usual: it takes no time, and no PyTorch."""
    threads = torch.get_num_threads() if _torch.is_loaded() else 1
    return _KNOWN.get((device, min(ndim, 3), threads), USUAL_SECONDS)


def _timed(device: str, ndim: int, threads: int) -> float:
    shape = _CANVAS[0 if ndim < 3 else 1]
    values = torch.rand(shape, device=device)
    best = float("inf")
    # What else the machine does is no part of it, nor a window: the time of the only thread, or the best of several.
    clock = time.thread_time if device == "cpu" and threads == 1 else time.perf_counter
    begun = time.perf_counter()
    for number in range(1, _TIMES[1] + 1):
        started = clock()
        found = irfftn(rfftn(values, len(shape)), shape)
        float(found.flatten()[0])
        best = min(best, clock() - started)
        if number >= _TIMES[0] and time.perf_counter() - begun > _ENOUGH:
            break
    return max(best, 1e-6) / values.numel()


def steps_of(settings: Settings) -> int:
    """Steps of the restoration, as far as settings tell."""
    own = {"photon-map": 18}.get(settings.restorer.kind, getattr(settings.image_prior, "own_steps", 16))
    if isinstance(settings.restorer, RichardsonLucyRestorer):
        own = settings.restorer.steps_taken
    if isinstance(settings.restorer, PosteriorSampling):
        return settings.restorer.levels * settings.restorer.samples
    return settings.iterations or int(own)
