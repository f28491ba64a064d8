"""A figure of restored samples, without a plotting library."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from napari_blind_deconv import io

COLUMNS = ("observed", "restored", "truth", "true PSF", "estimated PSF")
_SIDE, _GAP, _TITLE = 256, 8, 22  # pixels


def draw(path: Path, rows: list[tuple[str, list[io.Volume]]]) -> None:
    """Write a PNG with one row per sample and the columns ``COLUMNS``.

    Images share the truth's contrast, PSFs the size of a pixel; a volume is shown from above, and its PSF from the
    side, as brightest points.
    """
    width = len(COLUMNS) * (_SIDE + _GAP) + _GAP
    canvas = Image.new("L", (width, _TITLE + len(rows) * (_SIDE + _TITLE)), 255)
    pen = ImageDraw.Draw(canvas)
    for row, (name, volumes) in enumerate(rows):
        top = row * (_SIDE + _TITLE) + _TITLE
        low, high = np.quantile(volumes[2].data, (0.001, 0.999))
        support = tuple(np.maximum(volumes[3].data.shape, volumes[4].data.shape))
        for column, (title, volume) in enumerate(zip(COLUMNS, volumes, strict=True)):
            left = _GAP + column * (_SIDE + _GAP)
            is_psf = "PSF" in title
            plane = _plane(_padded(volume.data, support) if is_psf else volume.data, from_side=is_psf)
            limits = (0.0, float(plane.max())) if is_psf else (float(low), float(high))
            canvas.paste(_tile(plane, limits, smooth=not is_psf), (left, top))
            pen.text((left, top - _TITLE + 5), f"{name}: {title}", fill=0)
    with io.atomic(path) as (temporary,):
        canvas.save(temporary, format="PNG")


def _padded(kernel: NDArray[Any], support: tuple[int, ...]) -> NDArray[Any]:
    """The kernel in the middle of a support, so that two of them are drawn on one scale."""
    return np.pad(kernel, [((n - k) // 2, (n - k + 1) // 2) for n, k in zip(support, kernel.shape, strict=True)])


def _plane(data: NDArray[Any], *, from_side: bool) -> NDArray[Any]:
    """Two axes of the data: a projection of its brightest points along z, or along y from the side."""
    while data.ndim > 2:
        data = data.max(axis=-2 if from_side and data.ndim == 3 else 0)
    return data


def _tile(plane: NDArray[Any], limits: tuple[float, float], *, smooth: bool) -> Image.Image:
    """A square picture; the plane keeps its proportions."""
    low, high = limits
    grey = np.clip((plane - low) / max(high - low, 1e-12), 0, 1) * 255
    scale = _SIDE / max(plane.shape)
    size = max(1, round(plane.shape[1] * scale)), max(1, round(plane.shape[0] * scale))
    method = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    picture = Image.fromarray(grey.astype(np.uint8)).resize(size, method)
    tile = Image.new("L", (_SIDE, _SIDE), 0)
    tile.paste(picture, ((_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2))
    return tile
