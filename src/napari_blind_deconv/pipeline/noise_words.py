"""What was found out about an image's noise and what was left out of it, in numbers and in words: the only place."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from napari_blind_deconv._torch import torch
from napari_blind_deconv.forward import Noise

_POINTS = 9

DEFECTS: Final = MappingProxyType(
    {
        "missing": "NaN or infinite",
        "blank": "in frames of a single value",
        "padding": "padding",
        "saturated": "saturated",
        "bad": "hot or dead",
        "outside": "masked",
    }
)
"""Kind of pixel that is no data: how a list of them calls it."""


def noise_report(noise: Noise, light: tuple[float, float]) -> dict[str, Any]:
    """The JSON-able description of a noise in the image's unit.

    ``curve`` holds (cycles per sample, power relative to the mean). ``gain`` is null where the variance does not follow
    the light, and null are then ``offset``, the intensity at which the variance would vanish, and ``growth``, which
    holds (intensity, variance) over the range of ``light``.
    """
    follows = noise.gain > 0 and noise.dark is not None
    return {
        "sigma": noise.sigma,
        "origin": noise.origin,
        "white": noise.is_white,
        "tilt": noise.tilt,
        "gain": noise.gain if follows else None,
        "offset": -(noise.dark or 0.0) / noise.gain if follows else None,
        "curve": [list(point) for point in noise.curve()],
        "growth": _growth(noise, *light) if follows else None,
        "words": noise_words(noise),
    }


def _growth(noise: Noise, low: float, high: float) -> list[list[float]]:
    intensities = torch.linspace(low, high, _POINTS, dtype=torch.float64)
    return [[float(i), float(v)] for i, v in zip(intensities, noise.variance(intensities), strict=True)]


def left_out_words(counts: Mapping[str, int], share: float) -> str:
    """One sentence: which share of the pixels is no data, and of which kinds; empty where all are data.

    Examples
    --------
    >>> left_out_words({"bad": 12, "outside": 1300}, 0.02)
    '2 % of the pixels left out: 12 hot or dead, 1300 masked'
    """
    kinds = ", ".join(f"{count} {DEFECTS[kind]}" for kind, count in counts.items() if count)
    return f"{100 * share:.2g} % of the pixels left out: {kinds}" if kinds else ""


def noise_words(noise: Noise) -> str:
    """One sentence: level, colour, and whether it follows the light.

    Examples
    --------
    >>> noise_words(Noise.white(2.5))
    'noise of 2.5, as given, equal at all frequencies'
    """
    source = {"given": "as given", "corners": "read at the highest frequencies", "patches": "read in flat regions"}
    colour = "equal at all frequencies"
    if not noise.is_white:
        stronger = noise.tilt > 1
        times = noise.tilt if stronger else 1 / max(noise.tilt, 1e-6)
        colour = (
            f"{times:.1f} times {'stronger' if stronger else 'weaker'} at low frequencies than at high ones "
            "(the image was smoothed, resampled or compressed)"
        )
    light = f"; its variance grows by {noise.gain:.3g} per unit of intensity" if noise.gain > 0 else ""
    return f"noise of {noise.sigma:.3g}, {source[noise.origin]}, {colour}{light}"
