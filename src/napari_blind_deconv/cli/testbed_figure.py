"""A figure of a testbed: rows of draws, samples, or the course of movies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_blind_deconv import io
from napari_blind_deconv.testbed import Testbed

from .draws_figure import coloured, name_of
from .draws_figure import draw as draw_kernels

_SIDE, _GAP, _EDGE, _LETTER = 150, 5, 14, 14  # pixels
_ROWS = 6
_FRAMES = (0, 1, 2, 4, 8)  # that are shown of a movie


def draw(path: Path, bed: Testbed) -> None:
    """Write a PNG of a testbed: all kernels, or a few samples with their kernels."""
    if bed.recipe.kind == "kernel":
        draw_kernels(path, _by_prior(bed), spacing=bed.recipe.voxel_size_um)
        return
    rows = [_row(bed, index) for index in range(min(len(bed), _ROWS))]
    head = round(1.6 * _LETTER)
    width = max(sum(tile.width + _GAP for _, tile in row) for row in rows) - _GAP + 2 * _EDGE
    height = sum(row[0][1].height + head + _GAP for row in rows) - _GAP + 2 * _EDGE
    canvas = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(canvas)
    top = _EDGE
    for row in rows:
        left = _EDGE
        for title, tile in row:
            pen.text((left, top + 2), title, fill="black", font=ImageFont.load_default(_LETTER))
            canvas.paste(tile, (left, top + head))
            left += tile.width + _GAP
        top += row[0][1].height + head + _GAP
    with io.atomic(path) as (temporary,):
        canvas.save(temporary, format="PNG")


def _by_prior(bed: Testbed) -> Mapping[str, list[NDArray[Any]]]:
    """Kernels by their prior; a name is followed by what differs from the prior's defaults."""
    rows: dict[str, list[NDArray[Any]]] = {}
    for index in range(len(bed)):
        prior = bed.recipe.kernel_priors[index % len(bed.recipe.kernel_priors)]
        rows.setdefault(name_of(prior), []).append(bed[index].kernel.numpy())
    return rows


def _row(bed: Testbed, index: int) -> list[tuple[str, Image.Image]]:
    """Pictures of one sample with their titles."""
    item = bed[index]
    low, high = (float(v) for v in np.quantile(item.sharp.numpy(), (0.002, 0.998)))
    kernel = _kernel(item.kernel.numpy(), len(bed.recipe.size))
    if bed.recipe.kind == "image":
        return [
            ("sharp", _picture(item.sharp.numpy(), low, high)),
            (f"kernel: {bed.recipe.kernel_priors[index % len(bed.recipe.kernel_priors)].kind}", kernel),
            ("observed", _picture(item.observed.numpy(), low, high)),
        ]
    count = len(item.sharp)
    chosen = [frame for frame in _FRAMES if frame < count]
    row = [(f"kernel: {bed.recipe.kernel_priors[index % len(bed.recipe.kernel_priors)].kind}", kernel)]
    for frame in chosen:
        pair = [_picture(values[frame].numpy(), low, high) for values in (item.sharp, item.observed)]
        row.append((f"frame {frame}", _stacked(pair)))
    course = [
        _picture(v.reshape(count, -1, v.shape[-1])[:, -(-v.shape[-2] // 2)].numpy(), low, high, square=True)
        for v in (item.sharp, item.observed)
    ]
    row.append(("x across, time down", _stacked(course)))
    row[0] = (row[0][0], _labelled(kernel, row[1][1].height))
    return row


def _kernel(taps: NDArray[Any], ndim: int) -> Image.Image:
    plane = taps[0] if taps.ndim > ndim else taps
    while plane.ndim > 2:
        plane = plane.max(axis=0)
    return coloured(plane, 0.0, float(plane.max()), 0.5).resize(_size(plane, _SIDE), Image.Resampling.NEAREST)


def _picture(values: NDArray[Any], low: float, high: float, *, square: bool = False) -> Image.Image:
    """A grey picture; of a volume its middle plane."""
    while values.ndim > 2:
        values = values[len(values) // 2]
    grey = np.clip((values - low) / max(high - low, 1e-12), 0, 1) * 255
    size = (_SIDE, _SIDE) if square else _size(values, _SIDE)
    return Image.fromarray(grey.astype(np.uint8)).convert("RGB").resize(size, Image.Resampling.BILINEAR)


def _size(plane: NDArray[Any], side: int) -> tuple[int, int]:
    scale = side / max(plane.shape)
    return max(1, round(plane.shape[1] * scale)), max(1, round(plane.shape[0] * scale))


def _stacked(pictures: list[Image.Image]) -> Image.Image:
    height = sum(p.height for p in pictures) + _GAP * (len(pictures) - 1)
    out = Image.new("RGB", (max(p.width for p in pictures), height), "white")
    top = 0
    for picture in pictures:
        out.paste(picture, (0, top))
        top += picture.height + _GAP
    return out


def _labelled(picture: Image.Image, height: int) -> Image.Image:
    """The same on paper of another height, in its middle, between the names of what lies beside it."""
    out = Image.new("RGB", (picture.width, max(height, picture.height)), "white")
    out.paste(picture, (0, (out.height - picture.height) // 2))
    pen, font = ImageDraw.Draw(out), ImageFont.load_default(_LETTER)
    pen.text((out.width - _GAP, out.height / 8), "sharp", fill="black", font=font, anchor="rm")
    pen.text((out.width - _GAP, out.height * 7 / 8), "observed", fill="black", font=font, anchor="rm")
    return out
