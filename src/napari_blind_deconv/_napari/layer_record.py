"""A layer's place and look ⇄ plain JSON, as files keep them; what a file says is checked before napari is given it."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import AVAILABLE_COLORMAPS, Colormap
from pint import UnitRegistry, get_application_registry

from napari_blind_deconv.printable import shown

RECORD: Final = "layer"
"""Key under which a file's provenance keeps it."""

_LARGEST: Final = 1e15
_UNIT: Final = re.compile(r"[A-Za-zµμΩ°]{1,40}")
_LONGEST: Final = 400  # letters of a name
_MOST_COLOURS: Final = 4096
_INTERPOLATIONS: Final = (
    *("bessel", "cubic", "linear", "blackman", "catrom", "gaussian", "hamming", "hanning", "hermite", "kaiser"),
    *("lanczos", "mitchell", "nearest", "spline16", "spline36"),
)
_WORDS: Final = MappingProxyType(
    {
        "blending": ("translucent", "translucent_no_depth", "additive", "minimum", "opaque", "multiplicative"),
        "interpolation2d": _INTERPOLATIONS,
        "interpolation3d": _INTERPOLATIONS,
        "rendering": ("mip", "minip", "average", "attenuated_mip", "additive", "translucent", "iso"),
    }
)


def recorded(layer: Image | Labels) -> dict[str, Any]:
    """What is kept of a layer beside its pixels, JSON-able.

    Examples
    --------
    >>> found = recorded(Image(np.zeros((4, 5)), name="cells", scale=(0.2, 0.1), units="um"))
    >>> found["name"], found["scale"], found["units"]
    ('cells', [0.2, 0.1], ['micrometer', 'micrometer'])
    """
    shear = np.asarray(layer.shear)
    found = {
        "kind": "labels" if isinstance(layer, Labels) else "image",
        "name": layer.name,
        "scale": [float(n) for n in layer.scale],
        "translate": [float(n) for n in layer.translate],
        "rotate": np.asarray(layer.rotate).tolist(),
        "shear": shear.tolist(),
        "affine": np.asarray(layer.affine.affine_matrix).tolist(),
        "units": [str(unit) for unit in layer.units],
        "axis_labels": list(layer.axis_labels),
        "opacity": float(layer.opacity),
        "blending": str(layer.blending),
        "visible": bool(layer.visible),
    }
    if isinstance(layer, Labels):
        return found
    found["interpolation2d"], found["interpolation3d"] = str(layer.interpolation2d), str(layer.interpolation3d)
    if layer.rgb:
        return found
    return found | {
        "colormap": _colours(layer.colormap),
        "contrast_limits": [float(n) for n in layer.contrast_limits],
        "gamma": float(layer.gamma),
        "rendering": str(layer.rendering),
    }


def _colours(colormap: Colormap) -> Any:
    """A name, where napari has the colours under it; else the colours themselves."""
    if colormap.name in AVAILABLE_COLORMAPS and AVAILABLE_COLORMAPS[colormap.name] == colormap:
        return colormap.name
    return {
        "name": colormap.name,
        "colors": np.asarray(colormap.colors).tolist(),
        "controls": np.asarray(colormap.controls).tolist(),
    }


def attributes_of(found: Any, ndim: int, *, rgb: bool = False, labels: bool = False) -> dict[str, Any]:
    """Attributes for a layer of ``ndim`` axes; what is missing, of another number of axes or no such thing is left out.

    Examples
    --------
    >>> attributes_of({"name": "cells", "scale": [2, 1], "opacity": 7, "colormap": "no such"}, 2)
    {'name': 'cells', 'scale': [2.0, 1.0]}
    """
    said = found if isinstance(found, Mapping) else {}
    wanted = dict(_CHECKS)
    for name in () if not (rgb or labels) else ("colormap", "contrast_limits", "gamma", "rendering"):
        del wanted[name]
    for name in () if not labels else ("interpolation2d", "interpolation3d"):
        del wanted[name]
    checked = {name: check(said.get(name), ndim) for name, check in wanted.items()}
    return {name: value for name, value in checked.items() if value is not None}


