"""Drawings of the page, as points of lines: numbers only, so that a template can put them into SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_blind_deconv.metrics.fourier_correlation import THRESHOLD

from .records import Detail, Record


@dataclass(frozen=True)
class Tick:
    """A place on an axis, in the drawing's units, and what is written there."""

    at: float
    label: str


@dataclass(frozen=True)
class Curves:
    """Two correlation curves; ``before`` and ``after`` are points of polylines."""

    width: int
    height: int
    before: str
    after: str
    threshold: float
    ticks: tuple[Tick, ...]
    unit: str


@dataclass(frozen=True)
class Dot:
    """The width of one PSF in a drawing of all of them."""

    x: float
    y: float
    differs: bool
    words: str
    target: str


@dataclass(frozen=True)
class Strip:
    """Widths along one axis of all files, in the order of the table."""

    axis: str
    unit: str
    width: int
    height: int
    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]
    median: float
    theory: float | None


_CURVES = (330, 130)
_STRIP = (1000, 110)
_EDGE = 8.0


def correlation_curves(detail: Detail) -> Curves:
    """The curves before and after, over the frequency; ticks are periods, which is what a resolution is."""
    width, height = _CURVES
    highest = detail.frequency[-1]

    def points(values: Sequence[float]) -> str:
        heights = [height * (1 - (min(max(value, -0.1), 1.0) + 0.1) / 1.1) for value in values]
        across = [width * f / highest for f in detail.frequency]
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, heights, strict=True))

    ticks = tuple(Tick(width * share, f"{1 / (share * highest):.2g}") for share in (0.25, 0.5, 0.75, 1.0))
    level = height * (1 - (THRESHOLD + 0.1) / 1.1)
    return Curves(width, height, points(detail.curve_before), points(detail.curve_after), level, ticks, detail.unit)


def strips(records: Sequence[Record]) -> list[Strip]:
    """One drawing per axis of PSF widths, where there are several PSFs of one unit."""
    found = []
    for axis, unit in (("x", "µm"), ("y", "µm"), ("z", "µm"), ("x", "px"), ("y", "px"), ("z", "px")):
        strip = _strip(records, axis, unit)
        if strip is not None:
            found.append(strip)
    return found


def _strip(records: Sequence[Record], axis: str, unit: str) -> Strip | None:
    places, widths, marks, words, targets, ideals = [], [], [], [], [], []
    for number, record in enumerate(records, start=1):
        for channel in record.channels:
            if channel.figures is None or channel.figures.unit != unit or axis not in channel.axes:
                continue
            which = channel.axes.index(axis)
            places.append(number)
            widths.append(channel.figures.fwhm[which])
            marks.append(bool(channel.marks))
            words.append(f"{record.name}: {widths[-1]:.3g} {unit}")
            targets.append(f"file-{number}")
            if channel.theory is not None:
                ideals.append(channel.theory[which])
    if len(widths) < 2:
        return None
    width, height = _STRIP
    top = 1.15 * max(widths + ideals)
    down = [height * (1 - value / top) for value in widths]
    across = [_EDGE + (width - 2 * _EDGE) * (p - 0.5) / len(records) for p in places]
    dots = [Dot(*values) for values in zip(across, down, marks, words, targets, strict=True)]
    ticks = tuple(Tick(height * (1 - share), f"{share * top:.2g}") for share in (0.0, 0.5, 1.0))
    theory = height * (1 - float(np.median(ideals)) / top) if ideals else None
    return Strip(axis, unit, width, height, tuple(dots), ticks, height * (1 - float(np.median(widths)) / top), theory)
