"""A figure of restored samples, without a plotting library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_blind_deconv import io

Part = Literal["observed", "restored", "truth", "true PSF", "estimated PSF"]
COLUMNS: Mapping[Part, str] = MappingProxyType(
    {
        "observed": "observed",
        "restored": "restored",
        "truth": "truth",
        "true PSF": "true PSF",
        "estimated PSF": "estimated PSF",
    }
)
"""Parts of a sample, in their order from left to right: their titles."""

_SIDE, _GAP, _EDGE = 256, 10, 16  # pixels
_TITLE, _HEADING, _CAPTION = 20, 17, 14  # heights of letters
_LINE = 1.7  # height of a line, in letters


@dataclass(frozen=True)
class Row:
    """A sample in the figure: what stands above it, its parts, and what stands below some of them."""

    heading: str
    parts: Mapping[Part, io.Volume]
    captions: Mapping[Part, str] = field(default_factory=dict)


def draw(path: Path, rows: Sequence[Row], columns: Mapping[Part, str] = COLUMNS) -> None:
    """Write a PNG with one row per sample and one column per part.

    Images share the truth's contrast, PSFs the size of a pixel; a volume is shown from above, and its PSF from the
    side, as brightest points.
    """
    title, heading, caption = (round(_LINE * letter) for letter in (_TITLE, _HEADING, _CAPTION))
    pitch = heading + _SIDE + (caption if any(row.captions for row in rows) else 0) + _GAP
    width = len(columns) * (_SIDE + _GAP) - _GAP + 2 * _EDGE
    canvas = Image.new("L", (width, _EDGE + title + len(rows) * pitch + _EDGE), 255)
    pen = ImageDraw.Draw(canvas)
    for column, text in enumerate(columns.values()):
        left = _EDGE + column * (_SIDE + _GAP)
        pen.text((left + _SIDE / 2, _EDGE), text, fill=0, font=ImageFont.load_default(_TITLE), anchor="ma")
    for index, row in enumerate(rows):
        top = _EDGE + title + index * pitch
        pen.text((_EDGE, top + 4), row.heading, fill=0, font=ImageFont.load_default(_HEADING))
        for column, part in enumerate(columns):
            left = _EDGE + column * (_SIDE + _GAP)
            canvas.paste(_drawn(row, part), (left, top + heading))
            below = (left + _SIDE / 2, top + heading + _SIDE + 5)
            pen.text(below, row.captions.get(part, ""), fill=0, font=ImageFont.load_default(_CAPTION), anchor="ma")
    with io.atomic(path) as (temporary,):
        canvas.save(temporary, format="PNG")


def _drawn(row: Row, part: Part) -> Image.Image:
    """A part of a sample as a square picture."""
    data = row.parts[part].data
    if not part.endswith("PSF"):
        low, high = np.quantile(row.parts["truth"].data, (0.001, 0.999))
        return _tile(_plane(data, from_side=False), (float(low), float(high)), smooth=True)
    support = tuple(np.maximum(row.parts["true PSF"].data.shape, row.parts["estimated PSF"].data.shape))
    plane = _plane(_padded(data, support), from_side=True)
    return _tile(plane, (0.0, float(plane.max())), smooth=False)


def _padded(kernel: NDArray[Any], support: tuple[int, ...]) -> NDArray[Any]:
    """The kernel in the middle of a support, so that two of them are drawn on one scale."""
    return np.pad(kernel, [((n - k) // 2, (n - k + 1) // 2) for n, k in zip(support, kernel.shape, strict=True)])


def _plane(data: NDArray[Any], *, from_side: bool) -> NDArray[Any]:
    """Two axes of the data: a projection of its brightest points along z, or along y from the side."""
    while data.ndim > 2:
        data = data.max(axis=-2 if from_side and data.ndim == 3 else 0)
    return data


def _tile(plane: NDArray[Any], limits: tuple[float, float], *, smooth: bool) -> Image.Image:
    """A square picture; the plane keeps its proportions, and what it leaves free is paper, around a PSF darkness."""
    low, high = limits
    grey = np.clip((plane - low) / max(high - low, 1e-12), 0, 1) * 255
    scale = _SIDE / max(plane.shape)
    size = max(1, round(plane.shape[1] * scale)), max(1, round(plane.shape[0] * scale))
    method = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    picture = Image.fromarray(grey.astype(np.uint8)).resize(size, method)
    tile = Image.new("L", (_SIDE, _SIDE), 255 if smooth else 0)
    tile.paste(picture, ((_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2))
    return tile
