"""A figure of draws, a row for each distribution, without a plotting library."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_blind_deconv import io

_TILE, _GAP, _EDGE = 92, 3, 14  # pixels
_NAME, _DETAIL, _LETTER = 15, 12, 0.6  # heights of letters; their width, relative to that
_GAMMA = 0.5  # so that faint taps are seen beside the brightest
# Nine colours of matplotlib's magma (CC0), from dark to bright.
_MAGMA = (
    (0, 0, 4), (28, 16, 68), (79, 18, 123), (129, 37, 129), (181, 54, 122), (229, 80, 100), (251, 135, 97),
    (254, 194, 135), (252, 253, 191),
)  # fmt: skip


def draw(
    path: Path, rows: Mapping[str, Sequence[NDArray[Any]]], title: str = "", spacing: Sequence[float] | None = None
) -> None:
    """Write a PNG: rows of kernels with their names at the left, each at its own scale.

    Parameters
    ----------
    path
        File to write; complete or not at all.
    rows
        Kernels of two axes, or of three, of which the sections through the middle are shown, yx beside zx. What follows
        a line break in a name is a detail.
    title
        Stands above them.
    spacing
        Pixel size per axis, where pixels are not square.
    """
    tiles = {name: [_tile(kernel, spacing) for kernel in kernels] for name, kernels in rows.items()}
    label = max(
        max((_NAME if i == 0 else _DETAIL) * _LETTER * len(line) for i, line in enumerate(name.split("\n")))
        for name in rows
    )
    left = _EDGE + round(label) + 2 * _GAP
    top = _EDGE + (round(1.8 * _NAME) if title else 0)
    width = left + max(sum(tile.width + _GAP for tile in row) for row in tiles.values()) - _GAP + _EDGE
    height = top + sum(row[0].height + _GAP for row in tiles.values()) - _GAP + _EDGE
    canvas = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(canvas)
    pen.text((_EDGE, _EDGE), title, fill="black", font=ImageFont.load_default(_NAME))
    for name, row in tiles.items():
        _write(pen, (left - 2 * _GAP, top + row[0].height / 2), name)
        across = left
        for tile in row:
            canvas.paste(tile, (across, top))
            across += tile.width + _GAP
        top += row[0].height + _GAP
    with io.atomic(path) as (temporary,):
        canvas.save(temporary, format="PNG")


def coloured(values: NDArray[Any], low: float, high: float, gamma: float = 1.0) -> Image.Image:
    """Values of two axes as a picture, a pixel each."""
    share = np.clip((values - low) / max(high - low, 1e-12), 0, 1) ** gamma
    place = np.linspace(0, 1, len(_MAGMA))
    channels = [np.interp(share, place, column) for column in np.array(_MAGMA, float).T]
    return Image.fromarray(np.rint(np.stack(channels, -1)).astype(np.uint8))


def name_of(prior: Any) -> str:
    """A component by its kind, and in lines below the fields that are not as usual."""
    usual = type(prior)()
    own = [
        f"{field.name} {_said(getattr(prior, field.name))}"
        for field in fields(prior)
        if field.repr and field.name != "kind" and getattr(prior, field.name) != getattr(usual, field.name)
    ]
    return "\n".join([prior.kind, *own])


def _said(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _tile(kernel: NDArray[Any], spacing: Sequence[float] | None) -> Image.Image:
    """A kernel as a picture of the tile's width, its taps squares; a volume as two sections."""
    lengths = tuple(spacing or (1.0,) * kernel.ndim)
    if kernel.ndim == 3:
        sections = [(kernel[kernel.shape[0] // 2], lengths[1:]), (kernel[:, kernel.shape[1] // 2], lengths[::2])]
    else:
        sections = [(np.atleast_2d(kernel), lengths[-2:])]
    scale = _TILE / max(n * d for n, d in zip(np.atleast_2d(kernel).shape[-2:], lengths[-2:], strict=True))
    pictures = []
    for section, steps in sections:
        height, width = (max(1, round(n * d * scale)) for n, d in zip(section.shape, steps, strict=True))
        picture = coloured(section, 0.0, float(kernel.max()), _GAMMA)
        pictures.append(picture.resize((width, height), Image.Resampling.NEAREST))
    height = max(picture.height for picture in pictures)
    tile = Image.new("RGB", (sum(p.width + 1 for p in pictures) - 1, height), "white")
    left = 0
    for picture in pictures:
        tile.paste(picture, (left, (height - picture.height) // 2))
        left += picture.width + 1
    return tile


def _write(pen: ImageDraw.ImageDraw, place: tuple[float, float], name: str) -> None:
    """A name, and its details below, to the left of a place."""
    lines = name.split("\n")
    sizes = [_NAME, *[_DETAIL] * (len(lines) - 1)]
    top = place[1] - 0.65 * sum(sizes)
    for line, size in zip(lines, sizes, strict=True):
        grey = "black" if size == _NAME else "#666666"
        pen.text((place[0], top), line, fill=grey, font=ImageFont.load_default(size), anchor="ra")
        top += 1.3 * size
