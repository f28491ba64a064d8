"""Pictures as cameras store them: their grey levels follow the light by a curve, and a blur is one of light."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError

Values = NDArray[np.floating[Any]]

# IEC 61966-2-1, on a scale of 0 to 1. The first piece is a line, which serves below 0, too.
_SLOPE, _KNEE, _LIGHT_KNEE, _OFFSET, _POWER = 12.92, 0.04045, 0.0031308, 0.055, 2.4


def light_of(values: Values, white: float) -> Values:
    """Light from sRGB grey levels; white stays white.

    Examples
    --------
    >>> light_of(np.array([0.0, 127.5, 255.0]), 255.0).round(1).tolist()
    [0.0, 54.6, 255.0]
    """
    grey = values / white
    power = ((np.maximum(grey, _KNEE) + _OFFSET) / (1 + _OFFSET)) ** _POWER
    return np.asarray(white * np.where(grey <= _KNEE, grey / _SLOPE, power), values.dtype)


def grey_of(light: Values, white: float) -> Values:
    """SRGB grey levels from light: undoes `light_of`, for light below none and beyond white as well."""
    share = light / white
    root = (1 + _OFFSET) * np.maximum(share, _LIGHT_KNEE) ** (1 / _POWER) - _OFFSET
    return np.asarray(white * np.where(share <= _LIGHT_KNEE, _SLOPE * share, root), light.dtype)


def steepness(light: Values, white: float) -> Values:
    """Grey levels per light: what a small error of the light is multiplied by."""
    share = np.maximum(light / white, _LIGHT_KNEE)
    slope = (1 + _OFFSET) / _POWER * share ** (1 / _POWER - 1)
    return np.asarray(np.where(light / white <= _LIGHT_KNEE, _SLOPE, slope), light.dtype)


def white_of(image: NDArray[Any]) -> float:
    """The grey level of white: the highest of an unsigned type, 1 for floating point.

    Raises
    ------
    InputError
        For signed types, and floating point beyond 0 to 1, of which nobody knows where white is.
    """
    if image.dtype.kind == "u" and image.dtype.itemsize <= 2:
        return float(np.iinfo(image.dtype).max)
    if image.dtype.kind == "f":
        seen = image[np.isfinite(image)]
        if seen.size and seen.min() >= 0 and seen.max() <= 1:
            return 1.0
    raise InputError(
        subject="encoding=srgb",
        value=f"cannot be undone for this image of type {image.dtype}",
        allowed="because its white level is not known",
        remedy="give a picture of 8 or 16 bits, or one of floating point from 0 to 1, or choose `encoding=linear`",
    )
