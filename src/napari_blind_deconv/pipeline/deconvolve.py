"""The loop over channels and steps, between checked input and report."""

import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from napari_blind_deconv._types import Progress, Result
from napari_blind_deconv.metrics import score
from napari_blind_deconv.pipeline.outcome import Float, Outcome, check_finite, joined_maps, report_of
from napari_blind_deconv.pipeline.posing import intensity_levels, posed
from napari_blind_deconv.pipeline.preparation import Run, checked_truth, prepare
from napari_blind_deconv.pipeline.tone_curve import grey_of
from napari_blind_deconv.pipeline.trusting import assessed
from napari_blind_deconv.pipeline.two_phase import Estimate, two_phases
from napari_blind_deconv.report import peak_memory_mb
from napari_blind_deconv.settings import Settings

# Samples from which on torch's threads pay.
_THREADED_FROM = 1 << 19
# Shares of the pixels between whose intensities the noise is described.
_LIGHT = (0.01, 0.99)


def deconvolve(image: ArrayLike, settings: Settings | None = None, **data: Any) -> Result:
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
    image: ArrayLike,
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
) -> Generator[Progress, None, Result]:
    """Blind deconvolution, one step at a time; may be closed between any two steps.

    Parameters
    ----------
    image
        y, any integer or float type. Frames, planes and colours share one PSF; channels have a PSF each.
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
        For input that cannot be worked with, before anything is computed.
    """
    started = time.perf_counter()
    settings = settings or Settings()
    run = prepare(image, settings, axes, voxel_size_um, psf, psf_voxel_size_um, mask, region)
    truth, true_psf = checked_truth(truth, true_psf, run)
    outcomes = []
    for index, found in enumerate(run.defects):
        outcome = yield from _on_few_threads(found.image.size, _channel_steps(run, index))
        outcomes.append(outcome)
    restored = run.layout.join([o.image for o in outcomes], run.shape)
    kernels = [o.kernel for o in outcomes]
    kernel = kernels[0] if run.layout.channel is None else _stacked(kernels)
    check_finite(run, outcomes)
    report = report_of(run, outcomes, np.asarray(image))
    if truth is not None or true_psf is not None:
        # A figure that does not exist, as SSIM on a stack of few planes, is null in the report: JSON knows no NaN.
        figures = score(restored, truth, kernel, true_psf, axes=run.layout.axes_of_frames)
        report["metrics"] = {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in figures.items()}
    report |= {"seconds": round(time.perf_counter() - started, 3), "peak_memory_mb": peak_memory_mb()}
    return Result(restored, kernel, report, joined_maps(run, outcomes))


def _channel_steps(run: Run, index: int) -> Generator[Progress, None, Outcome]:
    settings, defects = run.settings, run.defects[index]
    levels = replace(intensity_levels(defects.image, defects.missing, settings.background), white=run.white)
    problem = posed(run, index, levels)
    taught, within = None, run.within_region(index)
    if within is not None:
        [part] = within.defects
        taught = posed(within, 0, intensity_levels(part.image, part.missing, settings.background))
    rest = tuple(n for i, n in enumerate(run.shape) if i != run.layout.channel)
    prefix = f"channel {index + 1} of {len(run.defects)}" if len(run.defects) > 1 else ""
    last: Estimate | None = None
    for last in two_phases(problem, settings.estimator, settings.restorer, taught):
        done, total = index * last.total + last.step, len(run.defects) * last.total
        preview = None if last.image is None else run.layout.restack(levels.restored(_numpy(last.image)), rest)
        yield Progress(last.stage, done, total, preview, _numpy(last.kernel), prefix or last.message)
    if last is None or last.image is None:
        raise RuntimeError(f"restorer {settings.restorer.kind!r} ended without an image")
    checks, found = assessed(problem, last.image, last.kernel, settings, defects, taught or problem)
    misfit = next(check.value for check in checks if check.check == "residual_size") * problem.misfit_sigma
    image = levels.restored(_numpy(last.image))
    if defects.untouched is not None:
        left = defects.original - np.float32(settings.background or 0.0)
        image = np.where(defects.untouched, left if run.white is None else grey_of(left, run.white), image)
    low, high = (float(v) for v in np.quantile(defects.image, _LIGHT))
    maps = {name: _numpy(values) for name, values in found.items()}
    maps |= {name: levels.spread(_numpy(values), _numpy(last.image)) for name, values in last.maps.items()}
    return Outcome(
        image=image,
        kernel=_numpy(last.kernel),
        noise=problem.noise.scaled(levels.scale, -levels.offset / levels.scale),
        light=(low, high),
        misfit_sigma=problem.misfit_sigma * levels.scale,
        residual_sigma=misfit * levels.scale,
        parameters=last.parameters,
        choice=last.choice,
        maps=maps,
        checks=checks,
        defects=defects,
    )


def _on_few_threads(samples: int, steps: Generator[Progress, None, Outcome]) -> Generator[Progress, None, Outcome]:
    """The steps of a small problem on one thread: a second one gains nothing, and waits where other work runs."""
    before = torch.get_num_threads()
    try:
        while True:
            torch.set_num_threads(1 if samples < _THREADED_FROM else before)
            try:
                progress = next(steps)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            finally:
                torch.set_num_threads(before)
            yield progress
    finally:
        steps.close()


def _stacked(kernels: Sequence[Float]) -> Float:
    """One kernel per channel, on the largest of their supports."""
    largest = np.max([k.shape for k in kernels], axis=0)
    padded = [np.pad(k, [((n - m) // 2,) * 2 for n, m in zip(largest, k.shape, strict=True)]) for k in kernels]
    return np.stack(padded)


def _numpy(values: torch.Tensor) -> Float:
    out: Float = values.detach().cpu().numpy().astype(np.float32)
    return out
