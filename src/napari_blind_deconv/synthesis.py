"""Scenes, kernels and noise made from scratch: the samples that people try first, with their truth known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_blind_deconv._torch import torch
from napari_blind_deconv.forward import Frame, predict
from napari_blind_deconv.kernel_priors import Gaussian, Motion
from napari_blind_deconv.settings import Settings

Float = NDArray[np.float32]


@dataclass(frozen=True)
class Sample:
    """An observation with its truth.

    Attributes
    ----------
    observed, truth
        Blurred and noisy image, and sharp image, one shape.
    kernel
        The PSF that blurred it: unit sum, odd size.
    axes
        One letter per axis.
    voxel_size_um
        (z, y, x) or (y, x) in µm; ``None`` for a photograph.
    settings
        Settings that suit it.
    """

    observed: Float
    truth: Float
    kernel: Float
    axes: str
    voxel_size_um: tuple[float, ...] | None
    settings: Settings


def photograph() -> Sample:
    """The cameraman (CC0, in scikit-image), shaken along a smooth path, with camera noise of one per cent."""
    from skimage import data, transform

    size, support = 256, 25
    scene = transform.resize(data.camera()[:400, 40:440], (size + support - 1,) * 2, anti_aliasing=True)
    generator = torch.Generator().manual_seed(2)
    kernel = Motion().sample((support, support), generator).numpy().astype(np.float32)
    observed, truth = blurred(scene.astype(np.float32), kernel)
    noise = np.random.default_rng(1).normal(0, 0.01, observed.shape)
    settings = Settings(kernel_prior=Motion(), kernel_size=(31, 31))
    return Sample((observed + noise).astype(np.float32), truth, kernel, "YX", None, settings)


def fluorescence() -> Sample:
    """Filaments and nuclei in a plane, out of focus by an elliptical Gaussian, 500 photons at the peak."""
    support = (21, 21)
    rng = np.random.default_rng(3)
    scene = cells((256 + 20, 256 + 20), rng)
    kernel = gaussian_kernel(support, covariance=np.array([[5.0, 2.0], [2.0, 3.0]]))
    observed, truth = photon_counts(scene, kernel, peak=500, rng=rng)
    settings = Settings(kernel_prior=Gaussian(), kernel_size=(25, 25))
    return Sample(observed, truth, kernel, "YX", (0.1, 0.1), settings)


def volume() -> Sample:
    """Filaments and beads in depth, blurred three times as much along z as across, 300 photons at the peak."""
    support = (15, 13, 13)
    rng = np.random.default_rng(5)
    shape = tuple(n + k - 1 for n, k in zip((32, 96, 96), support, strict=True))
    scene = 0.005 + fibres(shape, rng, count=14, width=0.8) + beads(shape, rng, count=30, width=1.2)
    kernel = gaussian_kernel(support, covariance=np.diag([4.0, 2.5, 2.5]))
    observed, truth = photon_counts(scene, kernel, peak=300, rng=rng)
    settings = Settings(kernel_prior=Gaussian(), kernel_size=(15, 15, 15))
    return Sample(observed, truth, kernel, "ZYX", (0.3, 0.1, 0.1), settings)


SAMPLES: Mapping[str, Callable[[], Sample]] = MappingProxyType(
    {"photograph": photograph, "fluorescence": fluorescence, "volume": volume}
)


def blurred(scene: Float, kernel: Float) -> tuple[Float, Float]:
    """The noise-free observation of a scene that reaches beyond the frame, and the part of the scene that it shows.

    Parameters
    ----------
    scene
        Larger than the frame by the kernel's size less one along every axis.
    kernel
        Odd size, unit sum.
    """
    shape = [n - k + 1 for n, k in zip(scene.shape, kernel.shape, strict=True)]
    frame = Frame.around(shape, kernel.shape)
    canvas = torch.zeros(frame.canvas)
    canvas[tuple(slice(0, n) for n in scene.shape)] = torch.from_numpy(np.ascontiguousarray(scene))
    observed = predict(canvas, torch.from_numpy(kernel), frame)
    return observed.numpy().astype(np.float32), frame.crop(canvas).numpy().astype(np.float32)


def photon_counts(scene: Float, kernel: Float, peak: float, rng: np.random.Generator) -> tuple[Float, Float]:
    """Poisson counts of a blurred scene, its brightest blurred pixel expecting ``peak``; the truth in the same unit."""
    expected, truth = blurred(scene, kernel)
    gain = peak / float(expected.max())
    counts = rng.poisson(np.clip(expected * gain, 0, None)).astype(np.float32)
    return counts, (truth * gain).astype(np.float32)


def gaussian_kernel(shape: tuple[int, ...], covariance: NDArray[np.floating]) -> Float:
    """A Gaussian of the given covariance in px², sampled at the pixels' centres, unit sum."""
    grids = np.stack(np.meshgrid(*[np.arange(n) - n // 2 for n in shape], indexing="ij"), -1).astype(float)
    exponent = np.einsum("...i,ij,...j->...", grids, np.linalg.inv(covariance), grids)
    taps = np.exp(-0.5 * exponent)
    return (taps / taps.sum()).astype(np.float32)


def cells(shape: tuple[int, ...], rng: np.random.Generator) -> Float:
    """Nuclei with texture, filaments between them, and puncta, on a faint background."""
    nuclei = np.zeros(shape)
    for _ in range(6):
        centre, axes = rng.uniform(0, 1, len(shape)) * shape, rng.uniform(12, 26, len(shape))
        distance = sum(((g - c) / a) ** 2 for g, c, a in zip(np.indices(shape), centre, axes, strict=True))
        nuclei = np.maximum(nuclei, distance < 1)
    grain = scipy.ndimage.gaussian_filter(rng.normal(size=shape), 2)
    texture = 1 + 0.6 * grain / grain.std()
    scene = 0.35 * scipy.ndimage.gaussian_filter(nuclei, 0.7) * np.clip(texture, 0.2, None)
    return (0.02 + scene + fibres(shape, rng, count=26, width=0.7) + beads(shape, rng, count=60)).astype(np.float32)


def fibres(shape: tuple[int, ...], rng: np.random.Generator, count: int, width: float) -> Float:
    """Smooth random curves of a given width in pixels, peak about one."""
    canvas = np.zeros(shape)
    for _ in range(count):
        steps = 4 * max(shape)
        turns = scipy.ndimage.gaussian_filter1d(
            rng.normal(size=(steps, len(shape))), steps / 12, axis=0, mode="nearest"
        )
        direction = rng.normal(size=len(shape)) + 40 * turns
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        path = rng.uniform(0, 1, len(shape)) * shape + 0.5 * np.cumsum(direction, axis=0)
        pixels = np.round(path).astype(int)
        inside = np.all((pixels >= 0) & (pixels < shape), axis=1)
        np.maximum.at(canvas, tuple(pixels[inside].T), rng.uniform(0.4, 1.0))
    soft = scipy.ndimage.gaussian_filter(canvas, width)
    return (soft / max(float(soft.max()), 1e-12)).astype(np.float32)


def beads(shape: tuple[int, ...], rng: np.random.Generator, count: int, width: float = 0.6) -> Float:
    """Soft points of a given width (sigma in pixels) at random places, peak about one."""
    canvas = np.zeros(shape)
    places = tuple(rng.integers(0, n, count) for n in shape)
    np.add.at(canvas, places, rng.uniform(0.3, 1.0, count))
    soft = scipy.ndimage.gaussian_filter(canvas, width)
    return (soft / max(float(soft.max()), 1e-12)).astype(np.float32)
