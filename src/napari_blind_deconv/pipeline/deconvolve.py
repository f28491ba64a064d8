"""The loop over channels and steps, between checked input and report."""

import math
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from napari_blind_deconv._types import Progress, Result
from napari_blind_deconv.estimation import Problem
from napari_blind_deconv.failures import is_memory
from napari_blind_deconv.metrics import score
from napari_blind_deconv.observation import arrangement, refuse_type
from napari_blind_deconv.pipeline.blocks import Kernels, Results, channel_in_blocks
from napari_blind_deconv.pipeline.cutting import Work
from napari_blind_deconv.pipeline.device import device_of
from napari_blind_deconv.pipeline.memory import Plan, limit_bytes, planned, smaller
from napari_blind_deconv.pipeline.outcome import Float, Outcome, check_finite, joined_maps, report_of, stacked
from napari_blind_deconv.pipeline.posing import intensity_levels, posed
from napari_blind_deconv.pipeline.preparation import Run, checked_truth, prepare, prepare_in_parts
from napari_blind_deconv.pipeline.room import no_room, release, said_of_plan
from napari_blind_deconv.pipeline.sources import Source, source_of
from napari_blind_deconv.pipeline.threads import THREADED_FROM, on_few_threads
from napari_blind_deconv.pipeline.tone_curve import grey_of
from napari_blind_deconv.pipeline.trusting import assessed
from napari_blind_deconv.pipeline.two_phase import Estimate, restoring
from napari_blind_deconv.pipeline.varying import kernels_over_field, psf_fields, refuse_region
from napari_blind_deconv.report import peak_memory_mb
from napari_blind_deconv.restoration.blockwise import InMemory
from napari_blind_deconv.settings import Settings

# Shares of the pixels between whose intensities the noise is described.
_LIGHT = (0.01, 0.99)


def deconvolve(image: ArrayLike | Source, settings: Settings | None = None, **data: Any) -> Result:
    """Estimate the PSF of an image and restore it; arguments, results and errors as in `deconvolve_steps`.

    Examples
    --------
    >>> from napari_blind_deconv.synthesis import SAMPLES
    >>> sample = SAMPLES["fluorescence"]()
    >>> result = deconvolve(sample.observed[:64, :64], Settings(kernel_size=(9,), iterations=3))
    >>> result.image.dtype, result.kernel.shape
    (dtype('float32'), (9, 9))
    """
    steps = deconvolve_steps(image, settings, **data)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result


def deconvolve_steps(
    image: ArrayLike | Source,
    settings: Settings | None = None,
    *,
    axes: str | None = None,
    voxel_size_um: Sequence[float | None] | None = None,
    psf: ArrayLike | None = None,
    psf_voxel_size_um: Sequence[float | None] | None = None,
    truth: ArrayLike | None = None,
    true_psf: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    region: ArrayLike | Sequence[slice] | None = None,
    max_memory_gb: float | None = None,
    maps: bool = True,
    out: NDArray[np.float32] | None = None,
) -> Generator[Progress, None, Result]:
    """Blind deconvolution, one step at a time; may be closed between any two steps.

    Parameters
    ----------
    image
        y, any integer or float type: an array, or anything that is sliced (a memory map, dask) or read by regions
        (`pipeline.sources.Source`), of which no more is read than a block where memory is short. Frames, planes and
        colours share one PSF; channels have a PSF each.
    settings
        Kernel prior, image prior, estimator, restorer and the rest; the default is completely blind.
    axes
        One letter per axis out of T, C, Z, Y, X and S (colour samples); by default YX or ZYX.
    voxel_size_um
        Positive lengths in µm, one per spatial axis (z, y, x); ``None`` along an axis of which none is known.
    psf, psf_voxel_size_um
        The PSF for ``kernel_prior`` known, and its voxels; they must be the image's.
    truth, true_psf
        The sharp image and the true PSF, to be compared with; they do not influence the result.
    mask
        Pixels to use: those where it is zero are left out everywhere, and filled by the model. The image's shape, or
        that of its spatial axes.
    region
        Where the PSF is estimated: where this is not zero, its shape as that of ``mask``; or one slice per spatial
        axis. The PSF is that of the image cropped to it, whatever lies elsewhere; all of the image is restored with it.
    max_memory_gb
        What this process may hold of main memory, in 10⁹ bytes: an image that needs more is worked on in blocks. By
        default a large share of what is free.
    maps
        Whether ``Result.maps`` are kept.
    out
        An array of the image's shape, float32, that takes the restored image, such as one that is mapped from a file.

    Yields
    ------
    Progress
        After every step.

    Returns
    -------
    Result
        Restored image, PSF and report.

    Raises
    ------
    InputError
        For input that cannot be worked with, and for an image that no plan has room for, before anything is computed.
    """
    given = _Given(image, axes, voxel_size_um, psf, psf_voxel_size_um, truth, true_psf, mask, region, maps, out)
    settings = settings or Settings()
    refuse_region(settings.variation, region)
    return (yield from _with_room(given, settings, max_memory_gb))


