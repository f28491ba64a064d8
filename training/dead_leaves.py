"""Dead leaves: opaque shapes of all sizes that occlude one another, textured and shaded; natural statistics for free.

Lee, Mumford & Huang 2001 (doi:10.1023/A:1011109015675); as training data for denoisers: Achddou, Gousseau & Ladjal
2023 (doi:10.1016/j.cviu.2023.103757).
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Float = NDArray[np.float32]

# Drawn at twice the size and averaged: edges as a pixel sees them.
_OVERSAMPLING = 2


def dead_leaves(size: int, rng: np.random.Generator) -> Float:
    """A scene in 0 … 1, ``(size, size)``, of a drawn number of leaves, contrast and radius of the smallest.

    Radii follow r⁻³ up to half the scene (scale invariance).
    """
    leaves, smallest = int(rng.integers(100, 600)), float(np.exp(rng.uniform(np.log(1.5), np.log(12))))
    greys = rng.uniform(0.25, 0.75), rng.uniform(0.06, 0.3)
    canvas_size = _OVERSAMPLING * size
    canvas = spectral_field(canvas_size, rng, rng.uniform(0.9, 1.5))
    low, high = _OVERSAMPLING * smallest, canvas_size / 2
    # Inverse of the cumulative distribution of r⁻³ between its ends; large ones first, where few small ones show.
    share = rng.uniform(0, 1, leaves)
    radii = (low**-2 - share * (low**-2 - high**-2)) ** -0.5
    radii[: leaves // 20] = rng.uniform(canvas_size / 8, high, leaves // 20)
    texture = [spectral_field(canvas_size, rng, rng.uniform(0.4, 1.6)) for _ in range(3)]
    for radius in radii:
        _drop(canvas, float(radius), texture[rng.integers(len(texture))], greys, rng)
    folded = canvas.reshape(size, _OVERSAMPLING, size, _OVERSAMPLING).mean((1, 3))
    if rng.uniform() < 0.5:
        folded = ndimage.gaussian_filter(folded, rng.uniform(0.2, 0.8))
    return np.clip(folded, 0, 1).astype(np.float32)


def spectral_field(size: int, rng: np.random.Generator, exponent: float) -> Float:
    """Periodic noise whose amplitude falls as f to the minus ``exponent``, in 0 … 1 (three deviations each way)."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.normal(size=(size, size))) / frequency**exponent
    field = np.fft.irfft2(spectrum, (size, size))
    return np.clip(0.5 + field / (6 * field.std()), 0, 1).astype(np.float32)


def _drop(canvas: Float, radius: float, texture: Float, greys: tuple[float, float], rng: np.random.Generator) -> None:
    """Paint one leaf: a place, an outline, a grey (of the scene's mean and spread) with shading, and a texture."""
    size = len(canvas)
    centre = rng.uniform(0, size, 2)
    reach = int(np.ceil(1.5 * radius))
    rows, columns = (slice(max(0, int(c) - reach), min(size, int(c) + reach + 1)) for c in centre)
    y, x = np.ogrid[rows, columns]
    down, across = y - centre[0], x - centre[1]
    inside = outline(down, across, radius, rng)
    grey = np.clip(rng.normal(*greys), 0.02, 0.98)
    shade = rng.normal(0, 0.25, 2) * rng.uniform(0, 1)
    painted = grey * (1 + (shade[0] * down + shade[1] * across) / radius)
    kind = rng.uniform()
    if kind < 0.5:
        offset = rng.integers(0, size, 2)
        places = [np.arange(s.start, s.stop) + o for s, o in zip((rows, columns), offset, strict=True)]
        patch = texture[np.ix_(places[0] % size, places[1] % size)]
        painted = painted + rng.uniform(0, 1.0) * (patch - 0.5)
    elif kind < 0.65:
        wave = rng.normal(0, 1, 2)
        wave *= np.pi / rng.uniform(2, 16) / np.linalg.norm(wave)
        painted = painted + rng.uniform(0, 0.3) * np.sign(np.sin(wave[0] * down + wave[1] * across))
    np.copyto(canvas[rows, columns], np.broadcast_to(painted, inside.shape).astype(np.float32), where=inside)


def outline(
    down: NDArray[np.floating], across: NDArray[np.floating], radius: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Where a leaf lies: an ellipse, a polygon with straight edges, a wavy disk, or a bar."""
    angle = rng.uniform(0, np.pi)
    along = np.cos(angle) * across + np.sin(angle) * down
    beside = np.cos(angle) * down - np.sin(angle) * across
    kind = rng.integers(4)
    if kind == 0:
        return (along / 1.2) ** 2 + (beside / rng.uniform(0.3, 1.2)) ** 2 < radius**2
    if kind == 1:
        inside = np.ones(np.broadcast_shapes(down.shape, across.shape), dtype=bool)
        for normal in np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 7))):
            inside &= np.cos(normal) * across + np.sin(normal) * down < radius * rng.uniform(0.4, 1.0)
        return inside & (np.abs(along) < 1.2 * radius) & (np.abs(beside) < 1.2 * radius)
    if kind == 2:
        bearing, lobes = np.arctan2(down, across), rng.integers(2, 7)
        return np.hypot(down, across) < radius * (1 + 0.3 * np.sin(lobes * bearing + angle))
    return (np.abs(along) < 1.4 * radius) & (np.abs(beside) < radius * rng.uniform(0.03, 0.3))
