"""The images that the four people bring: made from scratch, written as the programs that made them would."""

from pathlib import Path

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.signal import fftconvolve

from napari_blind_deconv.optics import Optics, Sampling, psf
from napari_blind_deconv.synthesis import beads, fibres

Float = NDArray[np.float32]
VOXEL_UM = (0.25, 0.08, 0.08)
NA, OIL = 1.4, 1.515
STAINS = ("DAPI", "Alexa 488", "Alexa 568")
EMISSIONS_UM = (0.461, 0.520, 0.603)
DARK, GAIN = 100.0, 4.0
"""Offset of the camera, and its grey levels per photon."""


def channels(path: Path, shape: tuple[int, int, int] = (21, 88, 104), seed: int = 0) -> None:
    """A wide-field z-stack in three colours, nuclei, fibres and vesicles, as ImageJ saves it: axes ZCYX, 16 bit."""
    rng = np.random.default_rng(seed)
    support = (13, 25, 25)
    scene = tuple(n + k - 1 for n, k in zip(shape, support, strict=True))
    stains = (nuclei(scene, rng), fibres(scene, rng, 60, 0.8), beads(scene, rng, 120, 1.0))
    colours = [camera(seen(stain, support, wave), 400, rng) for stain, wave in zip(stains, EMISSIONS_UM, strict=True)]
    stack = np.stack(colours, axis=1)
    z_um, y_um, x_um = VOXEL_UM
    tifffile.imwrite(
        path,
        stack,
        imagej=True,
        resolution=(1 / x_um, 1 / y_um),
        metadata={"axes": "ZCYX", "spacing": z_um, "unit": "um", "Labels": [*STAINS] * shape[0]},
    )


def movie(path: Path, frames: int = 12, shape: tuple[int, int] = (160, 160), seed: int = 1) -> None:
    """Vesicles that wander over fibres at rest, a little out of focus, that bleach to a half: axes TYX, 16 bit."""
    rng = np.random.default_rng(seed)
    wide = tuple(n + 40 for n in shape)
    rest = fibres(wide, rng, 18, 0.9)
    places = rng.uniform(0, 1, (50, 2)) * wide
    taken = []
    for number in range(frames):
        places = places + rng.normal(0, 1.2, places.shape)
        spots = np.zeros(wide)
        np.add.at(spots, tuple(np.mod(np.round(places), wide).astype(int).T), 1.0)
        scene = rest + ndimage.gaussian_filter(spots, 0.8) * 6
        blurred = ndimage.gaussian_filter(scene, 2.2)[20:-20, 20:-20]
        taken.append(camera(blurred * 0.5 ** (number / frames), 250, rng, peak=float(rest.max())))
    tifffile.imwrite(
        path,
        np.stack(taken),
        imagej=True,
        resolution=(10.0, 10.0),
        metadata={"axes": "TYX", "unit": "um", "finterval": 0.5},
    )


def phone(path: Path, seed: int = 2) -> None:
    """A colour picture taken by hand through an eyepiece, dark around its round field, as a camera stores it: 8 bit."""
    from skimage import data, io

    rng = np.random.default_rng(seed)
    size, support = 320, 21
    scene = data.immunohistochemistry()[:size, :size] / 255.0
    light = np.where(scene <= 0.04045, scene / 12.92, ((scene + 0.055) / 1.055) ** 2.4)
    shaken = np.stack([ndimage.convolve(light[..., c], shake(support, rng), mode="reflect") for c in range(3)], axis=-1)
    y, x = np.indices((size, size)) - size / 2
    field = ndimage.gaussian_filter((np.hypot(y, x) < 0.47 * size).astype(float), 2)[..., None]
    light = shaken * field
    noisy = np.clip(light + rng.normal(0, 1, light.shape) * np.sqrt(2e-5 * light + 1e-8), 0, 1)
    curve = np.where(noisy <= 0.0031308, 12.92 * noisy, 1.055 * noisy ** (1 / 2.4) - 0.055)
    io.imsave(path, np.round(curve * 255).astype(np.uint8), check_contrast=False)


