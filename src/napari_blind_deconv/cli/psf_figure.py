"""A figure of PSFs for a report, without a plotting library: sections, radial profiles and transfer functions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from napari_blind_deconv import io
from napari_blind_deconv.metrics import PsfProfiles

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]

_SIDE, _GAP, _TITLE, _PLOT = 220, 10, 24, (520, 260)  # pixels
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
_SEEN = 0.01  # of a curve's height: below, it ends
_GAMMA = 0.5  # so that the haze of a PSF is seen beside its peak


def draw(path: Path, psfs: Sequence[tuple[str, PsfProfiles]]) -> None:
    """Write a PNG: per PSF the sections through its peak at one scale, below radial profiles and MTFs of all."""
    sections = [name for name in ("yx", "zx") if any(name in profiles.sections for _, profiles in psfs)]
    width = max(len(psfs) * (_SIDE + _GAP) + _GAP, 2 * (_PLOT[0] + _GAP) + _GAP)
    top = _TITLE + len(sections) * (_SIDE + _TITLE)
    canvas = Image.new("RGB", (width, top + _PLOT[1] + 2 * _TITLE), "white")
    pen = ImageDraw.Draw(canvas)
    for row, name in enumerate(sections):
        reach = max(_extent(profiles, name) for _, profiles in psfs)
        for column, (title, profiles) in enumerate(psfs):
            left, upper = _GAP + column * (_SIDE + _GAP), _TITLE + row * (_SIDE + _TITLE)
            label = f"{title[:22]}  {name}" if row == 0 else f"{name}, {reach:.3g} {_written(profiles.unit)} wide"
            pen.text((left, upper - _TITLE + 6), label, fill=_colour(column))
            if name in profiles.sections:
                canvas.paste(_tile(profiles, name, reach), (left, upper))
    unit = _written(psfs[0][1].unit)
    radial: list[Curve] = [(profiles.radius, profiles.radial) for _, profiles in psfs]
    transfer: list[Curve] = [(profiles.frequency, profiles.mtf) for _, profiles in psfs]
    _plot(pen, (_GAP, top), f"radial profile over radius ({unit})", radial)
    _plot(pen, (2 * _GAP + _PLOT[0], top), f"lateral MTF over frequency (cycles / {unit})", transfer)
    with io.atomic(path) as (temporary,):
        canvas.save(temporary, format="PNG")


def _written(unit: str) -> str:
    """The unit in letters that Pillow's own font has."""
    return unit.replace("µ", "u")


def _colour(index: int) -> str:
    return _COLOURS[index % len(_COLOURS)]


def _extent(profiles: PsfProfiles, name: str) -> float:
    """The longer side of a section."""
    shape = profiles.sections[name].shape if name in profiles.sections else (0, 0)
    return max(n * profiles.spacing[axis] for n, axis in zip(shape, name, strict=True))


def _tile(profiles: PsfProfiles, name: str, reach: float) -> Image.Image:
    """A square picture in which ``reach`` is the whole side."""
    section = profiles.sections[name]
    lengths = [n * profiles.spacing[axis] for n, axis in zip(section.shape, name, strict=True)]
    height, width = (max(1, round(_SIDE * length / reach)) for length in lengths)
    grey = (np.clip(section, 0, 1) ** _GAMMA * 255).astype(np.uint8)
    picture = Image.fromarray(grey).resize((width, height), Image.Resampling.NEAREST)
    tile = Image.new("RGB", (_SIDE, _SIDE), "black")
    tile.paste(picture.convert("RGB"), ((_SIDE - width) // 2, (_SIDE - height) // 2))
    return tile


def _plot(pen: ImageDraw.ImageDraw, corner: tuple[int, int], title: str, curves: Sequence[Curve]) -> None:
    """Curves from 0 to 1 over a common axis, with a line at one half."""
    left, top = corner[0], corner[1] + _TITLE
    width, height = _PLOT
    longest = max(1.3 * float(x[np.flatnonzero(y > _SEEN)[-1]]) for x, y in curves) or 1.0
    pen.text((left, corner[1] + 4), title, fill="black")
    pen.line([(left, top + height / 2), (left + width, top + height / 2)], fill="#dddddd")
    pen.rectangle([left, top, left + width, top + height], outline="#888888")
    for index, (x, y) in enumerate(curves):
        x, y = x[x <= longest], y[x <= longest]
        down = top + height * (1 - np.clip(y, 0, 1))
        points = [(float(a), float(b)) for a, b in zip(left + width * x / longest, down, strict=True)]
        pen.line(points, fill=_colour(index), width=2)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        pen.text(
            (left + share * width - (24 if share == 1 else 0), top + height + 4), f"{share * longest:.3g}", fill="black"
        )