@dataclass(frozen=True)
class _Given:
    """The data of a run, as they were given."""

    image: Any
    axes: Any
    voxel_size_um: Any
    psf: Any
    psf_voxel_size_um: Any
    truth: Any
    true_psf: Any
    mask: Any
    region: Any
    maps: bool
    out: Any

    @property
    def checked(self) -> tuple[Any, ...]:
        """What is checked together, after the image and the settings."""
        return self.axes, self.voxel_size_um, self.psf, self.psf_voxel_size_um, self.mask, self.region


def _with_room(given: _Given, settings: Settings, max_memory_gb: float | None) -> Generator[Progress, None, Result]:
    """The run by the largest plan that finds room: where memory runs out, and only then, by the next one."""
    started = time.perf_counter()
    source = source_of(given.image)
    layout = arrangement(source.shape, given.axes, settings.planes)
    refuse_type(source.dtype, source.shape)
    loaded = 0 if isinstance(given.image, np.ndarray) else source.dtype.itemsize * math.prod(source.shape)
    psf = None if given.psf is None else np.shape(given.psf)
    work = Work.of(source.shape, layout, settings, psf, loaded)
    plan = planned(work, limit_bytes(max_memory_gb), device_of(settings), maps=given.maps)
    kernels: Kernels = {}
    smaller_ones: list[str] = []
    while True:
        if plan.blocks is not None or smaller_ones:
            yield Progress("planning", 0, 0, message=plan.words())
        try:
            result = yield from _planned_steps(given, source, settings, plan, kernels)
        except (MemoryError, RuntimeError) as error:
            if not is_memory(error):
                raise
            following = smaller(plan)
            if following is None:
                raise no_room(plan) from error
            smaller_ones.append(f"memory ran out {plan.words()} on {plan.device}")
        else:
            break
        release()
        plan = following
    report = result.report
    report["plan"]["smaller"] = smaller_ones
    report["warnings"] += said_of_plan(plan, smaller_ones, maps=given.maps)
    report |= {"seconds": round(time.perf_counter() - started, 3), "peak_memory_mb": peak_memory_mb()}
    return result


def _planned_steps(
    given: _Given, source: Source, settings: Settings, plan: Plan, kernels: Kernels
) -> Generator[Progress, None, Result]:
    if plan.blocks is None:
        everything = tuple(slice(0, n) for n in source.shape)
        image = np.asarray(given.image) if not isinstance(given.image, Source) else source.read(everything)
        run = replace(prepare(image, settings, *given.checked), device=plan.device)
        shown: Any = image
    else:
        steps = prepare_in_parts(source, settings, *given.checked)
        while True:
            try:
                message = next(steps)
            except StopIteration as end:
                run = replace(end.value, device=plan.device)
                break
            yield Progress("preparing", 0, 0, message=message)
        shown = source
    truth, true_psf = checked_truth(given.truth, given.true_psf, run)
    outcomes: list[Outcome] = []
    results = None
    if plan.blocks is not None:
        target = np.empty(run.shape, np.float32) if given.out is None else given.out
        results = Results(target, {}, run.shape, plan.maps)
    for index in range(len(run.defects)):
        if results is None:
            steps_of_channel, size = _channel_steps(run, index, kernels), int(np.prod(run.shape)) // len(run.defects)
        else:
            steps_of_channel, size = channel_in_blocks(run, index, plan, results, kernels), THREADED_FROM
        outcomes.append((yield from on_few_threads(size, steps_of_channel)))
    check_finite(run, outcomes)
    if results is None:
        restored = run.layout.join([o.image for o in outcomes if o.image is not None], run.shape)
        if given.out is not None:
            given.out[...] = restored
        found = joined_maps(run, outcomes) if given.maps else {}
    else:
        restored, found = results.image, results.maps
    kernel = outcomes[0].kernel if run.layout.channel is None else stacked([o.kernel for o in outcomes])
    report = report_of(run, outcomes, shown)
    report["plan"] = (plan if results is None else replace(plan, blocks=results.blocks[0])).to_dict()
    if truth is not None or true_psf is not None:
        # A figure that does not exist, as SSIM on a stack of few planes, is null in the report: JSON knows no NaN.
        figures = score(restored, truth, kernel, true_psf, axes=run.layout.axes_of_frames)
        report["metrics"] = {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in figures.items()}
    fields = psf_fields([o.varied for o in outcomes])
    return Result(restored if given.out is None else given.out, kernel, report, found, fields)


