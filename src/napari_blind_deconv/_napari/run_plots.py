"""Small curves of a result: its PSF, the course of its run, and its noise; on screen, or for a report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QBuffer, QByteArray, QIODevice, Qt
from qtpy.QtGui import QPainter
from qtpy.QtSvg import QSvgGenerator

from napari_blind_deconv._napari.psf_plots import REPORT, Look, pen
from napari_blind_deconv.metrics import PsfProfiles

_HEIGHT: Final = 132
_TALLEST: Final = 220
_ANY: Final = 16_777_215  # what Qt takes for no limit
_NARROWEST: Final = 150
_NYQUIST: Final = 0.5
_PICTURE: Final = (900, 620)
"""Width and height of one plot of a picture, in pixels."""


@dataclass(frozen=True)
class Plot:
    """Curves with a title and what runs along below them."""

    title: str
    below: str
    curves: Sequence[tuple[Any, Any]]
    names: Sequence[str] = ()
    from_zero: bool = True
    last: float | None = None
    """Where the axis below ends; ``None``: with the curves."""


def of_psf(profiles: PsfProfiles | None) -> Iterator[Plot]:
    """Profiles of a PSF through its peak."""
    if profiles is None:
        return
    curves, names = [(profiles.radius, profiles.radial)], ["radial"]
    if profiles.axial_position is not None and profiles.axial is not None:
        curves.append((profiles.axial_position, profiles.axial))
        names.append("along z")
    yield Plot("PSF profile", f"distance ({profiles.unit})", curves, names if len(names) > 1 else ())


def of_course(curves: Mapping[str, Sequence[tuple[float, float]]]) -> Iterator[Plot]:
    """Misfit and evidence over the steps of a run."""
    titles = {"misfit": "Misfit / expected", "evidence_nats": "Evidence (nats)"}
    for name, title in titles.items():
        points = curves.get(name, ())
        if points:
            x, y = np.asarray(points, float).T
            yield Plot(title, "step", [(x, y)], from_zero=name == "misfit")


def of_noise(noises: Sequence[Mapping[str, Any]]) -> Iterator[Plot]:
    """Power of the noise over frequency, and its variance over the light, as a report has them."""
    power = [_columns(noise.get("curve")) for noise in noises]
    growth = [_columns(noise.get("growth")) for noise in noises]
    if any(x.size for x, _ in power):
        # From zero, so that white noise is a level line and not a magnified nothing.
        yield Plot("Noise power", "cycles/px", power, last=_NYQUIST)
    if any(x.size for x, _ in growth):
        yield Plot("Noise variance", "intensity", growth)


def _columns(points: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    found = np.asarray(points if points else np.zeros((0, 2)), float)
    return found[:, 0], found[:, 1]


class RunPlots(pg.GraphicsLayoutWidget):
    """Plots in a row, or in several where there is no width."""

    # Asked for while the base class sets itself up.
    _shown: tuple[Plot, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self._look = REPORT
        self._columns = 0
        self._width: int | None = None
        self.plots: dict[str, Any] = {}
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_plots(self, plots: Sequence[Plot], look: Look) -> None:
        """Draw anew; a plot that only has further points keeps its place."""
        self._shown, self._look = tuple(plots), look
        self.setVisible(bool(plots))
        self._draw()

    def resizeEvent(self, event: Any) -> None:
        """Another width may hold another number of plots beside each other."""
        super().resizeEvent(event)
        if self._shown and self._fitting() != self._columns:
            self._draw()

    def set_wide(self, width: int | None) -> None:
        """Beside a text, with this width; ``None``: below it."""
        if width != self._width:
            self._width = width
            self.setMinimumWidth(width or 0)
            self.setMaximumWidth(width or _ANY)
            if self._shown:
                self._draw()

    def _fitting(self) -> int:
        return max(1, min(len(self._shown), self.width() // _NARROWEST))

    def _draw(self) -> None:
        self.clear()
        self.plots = {}
        self._columns = self._fitting()
        self.setBackground(self._look.paper)
        self.ci.layout.setContentsMargins(0, 4, 0, 0)
        self.ci.layout.setHorizontalSpacing(8)
        for number, plot in enumerate(self._shown):
            self.plots[plot.title] = self._add(plot, divmod(number, self._columns))
        rows = -(-len(self._shown) // self._columns)
        if self._width is None:
            self.setMinimumHeight(_HEIGHT * rows)
            self.setMaximumHeight(_HEIGHT * rows)
        else:
            # Beside the text: no higher than the dock is.
            self.setMinimumHeight(0)
            self.setMaximumHeight(_TALLEST * rows)

    def _add(self, plot: Plot, place: tuple[int, int]) -> Any:
        look = self._look
        drawn = self.addPlot(*place)
        drawn.setTitle(plot.title, color=look.ink, size=f"{look.points}pt")
        for side in ("bottom", "left"):
            axis = drawn.getAxis(side)
            axis.setPen(look.ink)
            axis.setTextPen(look.ink)
            axis.enableAutoSIPrefix(False)
            axis.setTickFont(look.font)
        drawn.getAxis("left").setWidth(5 * look.points)
        drawn.setLabel("bottom", plot.below, **{"color": look.ink, "font-size": f"{look.points}pt"})
        drawn.showGrid(x=True, y=True, alpha=0.2)
        if plot.names:
            legend = drawn.addLegend(offset=(-1, 1), labelTextColor=look.ink, labelTextSize=f"{look.points}pt")
            legend.setParentItem(drawn.getViewBox())
        highest = 0.0
        for number, (x, y) in enumerate(plot.curves):
            name = plot.names[number] if plot.names else None
            symbol = "o" if len(x) == 1 else None
            drawn.plot(x, y, pen=pen(number, look), name=name, symbol=symbol, symbolSize=look.points / 2)
            highest = max(highest, float(np.max(y, initial=0.0)))
        if plot.from_zero:
            drawn.setYRange(0, 1.15 * highest or 1.0, padding=0)
        if plot.last is not None:
            drawn.setXRange(0, plot.last, padding=0)
        drawn.setMouseEnabled(x=False, y=False)
        drawn.hideButtons()
        drawn.setMenuEnabled(False)
        return drawn

    def as_png(self) -> bytes:
        """The plots black on white, for a report."""
        held, buffer = _buffer()
        sheet = self._sheet()
        sheet.grab().toImage().save(buffer, "PNG")
        sheet.close()
        sheet.deleteLater()
        return bytes(held.data())

    def as_svg(self) -> bytes:
        """The same as lines."""
        held, buffer = _buffer()
        sheet = self._sheet()
        drawing = QSvgGenerator()
        drawing.setOutputDevice(buffer)
        drawing.setSize(sheet.size())
        drawing.setViewBox(sheet.rect())
        painter = QPainter(drawing)
        sheet.render(painter)
        painter.end()
        sheet.close()
        sheet.deleteLater()
        return bytes(held.data())

    def _sheet(self) -> "RunPlots":
        sheet = RunPlots()
        sheet.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        across = min(2, len(self._shown))
        sheet.resize(_PICTURE[0] * across, 100)
        sheet.show_plots(self._shown, REPORT)
        sheet.spread(across)
        sheet.show()
        sheet.ci.layout.activate()
        return sheet

    def spread(self, across: int) -> None:
        """As large as in a report, with so many plots beside each other."""
        rows = -(-len(self._shown) // across)
        self.setFixedSize(_PICTURE[0] * across, _PICTURE[1] * rows)


def _buffer() -> tuple[QByteArray, QBuffer]:
    """Bytes in memory, and what writes to them."""
    held = QByteArray()
    buffer = QBuffer(held)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    return held, buffer
