"""From an array to a result: check, arrange, scale, solve channel by channel, report. The loop over steps is here."""

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from napari_blind_deconv._types import InputError, Progress, Result
from napari_blind_deconv.crops import informative_crop
from napari_blind_deconv.forward import estimate_noise, predict
from napari_blind_deconv.fourier import trailing
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.metrics import describe_kernel, score
from napari_blind_deconv.observation import (
    Arrangement,
    arrangement,
    checked_image,
    checked_levels,
    checked_voxel_size,
)
from napari_blind_deconv.report import checksum, kernel_doubts, peak_memory_mb, residual_doubts, versions
from napari_blind_deconv.settings import Settings, settings_to_dict
from napari_blind_deconv.solvers import Estimate, Problem
from napari_blind_deconv.support import checked_psf, kernel_shape

Float = NDArray[np.float32]

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
    run = _prepare(image, settings, axes, voxel_size_um, psf, psf_voxel_size_um)
    truth, true_psf = _checked_truth(truth, true_psf, run)
    outcomes = []
    for index, channel in enumerate(run.channels):
        outcome = yield from _on_few_threads(channel.size, _channel_steps(run, channel, index))
        outcomes.append(outcome)
    restored = run.layout.join([o.image for o in outcomes], run.shape)
    kernels = [o.kernel for o in outcomes]
    kernel = kernels[0] if run.layout.channel is None else np.stack(kernels)
    report = _report(run, outcomes, np.asarray(image))
    if truth is not None or true_psf is not None:
        # A figure that does not exist, as SSIM on a stack of few planes, is null in the report: JSON knows no NaN.
        figures = score(restored, truth, kernel, true_psf, axes=run.layout.axes_of_frames)
        report["metrics"] = {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in figures.items()}
    report |= {"seconds": round(time.perf_counter() - started, 3), "peak_memory_mb": peak_memory_mb()}
    return Result(restored, kernel, report)


@dataclass(frozen=True)
class _Run:
    """One run's checked input."""

    settings: Settings
    layout: Arrangement
    shape: tuple[int, ...]
    channels: list[NDArray[Any]]
    voxel_size_um: tuple[float, ...] | None
    kernel_shape: tuple[int, ...]
    kernel_prior: Any
    device: torch.device
    warnings: list[str]


@dataclass(frozen=True)
class _Outcome:
    """One channel's result, on the input's intensity scale."""

    image: Float
    kernel: Float
    noise_sigma: float
    misfit_sigma: float
    residual_sigma: float


def _prepare(image: Any, settings: Settings, axes: Any, voxel_size_um: Any, psf: Any, psf_voxel_size_um: Any) -> _Run:
    values, warnings = checked_image(image, settings.fill_nan)
    checked_levels(values, settings.background, settings.noise_sigma)
    layout = arrangement(values.shape, axes, settings.planes)
    space_shape = [values.shape[layout.axes.index(a)] for a in layout.space]
    voxels = checked_voxel_size(voxel_size_um, layout.space, settings.planes)
    prior = settings.kernel_prior
    if psf is not None and not isinstance(prior, Known):
        raise InputError(f"a PSF was given, but kernel_prior is {prior.kind!r}; choose kernel_prior 'known' to use it")
    if isinstance(prior, Known):
        if psf is None:
            psf = prior.kernel
        if psf is None:
            raise InputError("kernel_prior 'known' has no PSF; give one (--psf FILE, or psf=ARRAY in Python)")
        taps, said = checked_psf(psf, space_shape, voxels, psf_voxel_size_um)
        prior, support = replace(prior, kernel=taps), taps.shape
        warnings = warnings + said
    else:
        support = kernel_shape(settings.kernel_size, space_shape)
    return _Run(
        settings, layout, values.shape, layout.split(values), voxels, support, prior, _device(settings.device), warnings
    )


def _checked_truth(truth: Any, true_psf: Any, run: _Run) -> tuple[Any, Any]:
    """Truths that can be compared with the result, refused before the work rather than after."""
    if truth is not None and np.shape(truth) != run.shape:
        raise InputError(f"truth has shape {np.shape(truth)}, but the image has {run.shape}; they must be the same")
    if true_psf is not None:
        shape = np.squeeze(np.asarray(true_psf)).shape
        expected = len(run.kernel_shape) + (run.layout.channel is not None)
        if len(shape) != expected:
            raise InputError(f"true PSF has {len(shape)} axes {shape}, but the estimated one will have {expected}")
    return truth, true_psf


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there[name]:
        usable = ", ".join(d for d, ok in there.items() if ok)
        raise InputError(f"device {name!r} is not available on this machine; usable here: auto, {usable}")
    return torch.device(name)


