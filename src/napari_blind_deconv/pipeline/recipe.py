"""The loop over channels and steps, between checked input and report."""

import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_blind_deconv._types import Progress, Result, finished
from napari_blind_deconv.failures import is_memory
from napari_blind_deconv.observation import arrangement, refuse_type
from napari_blind_deconv.pipeline.blocks import Results, channel_in_blocks
from napari_blind_deconv.pipeline.bootstrap import IN_ONE_PIECE_ONLY
from napari_blind_deconv.pipeline.comparing import compared
from napari_blind_deconv.pipeline.device import device_of, on
from napari_blind_deconv.pipeline.given import Given, Maps, loaded, opened
from napari_blind_deconv.pipeline.in_one_piece import channel_in_one_piece
from napari_blind_deconv.pipeline.memory import Plan, limit_bytes, planned, smaller, time_machine
from napari_blind_deconv.pipeline.outcome import Outcome, check_finite, joined_maps, report_of, stacked
from napari_blind_deconv.pipeline.preparation import Run, checked_truth, preparing
from napari_blind_deconv.pipeline.room import no_room, release, said_of_plan
from napari_blind_deconv.pipeline.saying import said
from napari_blind_deconv.pipeline.several_psfs import is_one_run, steps_of_several
from napari_blind_deconv.pipeline.sources import SLAB, Sink, Source
from napari_blind_deconv.pipeline.threads import THREADED_FROM, on_few_threads
from napari_blind_deconv.pipeline.varying import Kernels, psf_fields, refuse_region
from napari_blind_deconv.report import checksum_steps, peak_memory_mb
from napari_blind_deconv.settings import Settings
from napari_blind_deconv.spread import Spreads, in_turn
from napari_blind_deconv.tiling import pieces


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
    return finished(deconvolve_steps(image, settings, **data))


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
    maps: Maps = True,
    out: NDArray[np.float32] | Sink | None = None,
    spread: Spreads = in_turn,
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
        The PSF for ``kernel_prior`` known, and its voxels; they must be the image's. Where channels have a PSF each,
        one per channel along the first axis.
    truth, true_psf
        The sharp image and the true PSF, for comparison; they do not influence the result.
    mask
        Pixels to use: those where it is zero are left out everywhere, and filled by the model. The image's shape, or
        that of its spatial axes.
    region
        Where the PSF is estimated: where this is not zero, its shape as that of ``mask``; or one slice per spatial
        axis. The PSF is that of the image cropped to it; the whole image is restored with it.
    max_memory_gb
        Limit of main memory for this process, in 10⁹ bytes: an image that needs more is restored in blocks. By
        default a large share of what is free.
    maps
        Whether ``Result.maps`` are kept; or what makes, by its name, the sink that a map is written to.
    out
        What takes the restored image: an array of its shape, float32, or a sink, such as `io.create` gives, to which
        blocks are written as they come, and from which they are read again.
    spread
        Who restores the blocks of a large image: this process, or others that can read it.

    Yields
    ------
    Progress
        After every step, and between the parts of what comes before and after them, whose total is 0.

    Returns
    -------
    Result
        Restored image, PSF and report.

    Raises
    ------
    InputError
        For unusable input, and for an image that does not fit into memory even in blocks, before anything is computed.
    """
    given = Given(image, axes, voxel_size_um, psf, psf_voxel_size_um, truth, true_psf, mask, region, maps, out)
    settings = settings or Settings()
    refuse_region(settings.variation, region)
    run_one = partial(_with_room, spread=spread)
    if is_one_run(given, settings):
        return (yield from run_one(given, settings, max_memory_gb, {}))
    return (yield from steps_of_several(given, settings, max_memory_gb, run_one))


def _with_room(
    given: Given, settings: Settings, max_memory_gb: float | None, kernels: Kernels, spread: Spreads
) -> Generator[Progress, None, Result]:
    """The run by the largest plan that finds room: where memory runs out, and only then, by the next one."""
    started = time.perf_counter()
    source = given.source()
    layout = arrangement(source.shape, given.axes, settings.planes)
    refuse_type(source.dtype, source.shape)
    work = given.work(layout, settings)
    device = device_of(settings)
    yield Progress("planning", 0, 0)
    time_machine(work, device)
    plan = planned(work, limit_bytes(max_memory_gb), device, maps=bool(given.maps))
    smaller_ones: list[str] = []
    while True:
        yield Progress("planning", 0, 0, message=plan.words(), expected=plan.course)
        try:
            result = yield from _planned_steps(given, source, settings, (plan, spread), kernels)
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
    report["warnings"] += said_of_plan(plan, smaller_ones, maps=bool(given.maps))
    report |= {"seconds": round(time.perf_counter() - started, 3), "peak_memory_mb": peak_memory_mb()}
    return result


def _planned_steps(
    given: Given, source: Source, settings: Settings, how: tuple[Plan, Spreads], kernels: Kernels
) -> Generator[Progress, None, Result]:
    plan, spread = how
    image = source if plan.blocks is not None else (yield from loaded(given.image, source))
    run = yield from said(preparing(image, settings, *given.checked, spread=spread), "preparing")
    run = replace(run, device=on(plan.device))
    truth, true_psf = checked_truth(given.truth, given.true_psf, run)
    if settings.bootstrap and plan.blocks is not None:
        run = replace(run, warnings=[*run.warnings, IN_ONE_PIECE_ONLY])
    results = None if plan.blocks is None else Results(given, run.shape, keeps_maps=plan.maps)
    outcomes: list[Outcome] = []
    for index in range(len(run.defects)):
        if results is None:
            steps, size = channel_in_one_piece(run, index, kernels), int(np.prod(run.shape)) // len(run.defects)
        else:
            steps, size = channel_in_blocks(run, index, plan, results, kernels, spread), THREADED_FROM
        outcomes.append((yield from on_few_threads(size, steps)))
    check_finite(run, outcomes)
    if results is None:
        results = yield from said(_put(given, run, outcomes), "writing")
    else:
        plan = replace(plan, blocks=results.blocks[0])
    kernel = outcomes[0].kernel if run.layout.channel is None else stacked([o.kernel for o in outcomes])
    found = yield from said(
        checksum_steps(image.read if isinstance(image, Source) else image.__getitem__, image.shape), "reporting"
    )
    report = report_of(run, outcomes, image, found)
    report["plan"] = plan.to_dict()
    if truth is not None or true_psf is not None:
        yield Progress("comparing with the truth", 0, 0)
        report["metrics"] = compared(results.image, truth, kernel, true_psf, run.layout.axes_of_frames)
    maps = {name: opened(sink) for name, sink in results.maps.items()}
    return Result(opened(results.image), kernel, report, maps, psf_fields([o.varied for o in outcomes]))


def _put(given: Given, run: Run, outcomes: list[Outcome]) -> Generator[str, None, Results]:
    """The results of a run on the whole where they belong."""
    results = Results(given, run.shape, keeps_maps=bool(given.maps))
    found = {"image": run.layout.join([o.image for o in outcomes if o.image is not None], run.shape)}
    found |= joined_maps(run, outcomes) if given.maps else {}
    for name, values in found.items():
        sink = results.sink(name)
        grain = getattr(sink, "grain", (1,) * len(run.shape))
        for piece in pieces(tuple(slice(0, n) for n in run.shape), grain, 4 * SLAB):
            sink.write(piece, values[piece])
            yield name.replace("_", " ")
    return results
