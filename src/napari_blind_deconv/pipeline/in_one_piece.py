"""One channel that is worked on as a whole."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import Progress
from napari_blind_deconv.estimation import Problem
from napari_blind_deconv.pipeline.bootstrap import bootstrapped
from napari_blind_deconv.pipeline.measuring import Gauge
from napari_blind_deconv.pipeline.outcome import Outcome, array_of
from napari_blind_deconv.pipeline.posing import Levels, intensity_levels, posed, posed_region
from napari_blind_deconv.pipeline.preparation import Run
from napari_blind_deconv.pipeline.saying import said
from napari_blind_deconv.pipeline.tone_curve import grey_of
from napari_blind_deconv.pipeline.trusting import assessed
from napari_blind_deconv.pipeline.two_phase import Estimate, restoring
from napari_blind_deconv.pipeline.varying import Kernels, kernel_of_channel
from napari_blind_deconv.restoration.blockwise import InMemory
from napari_blind_deconv.settings import Settings
from napari_blind_deconv.trust import half_light


def channel_in_one_piece(run: Run, index: int, kernels: Kernels) -> Generator[Progress, None, Outcome]:
    """The steps of one channel; ``kernels`` holds those that were found before, and is given this one's."""
    settings, defects = run.settings, run.whole(index)
    levels = replace(intensity_levels(defects.image, defects.missing, settings.background), white=run.white)
    problem = yield from said(posed(run, index, levels), "preparing")
    taught = yield from said(posed_region(run, index), "preparing")
    rest = tuple(n for i, n in enumerate(run.shape) if i != run.layout.channel)
    prefix = f"channel {index + 1} of {len(run.defects)}" if len(run.defects) > 1 else ""
    channel = index if len(run.defects) > 1 else None
    gauge = Gauge(problem, taught or problem)
    last: Estimate | None = None
    for found in _estimates(problem, settings, taught, (kernels, index)):
        if found is None:
            yield Progress("restoring", 0, 0)
            continue
        last = found
        done, total = index * last.total + last.step, len(run.defects) * last.total
        preview = None if last.image is None else run.layout.restack(levels.restored(array_of(last.image)), rest)
        step = Progress(last.stage, done, total, preview, array_of(last.kernel), prefix or last.message)
        yield replace(step, figures=partial(gauge.figures, last), channel=channel)
    if last is None or last.image is None:
        raise RuntimeError(f"restorer {settings.restorer.kind!r} ended without an image")
    checks, seen = yield from said(
        assessed(problem, last.image, last.kernel, settings, defects, taught or problem, last.kernels), "checking"
    )
    detail = yield from said(half_light(problem.task(last.kernel).varied(last.kernels), run.voxel_size_um), "checking")
    extra: dict[str, torch.Tensor] = {}
    if settings.bootstrap:
        error = yield from said(bootstrapped(problem, settings, last), "repeating the run")
        extra = {"bootstrap": error}
    image = levels.restored(array_of(last.image))
    infinite = ~np.isfinite(image)
    if defects.untouched is not None:
        left = defects.original - np.float32(settings.background or 0.0)
        image = np.where(defects.untouched, left if run.white is None else grey_of(left, run.white), image)
        infinite &= ~defects.untouched
    maps = {name: array_of(values) for name, values in seen.items()}
    extra |= last.maps
    maps |= {name: levels.spread(array_of(values), array_of(last.image)) for name, values in extra.items()}
    return Outcome.of(
        problem,
        last,
        levels,
        defects.image,
        checks,
        image=image,
        infinite=bool(infinite.any()),
        maps=maps,
        defects=defects,
        flux_ratio=_flux_ratio(problem, last.image, levels),
        detail=detail,
    )


def _flux_ratio(problem: Problem, image: torch.Tensor, levels: Levels) -> float | None:
    """The light of a restored image over that of the observation, where that is data."""
    known = torch.ones_like(problem.observed) if problem.weights is None else (problem.weights > 0).to(problem.observed)
    restored, observed = (float((known * v).sum(dtype=torch.float64)) for v in (image, problem.observed))
    return levels.flux_ratio(restored, observed, float(known.sum(dtype=torch.float64)))


def _estimates(
    problem: Problem, settings: Settings, taught: Problem | None, known: tuple[Kernels, int]
) -> Iterator[Estimate | None]:
    """Both phases, as of `restoring`; a kernel that was found before memory ran out is kept."""
    kernels, index = known
    source = InMemory(problem.observed, problem.weights)
    yield from kernel_of_channel(problem, settings, source, taught, kernels, index)
    last = kernels[index]
    yield from restoring(problem, settings.restorer, replace(last, kernel=last.kernel.to(problem.observed.device)))