def _channel_steps(run: _Run, channel: NDArray[Any], index: int) -> Generator[Progress, None, _Outcome]:
    settings = run.settings
    scale = intensity_scale(channel - settings.background)
    observed = torch.from_numpy(((channel - settings.background) / scale).astype(np.float32)).to(run.device)
    sigma = settings.noise_sigma / scale if settings.noise_sigma else estimate_noise(observed)
    problem = Problem(
        observed=observed,
        sample=informative_crop(observed, run.kernel_shape),
        kernel_shape=run.kernel_shape,
        spacing=_relative(run.voxel_size_um, len(run.kernel_shape)),
        noise_sigma=max(sigma, 1e-4),
        model_error=settings.model_error,
        kernel_prior=run.kernel_prior,
        kernel_weight=settings.kernel_weight,
        image_prior=settings.image_prior,
        iterations=settings.iterations,
        generator=torch.Generator().manual_seed(settings.seed),
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
    misfit = residual_sigma(last.image, last.kernel, problem)
    image = _numpy(last.image) * np.float32(scale)
    sigmas = (sigma * scale for sigma in (problem.noise_sigma, problem.misfit_sigma, misfit))
    return _Outcome(image, _numpy(last.kernel), *sigmas)


def _on_few_threads(samples: int, steps: Generator[Progress, None, _Outcome]) -> Generator[Progress, None, _Outcome]:
    """The steps of a small problem on one thread: a second one gains nothing, and waits where other work runs."""
    before = torch.get_num_threads()
    try:
        while True:
            torch.set_num_threads(1 if samples < _THREADED_FROM else before)
            try:
                progress = next(steps)
            except StopIteration as end:
                outcome: _Outcome = end.value
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


def residual_sigma(image: torch.Tensor, kernel: torch.Tensor, problem: Problem) -> float:
    """Standard deviation of y - k * x where the kernel does not look beyond the frame."""
    frame = problem.frame
    residual = problem.observed - predict(frame.extend(image), kernel, frame)
    inner = [slice(k // 2, n - k // 2) for k, n in zip(problem.kernel_shape, frame.shape, strict=True)]
    inside = residual[trailing(inner)]
    return float((inside if inside.numel() > 1 else residual).std())


def _relative(voxel_size_um: tuple[float, ...] | None, ndim: int) -> tuple[float, ...]:
    if voxel_size_um is None:
        return (1.0,) * ndim
    return tuple(v / min(voxel_size_um) for v in voxel_size_um)


def _numpy(values: torch.Tensor) -> Float:
    out: Float = values.detach().cpu().numpy().astype(np.float32)
    return out


def _report(run: _Run, outcomes: list[_Outcome], image: NDArray[Any]) -> dict[str, Any]:
    channels = range(len(outcomes))
    described = [describe_kernel(o.kernel) for o in outcomes]
    doubts = [
        (f"channel {i + 1}: " if len(outcomes) > 1 else "") + sentence
        for i in channels
        for sentence in ([] if isinstance(run.kernel_prior, Known) else kernel_doubts(outcomes[i].kernel))
        + residual_doubts(outcomes[i].residual_sigma, outcomes[i].misfit_sigma)
    ]
    single = len(outcomes) == 1
    return {
        "settings": settings_to_dict(run.settings),
        "versions": dict(versions()),
        "device": str(run.device),
        "seed": run.settings.seed,
        "input": {
            "shape": list(image.shape),
            "dtype": str(image.dtype),
            "axes": run.layout.axes,
            "sha256": checksum(image),
            "voxel_size_um": list(run.voxel_size_um) if run.voxel_size_um else None,
        },
        "background": run.settings.background,
        "noise_sigma": outcomes[0].noise_sigma if single else [o.noise_sigma for o in outcomes],
        "misfit_sigma": outcomes[0].misfit_sigma if single else [o.misfit_sigma for o in outcomes],
        "residual_sigma": outcomes[0].residual_sigma if single else [o.residual_sigma for o in outcomes],
        "kernel": described[0] if single else described,
        "warnings": run.warnings + doubts,
    }
