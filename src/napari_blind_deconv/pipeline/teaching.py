"""What images teach of a PSF that they share: each is checked and posed as in a run of its own, none is restored."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError, Progress, VoxelSize
from napari_blind_deconv.estimation import Found, Problem
from napari_blind_deconv.estimation.shared import shared_kernels
from napari_blind_deconv.kernel_priors import Known, Parameter
from napari_blind_deconv.observation import arrangement, refuse_type
from napari_blind_deconv.pipeline.device import device_of
from napari_blind_deconv.pipeline.given import Given, loaded
from napari_blind_deconv.pipeline.memory import limit_bytes, planned, time_machine
from napari_blind_deconv.pipeline.outcome import array_of, stacked
from napari_blind_deconv.pipeline.posing import intensity_levels, posed, posed_in_parts, posed_region
from napari_blind_deconv.pipeline.preparation import Run, preparing
from napari_blind_deconv.pipeline.saying import said
from napari_blind_deconv.settings import Settings
from napari_blind_deconv.support import voxel_doubts_of_psf


@dataclass(frozen=True)
class Taught:
    """What an image teaches of its PSF.

    Attributes
    ----------
    problems
        One per channel, of the part that teaches the kernel.
    several
        Whether there is a channel axis.
    axes
        The PSF's spatial axes.
    voxel_size_um
        The image's, one length per spatial axis of the image.
    """

    problems: tuple[Problem, ...]
    several: bool
    axes: str
    voxel_size_um: VoxelSize | None


@dataclass(frozen=True)
class SharedPsf:
    """One PSF of several images.

    Attributes
    ----------
    kernel
        float32, unit sum; with a leading channel axis where channels have a PSF each.
    axes
        Its letters.
    voxel_size_um
        Of the first image.
    parameters
        Fitted figures, by name, for every channel.
    """

    kernel: NDArray[np.float32]
    axes: str
    voxel_size_um: VoxelSize | None
    parameters: tuple[dict[str, Parameter], ...]


def teaching_steps(
    image: Any,
    settings: Settings,
    *,
    axes: str | None = None,
    voxel_size_um: Sequence[float | None] | None = None,
    mask: Any = None,
    region: Any = None,
    max_memory_gb: float | None = None,
) -> Generator[Progress, None, Taught]:
    """Look at an image for what it teaches of its PSF; arguments and errors as of `deconvolve_steps`.

    Where memory is short it is read part by part, and only the part that teaches the kernel is kept.
    """
    if isinstance(settings.kernel_prior, Known):
        raise InputError(
            subject="kernel_prior=known",
            value="leaves nothing to estimate",
            remedy="choose another `kernel_prior`, or use the known PSF for every file",
        )
    given = Given(image, axes, voxel_size_um, None, None, None, None, mask, region, False, None)
    source = given.source()
    layout = arrangement(source.shape, axes, settings.planes)
    refuse_type(source.dtype, source.shape)
    work, device = given.work(layout, settings), device_of(settings)
    time_machine(work, device)
    plan = planned(work, limit_bytes(max_memory_gb), device, maps=False)
    # Frames of a movie are looked at one after the other, and none is kept.
    in_parts = plan.blocks is not None or layout.frames(source.shape) > 1
    pixels = source if in_parts else (yield from loaded(image, source))
    run = yield from said(preparing(pixels, settings, *given.checked), "preparing")
    problems = []
    for index in range(len(run.defects)):
        problem = yield from said(_problem(run, index, whole=not in_parts), "preparing")
        problems.append(replace(problem, observed=problem.sample, weights=problem.sample_weights))
    return Taught(tuple(problems), layout.channel is not None, layout.space, run.voxel_size_um)


def sharing_steps(taught: Sequence[Taught], settings: Settings) -> Generator[Progress, None, SharedPsf]:
    """The PSF that all images share, channel by channel.

    Raises
    ------
    InputError
        For images whose channels, axes or voxels differ.
    """
    first = taught[0]
    for other in taught[1:]:
        _refuse_other(first, other)
    kernels, parameters = [], []
    for channel, problems in enumerate(zip(*(one.problems for one in taught), strict=True)):
        message = f"channel {channel + 1} of {len(first.problems)}" if len(first.problems) > 1 else ""
        fit = (yield from together(problems, settings.estimator, "estimating the shared PSF", message)).fit
        kernels.append(array_of(fit.kernel))
        parameters.append(dict(fit.parameters))
    kernel = stacked(kernels) if first.several else kernels[0]
    axes = ("C" if first.several else "") + first.axes
    return SharedPsf(kernel, axes, first.voxel_size_um, tuple(parameters))


def together(
    problems: Sequence[Problem], estimator: Any, stage: str, message: str = ""
) -> Generator[Progress, None, Found]:
    """The kernel that observations share, a yield after every step."""
    found: Found | None = None
    for step, found in enumerate(shared_kernels(problems, estimator), start=1):
        yield Progress(stage, step, max(found.total, step), None, array_of(found.fit.kernel), message)
    if found is None:
        raise RuntimeError(f"estimator {estimator.kind!r} ended without a kernel")
    return found


def _problem(run: Run, index: int, *, whole: bool) -> Generator[str, None, Problem]:
    region = yield from posed_region(run, index)
    if region is not None:
        return region
    if not whole:
        found = run.surveyed(index)
        return (
            yield from posed_in_parts(
                run.with_psf_of(index), found, intensity_levels(found.sample, None, run.settings.background)
            )
        )
    defects = run.whole(index)
    return (yield from posed(run, index, intensity_levels(defects.image, defects.missing, run.settings.background)))


def _refuse_other(first: Taught, other: Taught) -> None:
    same = (len(first.problems), first.several, first.axes) == (len(other.problems), other.several, other.axes)
    if not same:
        raise InputError(
            subject="an image",
            value=f"has {len(other.problems)} channels and the PSF's axes {other.axes}",
            allowed=f"but the first has {len(first.problems)} and {first.axes}",
            remedy="share a PSF between images of one kind only",
        )
    if first.voxel_size_um is not None and other.voxel_size_um is not None:
        voxel_doubts_of_psf(first.voxel_size_um, other.voxel_size_um)
