"""One channel of a checked input as a problem: on the scale that priors know, with its noise and its weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import VoxelSize, whole
from napari_blind_deconv.crops import Window, informative_window
from napari_blind_deconv.estimation import Problem
from napari_blind_deconv.evidence import Frames
from napari_blind_deconv.forward import CameraNoiseModel, Likelihood, Noise, read_noise
from napari_blind_deconv.fourier import trailing
from napari_blind_deconv.image_priors import GaussianField
from napari_blind_deconv.pipeline.parts import order_of
from napari_blind_deconv.pipeline.preparation import Run
from napari_blind_deconv.pipeline.surveying import Surveyed
from napari_blind_deconv.pipeline.tone_curve import grey_of, steepness

# Shares of the pixels that are darker than the darkest, and brighter than the brightest, that count.
_DARK, _BRIGHT = 0.001, 0.999
# Where photographs, which the priors were calibrated on, have their darkest thousandth, relative to the brightest one.
_USUAL_DARK = 0.04
_LEAST_NOISE = 1e-4


@dataclass(frozen=True)
class Levels:
    """Which intensities the priors' 0 and 1 mean.

    Attributes
    ----------
    offset
        The intensity of 0, in the image's unit.
    scale
        One, in the image's unit.
    added_back
        What a restored image is given back of the offset: all of it, unless it is a background that was to be removed.
    white
        The grey level of white, where grey levels follow the light by a camera's curve.
    """

    offset: float
    scale: float
    added_back: float
    white: float | None = None

    def posed(self, image: NDArray[np.floating]) -> NDArray[np.float32]:
        """The image on the priors' scale."""
        # In double precision, so that a large offset costs no digits.
        return ((image.astype(np.float64) - self.offset) / self.scale).astype(np.float32)

    def restored(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """An image on the priors' scale in its own unit."""
        light = image * np.float32(self.scale) + np.float32(self.added_back)
        return light if self.white is None else grey_of(light, self.white).astype(np.float32)

    def spread(self, deviation: NDArray[np.float32], image: NDArray[np.float32]) -> NDArray[np.float32]:
        """A small deviation of an image on the priors' scale, in the image's own unit."""
        light = deviation * np.float32(self.scale)
        if self.white is None:
            return light
        where = image * np.float32(self.scale) + np.float32(self.added_back)
        return (light * steepness(where, self.white)).astype(np.float32)

    def flux_ratio(self, restored: float, observed: float, pixels: float) -> float | None:
        """The light of a restored over that of an observed image, from sums over pixels on the priors' scale.

        In the image's unit, an offset of the camera included that nobody named; ``None`` where there is no light.
        """
        light = [total * self.scale + self.added_back * pixels for total in (restored, observed)]
        return light[0] / light[1] if light[1] > 0 else None


def intensity_levels(
    image: NDArray[np.floating], missing: NDArray[np.bool_] | None = None, background: float | None = None
) -> Levels:
    """Intensities that the darkest and the brightest thousandth of a channel, or its background, are put to.

    An additive constant changes the offset and nothing else.
    """
    seen = image if missing is None else image[~missing]
    dark, bright = (float(v) for v in np.quantile(seen.astype(np.float64), (_DARK, _BRIGHT)))
    if bright == dark:
        bright = float(seen.max())
    scale = (bright - dark) / (1 - _USUAL_DARK) if background is None else bright - background
    offset = bright - scale if background is None else background
    return Levels(offset, scale, offset if background is None else 0.0)


def posed(run: Run, index: int, levels: Levels) -> Generator[str, None, Problem]:
    """The problem of one channel; a yield between any two parts of the work."""
    defects = run.whole(index)
    observed, weights = tensors(levels.posed(defects.image), defects.missing, run.device)
    yield "choosing the part that shows the PSF best"
    window = informative_window(observed, run.kernel_shape, weights)
    taught = window.of(observed), None if weights is None else window.of(weights)
    yield "reading the noise"
    noise = read_noise(observed, weights, flat=not _even(run))
    yield "reading the noise"
    problem = _problem(run.with_psf_of(index), levels, (observed, weights), taught, noise, levels.posed(defects.image))
    box = trailing(window.box)
    return replace(problem, frames=_all_frames(window, len(observed), lambda some: observed[some][box]))


def posed_region(run: Run, index: int) -> Generator[str, None, Problem | None]:
    """The problem of the part of a channel that teaches its PSF; ``None``: nobody said which."""
    within = run.with_psf_of(index).within_region(index)
    if within is None:
        return None
    part = within.whole(0)
    return (yield from posed(within, 0, intensity_levels(part.image, part.missing, run.settings.background)))


def posed_in_parts(run: Run, found: Surveyed, levels: Levels) -> Generator[str, None, Problem]:
    """As `posed`, of a channel that is read part by part: its observation is the part that teaches the kernel."""
    spread, unknown = found.spread()
    yield "reading the noise"
    noise = read_noise(*tensors(levels.posed(spread), unknown, run.device), flat=not _even(run))
    yield "choosing the part that shows the PSF best"
    window = found.window(run.kernel_shape)
    taught, missing = found.of(window)
    part = tensors(levels.posed(taught), missing, run.device)

    def read(frames: slice) -> torch.Tensor:
        return tensors(levels.posed(found.read(frames, window.box)[0]), None, run.device)[0]

    problem = _problem(run, levels, part, part, noise, levels.posed(found.sample))
    return replace(problem, frames=_all_frames(window, found.channel.shape[0], read))


def _even(run: Run) -> bool:
    """Whether the scene is believed to be a stationary field of a given spectrum, which is even everywhere."""
    prior = run.settings.image_prior
    return isinstance(prior, GaussianField) and prior.spectrum is not None


def _all_frames(window: Window, count: int, read: Callable[[slice], torch.Tensor]) -> Frames | None:
    """All frames of a window, where it has a few of them only."""
    if len(window.frames) == count:
        return None
    return Frames(read, count, max(math.prod(part.stop - part.start for part in window.box), 1))


def tensors(
    image: NDArray[np.float32], missing: NDArray[np.bool_] | None, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """An image and its weights on a device."""
    weights = None if missing is None else torch.from_numpy((~missing).astype(np.float32)).to(device)
    return torch.from_numpy(image).to(device), weights


_Part = tuple["torch.Tensor", "torch.Tensor | None"]


def _problem(
    run: Run, levels: Levels, observed: _Part, taught: _Part, noise: Noise, pixels: NDArray[np.float32]
) -> Problem:
    """The problem of an observation and its part that teaches the kernel, of noise as read, and of pixels' levels."""
    settings = run.settings
    sigma = settings.noise_sigma / levels.scale if settings.noise_sigma else noise.sigma
    dark, bright = (float(v) for v in np.quantile(pixels, (0.01, 0.99)))
    likelihood = in_scale(settings.likelihood, levels)
    zero = None if settings.background is None else 0.0
    noise = noise.of_level(max(sigma, _LEAST_NOISE))
    noise, counts = likelihood.bound(noise, dark if zero is None else zero, bright, settings.model_error)
    return Problem(
        observed=observed[0],
        sample=taught[0],
        kernel_shape=run.kernel_shape,
        spacing=_relative(run.voxel_size_um, len(run.kernel_shape)),
        noise=noise,
        model_error=settings.model_error,
        kernel_prior=run.kernel_prior,
        kernel_weight=settings.kernel_weight,
        image_prior=settings.image_prior,
        iterations=settings.iterations,
        generator=torch.Generator().manual_seed(settings.seed),
        largest_kernel=run.largest_kernel,
        weights=observed[1],
        sample_weights=taught[1],
        counts=counts,
        non_negative=counts if settings.non_negative is None else settings.non_negative,
        dark=zero,
        order=order_of(run.shape, run.layout),
    )


def in_scale(likelihood: Likelihood, levels: Levels) -> Likelihood:
    """A likelihood in the image's unit as one on the priors' scale."""
    if not isinstance(likelihood, CameraNoiseModel):
        return likelihood
    return replace(
        likelihood,
        gain=None if likelihood.gain is None else likelihood.gain / levels.scale,
        read_noise=likelihood.read_noise / levels.scale,
        offset=None if likelihood.offset is None else (likelihood.offset - levels.offset) / levels.scale,
    )


def _relative(voxel_size_um: VoxelSize | None, ndim: int) -> tuple[float, ...]:
    lengths = whole(voxel_size_um)
    return (1.0,) * ndim if lengths is None else tuple(v / min(lengths) for v in lengths)
