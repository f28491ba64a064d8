"""How fine an image's light gets, and a scale where its noise is even."""

from __future__ import annotations

import math

import numpy as np

from napari_blind_deconv._torch import torch
from napari_blind_deconv.defects.surroundings import Mask, Values
from napari_blind_deconv.forward import Noise, read_noise
from napari_blind_deconv.fourier import periodogram, radius

# A band where the power exceeds the noise's this many times holds light; its width, in cycles per sample.
_LIGHT, _BAND = 2.0, 1 / 32
# Where power and noise are compared, and how much their ratio may vary there to count as level.
_UPPER, _LEVEL = (0.25, 0.45), 1.8
# Share of the pixels below which the growth of the noise is not continued.
_DARKEST = 0.1


def noise_of(image: Values, unknown: Mask | None = None) -> Noise:
    """Noise of an image; what is ``unknown`` has no say."""
    weights = None if unknown is None else torch.from_numpy((~unknown).astype(np.float32))
    return read_noise(torch.from_numpy(np.ascontiguousarray(image, np.float32)), weights)


def band_edge(image: Values, noise: Noise | None = None) -> float:
    """Highest frequency, in cycles per sample, up to which an image's power exceeds its noise.

    Many defects lift the power as a whole; where it runs level with the noise's over the upper half of the band, it is
    that level that light must exceed.
    """
    observed = torch.from_numpy(np.ascontiguousarray(image, np.float32))
    noise = read_noise(observed) if noise is None else noise
    if not noise.sigma > 0:
        return 0.5
    ndim, shape = image.ndim - 1, image.shape[1:]
    power = periodogram(observed / noise.sigma, ndim) / noise.on(shape)
    waves = radius(shape, (1.0,) * ndim, power)
    edges = np.arange(1, round(0.5 / _BAND)) * _BAND
    rings = [power[(waves >= low) & (waves < low + _BAND)] for low in edges]
    ratios = np.array([float(r.mean()) if r.numel() else 0.0 for r in rings])
    upper = ratios[(edges >= _UPPER[0]) & (edges < _UPPER[1])]
    level = float(np.median(upper)) if upper.max() < _LEVEL * upper.min() else 1.0
    below = np.flatnonzero(ratios < _LIGHT * max(level, 1.0))
    return float(edges[below[0]]) if below.size else 0.5


def stabilised(image: Values, noise: Noise | None = None) -> Values:
    """The image on a scale where photon noise is even: 2 √(counts + 3/8) (Anscombe 1948, doi:10.2307/2332343).

    Where the noise does not follow the light, the image itself. In the dark, where counts are few and their
    distribution is skewed, three photons are no defect. Below the darkest tenth, where nothing tells the variance,
    it is taken to stay as it is there, so that a dead pixel keeps its depth.
    """
    noise = noise_of(image) if noise is None else noise
    if not noise.gain > 0 or noise.dark is None:
        return image
    counts = (image + noise.dark / noise.gain) / noise.gain
    darkest = max(float(np.quantile(counts.ravel()[:: max(1, counts.size // 65536)], _DARKEST)), 0.0)
    slope = 1 / math.sqrt(darkest + 0.375)
    even = 2 * np.sqrt(np.maximum(counts, darkest) + 0.375) + slope * np.minimum(counts - darkest, 0)
    return np.asarray(even, np.float32)
