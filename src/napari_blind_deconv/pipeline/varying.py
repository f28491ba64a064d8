"""Between the phases: whether the kernel that was found for all of the field changes over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError, PsfField
from napari_blind_deconv.estimation import Problem, Smooth, Variation, Varied
from napari_blind_deconv.estimation.regional import asked_of, pieces_of, varied
from napari_blind_deconv.kernel_priors import Fit, HasFigures
from napari_blind_deconv.pipeline.two_phase import Estimate, kernel_steps
from napari_blind_deconv.restoration.blockwise import Observed
from napari_blind_deconv.settings import Settings

# PSFs of a result along each axis.
_SHOWN = 3


def refuse_region(variation: Variation, region: object) -> None:
    """Refuse to look for a change over the field in a part of it.

    Raises
    ------
    InputError
        Where both a region and a varying PSF are asked for.
    """
    if region is not None and isinstance(variation, Smooth):
        raise InputError(
            subject="region",
            value="cannot be combined with `variation=smooth`",
            allowed="because a part of the field does not show how the PSF changes",
            remedy="leave the region out, or choose `variation=constant`",
        )


def kernels_over_field(
    problem: Problem, settings: Settings, source: Observed, taught: Problem | None
) -> Iterator[Estimate]:
    """The first phase (`two_phase.kernel_steps`), and then how the kernel changes over the field."""
    found: Estimate | None = None
    for found in kernel_steps(problem, settings.estimator, settings.restorer, taught):
        yield found
    if found is not None:
        # A support that was found may have grown.
        shape = tuple(max(n, k) for n, k in zip(problem.kernel_shape, found.kernel.shape, strict=True))
        yield from varying(replace(problem, kernel_shape=shape), settings.variation, source, found)


Kernels = dict[int, Estimate]
"""The kernels that were found, by their channels."""


def kernel_of_channel(
    problem: Problem, settings: Settings, source: Observed, taught: Problem | None, kernels: Kernels, index: int
) -> Iterator[Estimate]:
    """The steps to a channel's kernel, which ``kernels`` is given; none where it has it, from before memory ran out."""
    if index in kernels:
        return
    last: Estimate | None = None
    for last in kernels_over_field(problem, settings, source, taught):
        if last.step:
            yield last
    if last is None:
        raise RuntimeError(f"estimator {settings.estimator.kind!r} ended without a kernel")
    kernels[index] = last


def varying(problem: Problem, variation: Variation, source: Observed, last: Estimate) -> Iterator[Estimate]:
    """Estimates with better and better figures over the field, the last one the answer; none where it was not asked.

    Parameters
    ----------
    problem
        The observation.
    variation
        What the PSF may do.
    source
        All of the observation, on the scale of ``problem``.
    last
        The estimate for all of the field.
    """
    family = problem.kernel_prior
    if not isinstance(variation, Smooth) or not isinstance(family, HasFigures):
        return
    pieces = pieces_of(source, problem.noise, problem.spacing, problem.kernel_shape)
    figures = family.figures(Fit(last.kernel, last.parameters), problem.kernel_shape)
    space = tuple(source.shape[1:])
    steps = varied(pieces, figures, asked_of(pieces, variation), problem.kernel_weight)
    step, middle = last.step, (0.0,) * len(space)
    message = "comparing regions of the field"
    while True:
        try:
            surface = next(steps)
        except StopIteration as end:
            found = Varied(end.value[0], space, len(pieces.places), end.value[1])
            break
        step += 1
        yield replace(
            last, step=step, total=last.total + step - last.step, kernel=surface.kernel_at(middle), message=message
        )
    done = replace(last, step=step + 1, total=last.total + step + 1 - last.step, message="", varied=found)
    if found.varies:
        done = replace(done, kernel=found.surface.kernel_at(middle), parameters=found.surface.described_at(middle))
    yield done


def psf_fields(found: Sequence[Varied | None]) -> list[PsfField]:
    """PSFs on a coarse grid over the field, of every channel; none where no channel's changes."""
    known = [one for one in found if one is not None]
    return [_shown(one) for one in known] if any(one.varies for one in known) else []


def _shown(found: Varied) -> PsfField:
    field = found.field
    along = [np.linspace(0, n - 1, _SHOWN) if n >= _SHOWN else np.array([(n - 1) / 2]) for n in field.space]
    places = np.stack(np.meshgrid(*along, indexing="ij"), -1)
    flat = places.reshape(-1, places.shape[-1])
    kernels = torch.stack([field.kernel_at(tuple(p)) for p in flat]).cpu().numpy().astype(np.float32)
    parameters = [{name: value.value for name, value in found.described_at(tuple(p)).items()} for p in flat]
    return PsfField(kernels, flat, tuple(len(a) for a in along), parameters)