def night(folder: Path, stacks: int, shape: tuple[int, int, int] = (9, 64, 64), broken: int | None = None) -> None:
    """Stacks of fibres from one microscope, numbered as an acquisition does, and one file that was cut off."""
    folder.mkdir(parents=True, exist_ok=True)
    support = (9, 17, 17)
    scene = tuple(n + k - 1 for n, k in zip(shape, support, strict=True))
    for number in range(stacks):
        rng = np.random.default_rng(100 + number)
        stack = camera(seen(fibres(scene, rng, 12, 0.8), support, EMISSIONS_UM[1]), 400, rng)
        path = folder / f"position_{number + 1:03d}.tif"
        tifffile.imwrite(
            path,
            stack,
            imagej=True,
            resolution=(1 / VOXEL_UM[2], 1 / VOXEL_UM[1]),
            metadata={"axes": "ZYX", "spacing": VOXEL_UM[0], "unit": "um"},
        )
        if number == broken:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


def seen(scene: Float, support: tuple[int, int, int], emission_um: float) -> Float:
    """A scene through the objective, without the margin that lies outside of the frame."""
    optics = Optics(
        na=torch.tensor(NA, dtype=torch.float64),
        emission_um=torch.tensor(emission_um, dtype=torch.float64),
        immersion_index=torch.tensor(OIL, dtype=torch.float64),
        sample_index=torch.tensor(OIL, dtype=torch.float64),
    )
    sampling = Sampling.of(support, VOXEL_UM, na=NA, wavelength_um=emission_um, index=OIL)
    kernel = psf(optics, sampling, shape=support).numpy()
    blurred = fftconvolve(scene, kernel / kernel.sum(), mode="same")
    inner = tuple(slice(k // 2, n - k // 2) for n, k in zip(scene.shape, support, strict=True))
    return np.maximum(blurred[inner], 0).astype(np.float32)


def camera(light: Float, photons: float, rng: np.random.Generator, peak: float | None = None) -> NDArray[np.uint16]:
    """What a camera reads of an image whose peak is so many photons."""
    counts = rng.poisson(np.maximum(light, 0) * photons / (peak or float(light.max())) + 5)
    read = rng.normal(0, 1.5, light.shape)
    return np.clip(np.round(DARK + GAIN * (counts + read)), 0, 65535).astype(np.uint16)


def nuclei(shape: tuple[int, ...], rng: np.random.Generator, count: int = 7) -> Float:
    """Textured ellipsoids."""
    scene = np.zeros(shape)
    grain = ndimage.gaussian_filter(rng.normal(size=shape), 1.5)
    for _ in range(count):
        centre = rng.uniform(0.1, 0.9, len(shape)) * shape
        radii = np.array([6.0, 14.0, 14.0])[-len(shape) :] * rng.uniform(0.8, 1.3)
        far = sum(((g - c) / a) ** 2 for g, c, a in zip(np.indices(shape), centre, radii, strict=True))
        scene = np.maximum(scene, far < 1)
    return np.asarray(scene * np.clip(1 + 0.8 * grain / grain.std(), 0.1, None), dtype=np.float32)


def shake(size: int, rng: np.random.Generator) -> Float:
    """The path of a hand during an exposure, as a kernel of unit sum."""
    turns = ndimage.gaussian_filter1d(rng.normal(size=(400, 2)), 60, axis=0)
    path = np.cumsum(turns / np.abs(turns).max(), axis=0)
    path = (path - path.mean(axis=0)) / np.abs(path - path.mean(axis=0)).max() * (size // 2 - 3) * 0.6
    kernel = np.zeros((size, size))
    np.add.at(kernel, tuple((np.round(path).astype(int) + size // 2).T), 1.0)
    kernel = ndimage.gaussian_filter(kernel, 0.7)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)
