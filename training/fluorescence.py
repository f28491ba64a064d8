"""Fluorescence as a microscope could see it if it did not blur: filaments, puncta, nuclei, membranes and tissue."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from napari_blind_deconv.synthesis import cells, fibres
from training.dead_leaves import spectral_field

Float = NDArray[np.float32]


def fluorescence(size: int, rng: np.random.Generator) -> Float:
    """One or two structures over a haze, at some sharpness and contrast, in 0 … 1, ``(size, size)``."""
    scene = np.zeros((size, size))
    for structure in rng.choice(len(STRUCTURES), rng.integers(1, 3), replace=False):
        part = STRUCTURES[structure](size, rng)
        scene = scene + rng.uniform(0.3, 1.0) * part / max(float(part.max()), 1e-9)
    scene = ndimage.gaussian_filter(scene, rng.uniform(0.0, 1.2))
    haze = rng.uniform(0, 0.15) * spectral_field(size, rng, 2.0)
    scene = scene / max(float(np.quantile(scene, 0.9995)), 1e-9) + haze
    # Stabilised counts look like this: a square root in the darkest case.
    return np.clip(scene / scene.max(), 0, 1).astype(np.float32) ** np.float32(rng.uniform(0.5, 1.0))


def filaments(size: int, rng: np.random.Generator) -> Float:
    """Microtubules, actin."""
    return fibres((size, size), rng, count=int(rng.integers(8, 80)), width=float(rng.uniform(0.5, 1.2)))


def puncta(size: int, rng: np.random.Generator) -> Float:
    """Vesicles: spots of unequal brightness and size."""
    scene = np.zeros((size, size))
    for width in rng.uniform(0.5, 2.5, 3):
        spots = np.zeros((size, size))
        count = int(rng.integers(20, 300))
        np.add.at(spots, tuple(rng.integers(0, size, (2, count))), rng.lognormal(0, 0.7, count))
        scene += ndimage.gaussian_filter(spots, width) * width**2
    return scene.astype(np.float32)


def nuclei(size: int, rng: np.random.Generator) -> Float:
    """Blobs with chromatin, some of them dividing bright."""
    scene = np.zeros((size, size))
    y, x = np.ogrid[:size, :size]
    for _ in range(rng.integers(4, 40)):
        (cy, cx), (a, b) = rng.uniform(0, size, 2), rng.uniform(5, 22, 2)
        angle, lobes = rng.uniform(0, np.pi), rng.uniform(-0.12, 0.12, 2)
        u = np.cos(angle) * (x - cx) + np.sin(angle) * (y - cy)
        v = np.cos(angle) * (y - cy) - np.sin(angle) * (x - cx)
        bearing = np.arctan2(v, u)
        edge = 1 + lobes[0] * np.sin(3 * bearing) + lobes[1] * np.cos(2 * bearing)
        inside = np.clip((edge - np.hypot(u / a, v / b)) * min(a, b), 0, 1)
        scene = np.maximum(scene, rng.lognormal(0, 0.4) * inside)
    chromatin = spectral_field(size, rng, rng.uniform(0.8, 1.6))
    return (scene * (0.4 + 1.2 * chromatin)).astype(np.float32)


def membranes(size: int, rng: np.random.Generator) -> Float:
    """Cell borders: edges of a Voronoi diagram, warped, of varying brightness."""
    seeds = rng.uniform(-0.1 * size, 1.1 * size, (int(rng.integers(12, 120)), 2))
    warp = [12 * (spectral_field(size, rng, 2.0) - 0.5) for _ in range(2)]
    places = np.stack([np.arange(size)[:, None] + warp[0], np.arange(size)[None] + warp[1]], -1)
    nearest, _ = cKDTree(seeds).query(places.reshape(-1, 2), k=2)
    gap = (nearest[:, 1] - nearest[:, 0]).reshape(size, size)
    line = np.exp(-0.5 * (gap / rng.uniform(0.8, 2.0)) ** 2)
    return (line * (0.5 + spectral_field(size, rng, 1.5))).astype(np.float32)


def tissue(size: int, rng: np.random.Generator) -> Float:
    """Dense texture, log-normal, with holes."""
    field = spectral_field(size, rng, rng.uniform(0.7, 1.8))
    holes = spectral_field(size, rng, rng.uniform(1.2, 2.0)) > rng.uniform(0.3, 0.5)
    return (np.exp(rng.uniform(2, 7) * (field - 0.5)) * (0.1 + ndimage.gaussian_filter(holes * 1.0, 0.8))).astype(
        np.float32
    )


def stained(size: int, rng: np.random.Generator) -> Float:
    """Nuclei, filaments and puncta together."""
    return cells((size, size), rng)


STRUCTURES: tuple[Callable[[int, np.random.Generator], Float], ...] = (
    filaments,
    puncta,
    nuclei,
    membranes,
    tissue,
    stained,
)
