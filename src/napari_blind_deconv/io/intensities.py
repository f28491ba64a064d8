"""What stored numbers mean: white that is stored as 0, straight calibrations, and kinds that are no light."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError

_MIN_IS_WHITE, _PALETTE, _YCBCR = 0, 3, 6
_NO_LIGHT: Mapping[int, str] = MappingProxyType(
    {
        5: "inks (CMYK)",
        8: "colours in CIELAB",
        9: "colours in ICCLAB",
        10: "colours in ITULAB",
        32803: "the mosaic of a colour camera",
        32844: "colours in LogL",
        32845: "colours in LogLuv",
    }
)
"""Photometric interpretations whose numbers are not amounts of light."""
# Compressions that are decoded to red, green and blue.
_TO_RGB = frozenset({6, 7, 34712, 33003, 33004, 33005, 50001})
_STRAIGHT, _NONE = 0, 20  # ImageJ's functions of calibration; the others are curves
_SIGNED = 32768  # what ImageJ adds to signed numbers of 16 bits when it reads them


@dataclass(frozen=True)
class Meaning:
    """What the stored numbers mean: ``offset + slope · stored``, of type ``dtype``."""

    dtype: np.dtype[Any]
    offset: float = 0.0
    slope: float = 1.0
    warnings: tuple[str, ...] = ()

    def of(self, stored: NDArray[Any]) -> NDArray[Any]:
        """The numbers that are meant."""
        if (self.offset, self.slope) == (0.0, 1.0):
            return stored.astype(self.dtype, copy=False)
        if self.dtype.kind == "f":
            return (stored * self.dtype.type(self.slope) + self.dtype.type(self.offset)).astype(self.dtype, copy=False)
        # Wide enough for the sum; the result fits its own type.
        wide = stored.astype(np.int64) if self.dtype.itemsize > 2 else stored.astype(np.int32)
        return (wide * int(self.slope) + int(self.offset)).astype(self.dtype)


def meaning_of(page: tifffile.TiffPage, imagej: Mapping[str, Any] | None, subject: str, name: str) -> Meaning:
    """What the numbers of a page mean, and what had to be said about them.

    Parameters
    ----------
    page
        Any of the image's.
    imagej
        ImageJ's metadata, if ImageJ wrote the file.
    subject, name
        What refusals and warnings call the file.

    Raises
    ------
    InputError
        For numbers that are no amounts of light.
    """
    photometric, dtype = int(page.photometric), np.dtype(page.dtype).newbyteorder("=")
    kind = _NO_LIGHT.get(photometric)
    if photometric == _YCBCR and int(page.compression) not in _TO_RGB:
        kind = "colours in YCbCr"
    if kind is not None:
        raise InputError(
            subject=subject,
            value=f"holds {kind}",
            allowed="not amounts of light",
            remedy="export it in grey, or in red, green and blue",
        )
    if imagej is not None:
        # ImageJ turns the colours of the display around, not the numbers; a palette is one for the display, too.
        return _calibrated(imagej, dtype, name)
    if photometric == _PALETTE:
        return Meaning(dtype, warnings=(f"{name} has a palette; its indices were read as intensities",))
    if photometric == _MIN_IS_WHITE:
        return _turned(dtype, int(page.bitspersample), name)
    return Meaning(dtype)


def _turned(dtype: np.dtype[Any], bits: int, name: str) -> Meaning:
    """White is 0: amounts of light count from the other end."""
    if dtype.kind not in "biu":
        said = (
            f"{name} says that its lowest value is white, which has no meaning for type {dtype}; it was read as black"
        )
        return Meaning(dtype, warnings=(said,))
    top = -1 if dtype.kind == "i" else 2**bits - 1
    return Meaning(dtype, top, -1.0, (f"{name} stores white as its lowest value; it was inverted",))


def _calibrated(imagej: Mapping[str, Any], dtype: np.dtype[Any], name: str) -> Meaning:
    function, lowest, slope = imagej.get("cf", _NONE), _number(imagej.get("c0")), _number(imagej.get("c1"))
    if dtype.kind not in "iu" or dtype.itemsize > 2 or function == _NONE:
        return Meaning(dtype)
    if function != _STRAIGHT:
        said = f"{name} is calibrated by a curve (ImageJ's function {function}); the stored values were used"
        return Meaning(dtype, warnings=(said,))
    if "c0" not in imagej and "c1" not in imagej:
        return Meaning(dtype)
    if lowest is None or not slope:
        line = f"{imagej.get('c0')} + {imagej.get('c1')} · value"
        said = f"{name} has a calibration of {line}, which is not valid; the stored values were used"
        return Meaning(dtype, warnings=(said,))
    # ImageJ calibrates what it has in memory, where signed numbers are shifted to be positive.
    offset = lowest + (slope * _SIGNED if dtype == np.int16 else 0.0)
    if (offset, slope) == (0.0, 1.0):
        return Meaning(dtype)
    ends = np.array([np.iinfo(dtype).min, np.iinfo(dtype).max]) * slope + offset
    return Meaning(_holding(float(ends.min()), float(ends.max()), offset, slope, dtype), offset, slope)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else None


def _holding(low: float, high: float, offset: float, slope: float, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The smallest type for the numbers that are meant: the stored one where it will do."""
    if not (offset.is_integer() and abs(slope) == 1):
        return np.dtype(np.float32)
    for choice in (dtype, *map(np.dtype, (np.uint8, np.int16, np.uint16, np.int32))):
        if np.iinfo(choice).min <= low and high <= np.iinfo(choice).max:
            return choice
    return np.dtype(np.float32)
