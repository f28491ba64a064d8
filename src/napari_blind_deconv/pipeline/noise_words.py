"""What was found out about an image's noise, in numbers and in words."""

from typing import Any

from napari_blind_deconv.forward import Noise


def noise_report(noise: Noise) -> dict[str, Any]:
    """The JSON-able description of a noise in the image's unit.

    ``curve`` holds (cycles per sample, power relative to the mean); ``gain`` is null where the variance does not follow
    the light, and ``offset`` is then null, too: the intensity at which the variance would vanish.
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
        "words": noise_words(noise),
    }


def noise_words(noise: Noise) -> str:
    """One sentence: level, colour, and whether it follows the light.

    Examples
    --------
    >>> noise_words(Noise.white(2.5))
    'noise of 2.5, as given, alike at all frequencies'
    """
    source = {"given": "as given", "corners": "read at the highest frequencies", "patches": "read in flat regions"}
    colour = "alike at all frequencies"
    if not noise.is_white:
        stronger = noise.tilt > 1
        times = noise.tilt if stronger else 1 / max(noise.tilt, 1e-6)
        colour = (
            f"{times:.1f} times {'stronger' if stronger else 'weaker'} at low frequencies than at high ones "
            "(the image was smoothed, resampled or compressed)"
        )
    light = f"; its variance grows by {noise.gain:.3g} per unit of intensity" if noise.gain > 0 else ""
    return f"noise of {noise.sigma:.3g}, {source[noise.origin]}, {colour}{light}"
