"""Lengths as microscopes write them, in µm."""

import math
import re
from typing import Any

# Symbols keep their case (pm is not Pm); names of units do not.
_SYMBOLS = {
    "m": 1e6,
    "dm": 1e5,
    "cm": 1e4,
    "mm": 1e3,
    "µm": 1.0,
    "um": 1.0,
    "nm": 1e-3,
    "pm": 1e-6,
    "Å": 1e-4,
    "in": 25400.0,
    '"': 25400.0,
    "thou": 25.4,
    "ft": 304800.0,
}
_NAMES = {
    "meter": 1e6,
    "decimeter": 1e5,
    "centimeter": 1e4,
    "millimeter": 1e3,
    "micrometer": 1.0,
    "micron": 1.0,
    "nanometer": 1e-3,
    "picometer": 1e-6,
    "angstrom": 1e-4,
    "inch": 25400.0,
    "inche": 25400.0,
    "mil": 25.4,
    "foot": 304800.0,
}
_SECONDS = {
    "s": 1.0,
    "second": 1.0,
    "ms": 1e-3,
    "millisecond": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "microsecond": 1e-6,
    "nanosecond": 1e-9,
    "centisecond": 1e-2,
    "decisecond": 0.1,
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86400.0,
}
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def micrometres(value: float, unit: str) -> float | None:
    """A length in µm, or ``None`` for a unit that is no length (pixel, reference frame, nothing).

    Examples
    --------
    >>> micrometres(250.0, "nm"), micrometres(0.1, "microns"), micrometres(1.0, "pixel")
    (0.25, 0.1, None)
    """
    # ImageJ escapes letters beyond ASCII; two code points look like the letter mu, and two like that of ångström.
    symbol = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), unit.strip())
    symbol = symbol.replace("\u03bc", "µ").replace("\u212b", "Å")
    factor = _SYMBOLS.get(symbol)
    if factor is None:
        factor = _NAMES.get(symbol.casefold().replace("metre", "meter").removesuffix("s"))
    return None if factor is None else value * factor


def step(value: Any, unit: str, axis: str) -> tuple[float | None, str]:
    """A step between voxels in µm, ``None`` where that is no length, and what is odd about it, or nothing.

    A negative one says which way the stage went: its size counts.

    Examples
    --------
    >>> step(-0.3, "micron", "Z")
    (0.3, 'gives a step of -0.3 micron along Z; its absolute value was used')
    >>> step(0, "micron", "Z")
    (None, 'gives a step of 0 micron along Z, which is not a length')
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    length = micrometres(number, unit)
    if length is None:
        return None, ""
    if not math.isfinite(length) or length == 0:
        return None, f"gives a step of {value} {unit} along {axis}, which is not a length"
    if length < 0:
        return -length, f"gives a step of {value} {unit} along {axis}; its absolute value was used"
    return length, ""


def seconds(value: float, unit: str) -> float | None:
    """A time in seconds, or ``None`` for a unit that is none.

    Examples
    --------
    >>> seconds(250.0, "millisecond"), seconds(1.0, "frame")
    (0.25, None)
    """
    factor = _SECONDS.get(unit)
    return None if factor is None else value * factor
