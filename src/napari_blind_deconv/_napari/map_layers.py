"""The maps of where not to trust a restored image, as layers that lie exactly on it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._napari.layers import PLUGIN, Source
from napari_blind_deconv._napari.lazy_levels import Levels, glanced
from napari_blind_deconv._napari.placing import LayerTuple, contrast, on_axes, placed, shown_lazily
from napari_blind_deconv._types import Result


@dataclass(frozen=True)
class Look:
    """How a map is shown: the end of its name, its colours, and their limits, ``None`` where the values decide."""

    name: str
    colormap: str
    limits: tuple[float | None, float | None]


LOOKS: Final = MappingProxyType(
    {
        "residual": Look("residual (σ)", "PiYG", (-4.0, 4.0)),
        "prior_share": Look("prior share", "magma", (0.0, 1.0)),
        "uncertainty": Look("uncertainty (± intensity)", "inferno", (0.0, None)),
        "bootstrap": Look("error by repeats (± intensity)", "inferno", (0.0, None)),
    }
)
"""Map: how it is shown. The residual is white where it is zero, beyond four standard deviations it is full colour."""


def map_layers(source: Source, result: Result, notes: Mapping[str, Any]) -> list[LayerTuple]:
    """A hidden layer for every map of a result; colours are shown by the mean over their samples."""
    return [
        map_layer(source, result.maps[name], name, {"role": name, **notes}) for name in LOOKS if name in result.maps
    ]


def map_layer(source: Source, values: NDArray[np.float32] | Levels, name: str, notes: Mapping[str, Any]) -> LayerTuple:
    """One map over its source."""
    look = LOOKS[name]
    if source.axes.endswith("S") and not isinstance(values, Levels):
        values, source = values.mean(-1), replace(source, axes=source.axes.removesuffix("S"))
    attributes = placed(source.placement, values.ndim)
    seen = glanced(values)
    shown = {
        "colormap": look.colormap,
        "contrast_limits": tuple(
            found if limit is None else limit for limit, found in zip(look.limits, contrast(seen), strict=True)
        ),
        "blending": "translucent_no_depth",
        "visible": False,
        "rgb": False,
    }
    attributes |= {**shown, "name": f"{source.name} {look.name}", "metadata": {PLUGIN: notes}}
    if isinstance(values, Levels):
        return shown_lazily(values, attributes)
    return on_axes(values, source.axes, source), attributes, "image"


def maps_in_words(maps: Mapping[str, NDArray[np.float32] | Levels]) -> list[str]:
    """What is hidden below a restored image, and how uncertain its typical pixel is, a sentence each.

    Examples
    --------
    >>> maps_in_words({"uncertainty": np.full((2, 2), 12.34, np.float32)})
    ['Uncertainty of a typical pixel: ± 12.3.', 'Maps of trust, hidden: uncertainty (± intensity).']
    """
    names = [look.name for name, look in LOOKS.items() if name in maps]
    hidden = [f"Maps of trust, hidden: {', '.join(names)}."] if names else []
    if "uncertainty" not in maps:
        return hidden
    return [f"Uncertainty of a typical pixel: ± {float(np.median(glanced(maps['uncertainty']))):.3g}.", *hidden]
