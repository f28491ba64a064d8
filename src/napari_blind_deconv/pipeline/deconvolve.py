"""The loop over channels and steps, between checked input and report."""

import time
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from napari_blind_deconv._types import Progress, Result
from napari_blind_deconv.crops import informative_crop
from napari_blind_deconv.forward import read_noise
from napari_blind_deconv.metrics import score
from napari_blind_deconv.pipeline.outcome import Float, Outcome, joined_maps, report_of
from napari_blind_deconv.pipeline.preparation import Run, checked_truth, prepare
from napari_blind_deconv.pipeline.trusting import assessed
from napari_blind_deconv.report import peak_memory_mb
from napari_blind_deconv.settings import Settings
from napari_blind_deconv.solvers import Estimate, Problem

# Samples from which on torch's threads pay.
_THREADED_FROM = 1 << 19


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
    voxel_size_um: Sequence[float] | None = None,
    psf: ArrayLike | None = None,
    psf_voxel_size_um: Sequence[float] | None = None,
    truth: ArrayLike | None = None,
    true_psf: ArrayLike | None = None,
) -> Generator[Progress, None, Result]:
    """Blind deconvolution, one step at a time; may be closed between any two steps.

    Parameters
    ----------
    image
        y, any integer or float type. Frames, planes and colours share one PSF; channels have a PSF each.
    settings
        Kernel prior, image prior, solver and the rest; the default is completely blind.
    axes
        One letter per axis out of T, C, Z, Y, X and S (colour samples); by default YX or ZYX.
    voxel_size_um
        Positive lengths in µm, one per spatial axis (z, y, x).
    psf, psf_voxel_size_um
        The PSF for ``kernel_prior`` known, and its voxels; they must be the image's.
    truth, true_psf
        The sharp image and the true PSF, to be compared with; they do not influence the result.

    Yields
    ------
    Progress
        After every step of the solver.

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
    run = prepare(image, settings, axes, voxel_size_um, psf, psf_voxel_size_um)
    truth, true_psf = checked_truth(truth, true_psf, run)
    outcomes = []
    for index, channel in enumerate(run.channels):
        outcome = yield from _on_few_threads(channel.size, _channel_steps(run, channel, index))
        outcomes.append(outcome)
    restored = run.layout.join([o.image for o in outcomes], run.shape)
    kernels = [o.kernel for o in outcomes]
    kernel = kernels[0] if run.layout.channel is None else _stacked(kernels)
    report = report_of(run, outcomes, np.asarray(image))
    if truth is not None or true_psf is not None:
        # A figure that does not exist, as SSIM on a stack of few planes, is null in the report: JSON knows no NaN.
        figures = score(restored, truth, kernel, true_psf, axes=run.layout.axes_of_frames)
        report["metrics"] = {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in figures.items()}
    report |= {"seconds": round(time.perf_counter() - started, 3), "peak_memory_mb": peak_memory_mb()}
    return Result(restored, kernel, report, joined_maps(run, outcomes))


def _channel_steps(run: Run, channel: NDArray[Any], index: int) -> Generator[Progress, None, Outcome]:
    settings = run.settings
    scale = intensity_scale(channel - settings.background)
    observed = torch.from_numpy(((channel - settings.background) / scale).astype(np.float32)).to(run.device)
    noise = read_noise(observed)
    sigma = settings.noise_sigma / scale if settings.noise_sigma else noise.sigma
    problem = Problem(
        observed=observed,
        sample=informative_crop(observed, run.kernel_shape),
        kernel_shape=run.kernel_shape,
        spacing=_relative(run.voxel_size_um, len(run.kernel_shape)),
        noise=noise.of_level(max(sigma, 1e-4)),
        model_error=settings.model_error,
        kernel_prior=run.kernel_prior,
        kernel_weight=settings.kernel_weight,
        image_prior=settings.image_prior,
        iterations=settings.iterations,
        generator=torch.Generator().manual_seed(settings.seed),
        largest_kernel=run.largest_kernel,
    )
    rest = tuple(n for i, n in enumerate(run.shape) if i != run.layout.channel)
    prefix = f"channel {index + 1} of {len(run.channels)}" if len(run.channels) > 1 else ""
    last: Estimate | None = None
    for last in settings.solver.solve(problem):
        done, total = index * last.total + last.step, len(run.channels) * last.total
        preview = None if last.image is None else run.layout.restack(_numpy(last.image) * np.float32(scale), rest)
        kernel = None if last.kernel is None else _numpy(last.kernel)
        yield Progress(last.stage, done, total, preview, kernel, prefix or last.message)
    if last is None or last.image is None or last.kernel is None:
        raise RuntimeError(f"solver {settings.solver.kind!r} ended without an image")
    checks, found = assessed(problem, last.image, last.kernel, settings, run.saturated[index])
    misfit = next(check.value for check in checks if check.check == "residual_size") * problem.misfit_sigma
    image = _numpy(last.image) * np.float32(scale)
    sigma, misfit_expected, residual = (s * scale for s in (problem.noise_sigma, problem.misfit_sigma, misfit))
    maps = {name: _numpy(values) for name, values in found.items()}
    maps |= {name: _numpy(values) * np.float32(scale) for name, values in last.maps.items()}
    return Outcome(
        image,
        _numpy(last.kernel),
        sigma,
        misfit_expected,
        residual,
        last.parameters,
        last.choice,
        maps,
        checks,
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


def intensity_scale(values: NDArray[Any]) -> float:
    """What the priors' unit scale means in the image's unit: the 99.9th percentile of the absolute intensity."""
    scale = float(np.quantile(np.abs(values), 0.999))
    return scale if scale > 0 else float(np.abs(values).max())


def _stacked(kernels: Sequence[Float]) -> Float:
    """One kernel per channel, on the largest of their supports."""
    largest = np.max([k.shape for k in kernels], axis=0)
    padded = [np.pad(k, [((n - m) // 2,) * 2 for n, m in zip(largest, k.shape, strict=True)]) for k in kernels]
    return np.stack(padded)


def _relative(voxel_size_um: tuple[float, ...] | None, ndim: int) -> tuple[float, ...]:
    if voxel_size_um is None:
        return (1.0,) * ndim
    return tuple(v / min(voxel_size_um) for v in voxel_size_um)


def _numpy(values: torch.Tensor) -> Float:
    out: Float = values.detach().cpu().numpy().astype(np.float32)
    return out