def _channel_steps(run: Run, index: int, kernels: Kernels) -> Generator[Progress, None, Outcome]:
    settings, defects = run.settings, run.whole(index)
    levels = replace(intensity_levels(defects.image, defects.missing, settings.background), white=run.white)
    problem = posed(run, index, levels)
    taught, within = None, run.within_region(index)
    if within is not None:
        part = within.whole(0)
        taught = posed(within, 0, intensity_levels(part.image, part.missing, settings.background))
    rest = tuple(n for i, n in enumerate(run.shape) if i != run.layout.channel)
    prefix = f"channel {index + 1} of {len(run.defects)}" if len(run.defects) > 1 else ""
    last: Estimate | None = None
    for last in _estimates(problem, settings, taught, (kernels, index)):
        done, total = index * last.total + last.step, len(run.defects) * last.total
        preview = None if last.image is None else run.layout.restack(levels.restored(_numpy(last.image)), rest)
        yield Progress(last.stage, done, total, preview, _numpy(last.kernel), prefix or last.message)
    if last is None or last.image is None:
        raise RuntimeError(f"restorer {settings.restorer.kind!r} ended without an image")
    checks, found = assessed(problem, last.image, last.kernel, settings, defects, taught or problem, last.kernels)
    misfit = next(check.value for check in checks if check.check == "residual_size") * problem.misfit_sigma
    image = levels.restored(_numpy(last.image))
    infinite = ~np.isfinite(image)
    if defects.untouched is not None:
        left = defects.original - np.float32(settings.background or 0.0)
        image = np.where(defects.untouched, left if run.white is None else grey_of(left, run.white), image)
        infinite &= ~defects.untouched
    low, high = (float(v) for v in np.quantile(defects.image, _LIGHT))
    maps = {name: _numpy(values) for name, values in found.items()}
    maps |= {name: levels.spread(_numpy(values), _numpy(last.image)) for name, values in last.maps.items()}
    return Outcome(
        image=image,
        kernel=_numpy(last.kernel),
        noise=problem.noise.scaled(levels.scale, -levels.offset / levels.scale),
        light=(low, high),
        infinite=bool(infinite.any()),
        misfit_sigma=problem.misfit_sigma * levels.scale,
        residual_sigma=misfit * levels.scale,
        parameters=last.parameters,
        choice=last.choice,
        maps=maps,
        checks=checks,
        defects=defects,
        varied=last.varied,
    )


def _estimates(
    problem: Problem, settings: Settings, taught: Problem | None, known: tuple[Kernels, int]
) -> Iterator[Estimate]:
    """Both phases; a kernel that was found before memory ran out is not looked for again, and one found is kept."""
    kernels, index = known
    last = kernels.get(index)
    if last is None:
        for last in kernels_over_field(problem, settings, InMemory(problem.observed, problem.weights), taught):
            if last.step:
                yield last
    if last is None:
        raise RuntimeError(f"estimator {settings.estimator.kind!r} ended without a kernel")
    kernels[index] = last
    yield from restoring(problem, settings.restorer, replace(last, kernel=last.kernel.to(problem.observed.device)))


def _numpy(values: torch.Tensor) -> Float:
    out: Float = values.detach().cpu().numpy().astype(np.float32)
    return out
