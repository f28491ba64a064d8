"""Lengths as microscopes write them, in µm."""

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


def micrometres(value: float, unit: str) -> float | None:
    """A length in µm, or ``None`` for a unit that is no length (pixel, reference frame, nothing).

    Examples
    --------
    >>> micrometres(250.0, "nm"), micrometres(0.1, "microns"), micrometres(1.0, "pixel")
    (0.25, 0.1, None)
    """
    # Two code points look like the letter mu; ImageJ also writes one of them as an escape.
    symbol = unit.strip().replace("\\u00B5", "µ").replace("\\u00b5", "µ").replace("\u03bc", "µ").replace("\u212b", "Å")
    factor = _SYMBOLS.get(symbol)
    if factor is None:
        factor = _NAMES.get(symbol.casefold().replace("metre", "meter").removesuffix("s"))
    return None if factor is None else value * factor
