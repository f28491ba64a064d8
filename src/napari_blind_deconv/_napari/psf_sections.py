"""Sections of PSFs as one picture: a column per PSF, a row per plane, one length per pixel, a bar for scale."""

import textwrap
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QRectF
from qtpy.QtGui import QFont, QFontMetricsF
from qtpy.QtWidgets import QGraphicsRectItem

from napari_blind_deconv.metrics import PsfProfiles

_PLANES: Final = ("yx", "zx")
_GAMMA: Final = 0.5
# Of the maximum: what is fainter everywhere in all PSFs is cut off.
_FAINT: Final = 2e-3
_GAP: Final = 0.06
_LETTERS, _LINES = 6, 3  # of a name: letters at least in a line, lines at most


def draw_sections(
    box: Any, psfs: Sequence[PsfProfiles], names: Sequence[tuple[str, str]], ink: str, font: QFont
) -> None:
    """Draw the sections of several PSFs into an empty view box.

    Parameters
    ----------
    box
        A view box with its aspect locked.
    psfs
        What to draw.
    names
        A name and its colour per PSF.
    ink, font
        Of the other words.
    """
    box.invertY(True)
    planes = [plane for plane in _PLANES if all(plane in p.sections for p in psfs)]
    if not planes:
        return
    across = max(_reach(psf, axis) for psf in psfs for axis in "yx")
    reach = {"z": max(_reach(psf, "z") for psf in psfs), "y": across, "x": across}
    gap = _GAP * 2 * max(reach.values())
    titles: list[Any] = []
    for column, psf in enumerate(psfs):
        left = column * (2 * reach["x"] + gap)
        top = 0.0
        for plane in planes:
            rows = plane[0]
            _add_section(box, psf, plane, (left + reach["x"], top + reach[rows]), reach)
            if column == 0:
                _add_text(box, (left - gap / 2, top + reach[rows]), (1, 0.5), plane[::-1], ink, font)
            top += 2 * reach[rows] + gap
        titles.append(_add_text(box, (left + reach["x"], -gap / 4), (0.5, 1), "", names[column][1], font))
    _add_bar(box, (0.0, top), reach["x"], psfs[0].unit, ink, font)
    width = len(psfs) * (2 * reach["x"] + gap) - gap
    # Words have no extent in a view box.
    box.setRange(QRectF(-3 * gap, -5 * gap, width + 4 * gap, top + 8 * gap), padding=0)
    letter = QFontMetricsF(font).averageCharWidth()

    def wrap() -> None:
        """Break names at the width that a section has on the screen."""
        room = max(_LETTERS, int((2 * reach["x"] + gap / 2) / (box.viewPixelSize()[0] * letter)))
        for title, (name, _) in zip(titles, names, strict=True):
            title.setPlainText("\n".join(textwrap.wrap(name, room, max_lines=_LINES, placeholder="…")))

    box.sigTransformChanged.connect(wrap)
    wrap()


def _reach(psf: PsfProfiles, axis: str) -> float:
    """How far from its middle a PSF is not faint, along an axis."""
    found = [0.0]
    for plane, taps in psf.sections.items():
        if axis in plane:
            line = taps.max(axis=1 - plane.index(axis))
            far = np.abs(np.flatnonzero(line > _FAINT) - line.size // 2).max(initial=0) + 1.5
            found.append(min(float(far), line.size / 2) * psf.spacing[axis])
    return max(found)


def _add_section(box: Any, psf: PsfProfiles, plane: str, centre: tuple[float, float], reach: dict[str, float]) -> None:
    taps, steps = psf.sections[plane], [psf.spacing[axis] for axis in plane]
    taps = _cut(taps, [reach[axis] / step for axis, step in zip(plane, steps, strict=True)])
    height, width = (n * step for n, step in zip(taps.shape, steps, strict=True))
    x, y = centre
    ground = QGraphicsRectItem(
        QRectF(x - reach[plane[1]], y - reach[plane[0]], 2 * reach[plane[1]], 2 * reach[plane[0]])
    )
    ground.setBrush(pg.mkBrush("#000004"))
    ground.setPen(pg.mkPen(None))
    box.addItem(ground)
    image = pg.ImageItem(np.maximum(taps, 0) ** _GAMMA, axisOrder="row-major", levels=(0, 1))
    image.setColorMap(pg.colormap.get("magma"))
    image.setRect(QRectF(x - width / 2, y - height / 2, width, height))
    box.addItem(image)


def _cut(taps: NDArray[Any], halves: Sequence[float]) -> NDArray[Any]:
    """The middle of a section, so many taps to each side."""
    keep = [min(n // 2, max(0, round(half - 0.5))) for n, half in zip(taps.shape, halves, strict=True)]
    return taps[tuple(slice(n // 2 - k, n // 2 + k + 1) for n, k in zip(taps.shape, keep, strict=True))]


def _add_text(
    box: Any, place: tuple[float, float], anchor: tuple[float, float], words: str, colour: str, font: QFont
) -> Any:
    text = pg.TextItem(words, color=colour, anchor=anchor)
    text.setFont(font)
    text.setPos(*place)
    box.addItem(text)
    return text


def _add_bar(box: Any, place: tuple[float, float], reach: float, unit: str, ink: str, font: QFont) -> None:
    """A bar of a round length, at most as long as half a section."""
    decade = 10.0 ** np.floor(np.log10(reach))
    length = float(max(step * decade for step in (0.5, 1.0, 2.0, 5.0) if step * decade <= reach))
    x, y = place
    box.addItem(pg.PlotDataItem([x, x + length], [y, y], pen=pg.mkPen(ink, width=font.pointSizeF() / 2)))
    _add_text(box, (x, y), (0, 0), f"{length:g} {unit}, square root of intensity", ink, font)
