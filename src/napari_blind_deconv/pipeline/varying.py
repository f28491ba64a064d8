"""Between the phases: whether the kernel that was found for all of the field changes over it."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from napari_blind_deconv._types import InputError, PsfField
from napari_blind_deconv.estimation import Problem, Smooth, Variation, Varied
from napari_blind_deconv.estimation.regional import pieces_of, varied
from napari_blind_deconv.kernel_priors import Fit, HasFigures
from napari_blind_deconv.pipeline.two_phase import Estimate
from napari_blind_deconv.restoration.blockwise import Observed

# PSFs of a result along each axis that they change along.
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
            allowed="as how the PSF changes shows only all over the field",
            remedy="leave the region out, or choose `variation=none`",
        )


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
    steps = varied(pieces, figures, variation, space, problem.kernel_weight)
    step, middle = last.step, (0.0,) * len(space)
    message = "comparing regions of the field"
    while True:
        try:
            surface = next(steps)
        except StopIteration as end:
            found: Varied = end.value
            break
        step += 1
        yield replace(last, step=step, total=last.total + step - last.step, kernel=surface.kernel_at(middle), message=message)
    here = {}
    if found.varies:
        here = {"kernel": found.surface.kernel_at(middle), "parameters": found.surface.described_at(middle)}
    yield replace(last, step=step + 1, total=last.total + step + 1 - last.step, message="", varied=found, **here)


def psf_field(found: Varied | None) -> PsfField | None:
    """PSFs on a coarse grid over the field; ``None`` where there is one for all of it."""
    if found is None or not found.varies:
        return None
    field = found.field
    along = [
        np.linspace(0, n - 1, _SHOWN) if changes else np.array([(n - 1) / 2])
        for n, changes in zip(field.space, field.axes, strict=True)
    ]
    places = np.stack(np.meshgrid(*along, indexing="ij"), -1)
    flat = places.reshape(-1, places.shape[-1])
    kernels = torch.stack([field.kernel_at(tuple(p)) for p in flat]).cpu().numpy().astype(np.float32)
    parameters = [{name: value.value for name, value in found.described_at(tuple(p)).items()} for p in flat]
    return PsfField(kernels, flat, tuple(len(a) for a in along), parameters)