def _number(value: Any) -> float | None:
    fine = type(value) in {int, float} and math.isfinite(value) and abs(value) <= _LARGEST
    return float(value) if fine else None


def _numbers(value: Any, count: int) -> list[float] | None:
    """As many finite numbers."""
    if not isinstance(value, list) or len(value) != count:
        return None
    found = [_number(one) for one in value]
    return None if None in found else [one for one in found if one is not None]


def _scale(value: Any, ndim: int) -> list[float] | None:
    found = _numbers(value, ndim)
    return None if found is None or any(abs(n) < 1 / _LARGEST for n in found) else found


def _matrix(value: Any, n: int) -> list[list[float]] | None:
    """A square matrix that can be inverted."""
    if not isinstance(value, list) or len(value) != n:
        return None
    rows = [_numbers(row, n) for row in value]
    known = [row for row in rows if row is not None]
    if len(known) < n or not np.isfinite(np.linalg.cond(known)):
        return None
    return known


def _shear(value: Any, ndim: int) -> Any:
    """The upper triangle, row by row, or all of a matrix."""
    return _numbers(value, ndim * (ndim - 1) // 2) or _matrix(value, ndim)


def _units(value: Any, ndim: int) -> list[str] | None:
    if not isinstance(value, list) or len(value) != ndim:
        return None
    return list(value) if all(_is_unit(one) for one in value) else None


def _is_unit(value: Any) -> bool:
    """Whether it is the name of one unit: no product, no power, nothing that would have to be computed."""
    registry: UnitRegistry = get_application_registry()
    return isinstance(value, str) and _UNIT.fullmatch(value) is not None and value in registry


def _text(value: Any) -> str | None:
    return shown(value[:_LONGEST]) if isinstance(value, str) and value.strip() else None


def _texts(value: Any, ndim: int) -> list[str] | None:
    if not isinstance(value, list) or len(value) != ndim:
        return None
    found = [_text(one) for one in value]
    names = [one for one in found if one is not None]
    return names if len(set(names)) == ndim else None


def _limits(value: Any, _ndim: int) -> list[float] | None:
    found = _numbers(value, 2)
    return found if found is not None and found[0] < found[1] else None


def _within(low: float, high: float) -> Callable[[Any, int], float | None]:
    def check(value: Any, _ndim: int) -> float | None:
        found = _number(value)
        return found if found is not None and low <= found <= high else None

    return check


def _one_of(words: Sequence[str]) -> Callable[[Any, int], str | None]:
    return lambda value, _ndim: value if isinstance(value, str) and value in words else None


def _colormap(value: Any, _ndim: int) -> Any:
    if isinstance(value, str):
        return value if value in AVAILABLE_COLORMAPS else None
    colours = value.get("colors") if isinstance(value, Mapping) else None
    if not isinstance(colours, list) or not 1 < len(colours) <= _MOST_COLOURS:
        return None
    rows = [_numbers(row, 4) for row in colours]
    known = [row for row in rows if row is not None and all(0 <= n <= 1 for n in row)]
    controls = _numbers(value.get("controls"), len(known))
    if len(known) < len(colours) or controls is None or sorted(controls) != controls:
        return None
    if (controls[0], controls[-1]) != (0.0, 1.0):
        return None
    return Colormap(known, controls=controls, name=_text(value.get("name")) or "of the file")


_CHECKS: Final[Mapping[str, Callable[[Any, int], Any]]] = MappingProxyType(
    {
        "name": lambda value, _ndim: _text(value),
        "scale": _scale,
        "translate": _numbers,
        "rotate": _matrix,
        "shear": _shear,
        "affine": lambda value, ndim: _matrix(value, ndim + 1),
        "units": _units,
        "axis_labels": _texts,
        "opacity": _within(0.0, 1.0),
        "blending": _one_of(_WORDS["blending"]),
        "visible": lambda value, _ndim: value if isinstance(value, bool) else None,
        "interpolation2d": _one_of(_WORDS["interpolation2d"]),
        "interpolation3d": _one_of(_WORDS["interpolation3d"]),
        "colormap": _colormap,
        "contrast_limits": _limits,
        "gamma": _within(0.01, 100.0),
        "rendering": _one_of(_WORDS["rendering"]),
    }
)
