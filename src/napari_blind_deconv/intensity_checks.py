"""Refusals of intensities, and of settings in their unit, that an image cannot have."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import MOST_INTENSE, InputError
from napari_blind_deconv.forward import CameraNoiseModel

_LEAST_CONTRAST = 1e-5  # of an image above its background: single precision has seven digits


def refuse_extreme(finite: NDArray[Any]) -> None:
    """Refuse intensities that single precision cannot hold, or cannot tell apart."""
    low, high = float(finite.min()), float(finite.max())
    if max(-low, high) > MOST_INTENSE:
        raise InputError(
            subject="image",
            value=f"holds intensities from {low:g} to {high:g}",
            allowed=f"but at most {MOST_INTENSE:g} is possible",
            remedy="divide it by a constant",
        )
    if 0 < high - low < 1 / MOST_INTENSE:
        raise InputError(
            subject="image",
            value=f"holds intensities that differ by only {high - low:g}",
            allowed=f"but at least {1 / MOST_INTENSE:g} is needed",
            remedy="multiply it by a constant",
        )


def checked_levels(image: NDArray[Any], background: float | None, noise_sigma: float | None, of: str = "image") -> None:
    """Refuse a background that leaves no light, and a noise that leaves no image.

    Raises
    ------
    InputError
        Naming the value and the range that the image allows.
    """
    low, high = float(np.nanmin(image)), float(np.nanmax(image[np.isfinite(image)]))
    if background is not None and background >= high:
        raise InputError(
            subject="background",
            value=f"is {background:g}",
            allowed=f"but the brightest pixel{'' if of == 'image' else f' of the {of}'} is {high:g}",
            remedy="give a lower value, in units of the image",
        )
    if background is not None and high - low < _LEAST_CONTRAST * (high - background):
        raise InputError(
            subject="background",
            value=f"is {background:g}",
            allowed=f"but the image ranges only from {low:g} to {high:g}, which would be uniform grey above it",
            remedy="give the offset of the camera, in units of the image",
        )
    if noise_sigma is not None and noise_sigma > high - low:
        raise InputError(
            subject="noise_sigma",
            value=f"is {noise_sigma:g}",
            allowed=f"but the {of} spans only {high - low:g}",
            remedy="give it in units of the image, or leave it out to estimate it",
        )


def checked_camera(image: NDArray[Any], likelihood: Any) -> None:
    """Refuse a camera that cannot have taken the image.

    Raises
    ------
    InputError
        For a gain or a read noise beyond the image's range, and an offset that leaves no light or no contrast.
    """
    if not isinstance(likelihood, CameraNoiseModel):
        return
    low, high = float(np.nanmin(image)), float(np.nanmax(image[np.isfinite(image)]))
    for name in ("gain", "read_noise"):
        value = getattr(likelihood, name)
        if value is not None and value > high - low:
            raise InputError(
                subject=f"likelihood.{name}",
                value=f"is {value:g}",
                allowed=f"but the image spans only {high - low:g}",
                remedy="give it in units of the image",
            )
    offset = likelihood.offset
    if offset is not None and not (offset < high and high - low >= _LEAST_CONTRAST * (high - offset)):
        raise InputError(
            subject="likelihood.offset",
            value=f"is {offset:g}",
            allowed=f"but the image ranges from {low:g} to {high:g}",
            remedy="give the offset of the camera, in units of the image",
        )
