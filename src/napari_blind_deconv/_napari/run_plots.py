"""Small curves of a result: its PSF, the course of its run, and its noise; on screen, or for a report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt
from qtpy.QtGui import QPainter
from qtpy.QtSvg import QSvgGenerator
from qtpy.QtWidgets import QSizePolicy

from napari_blind_deconv._napari.psf_plots import REPORT, Look, colour, pen
from napari_blind_deconv.metrics import PsfProfiles

_HEIGHT: Final = 132
_TALLEST: Final = 220
_ANY: Final = 16_777_215  # what Qt takes for no limit
_NARROWEST: Final = 150
_LOWEST: Final = 105
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
        # One point is no curve; its value stands among the checks.
        if len(points) > 1:
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
    _grid = (0, 1)

    def __init__(self) -> None:
        super().__init__()
        self._look = REPORT
        self._sheet_columns = 0
        self._width: int | None = None
        self._room: int | None = None
        self.plots: dict[str, Any] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def show_plots(self, plots: Sequence[Plot], look: Look) -> None:
        """Draw anew."""
        self._shown, self._look = tuple(plots), look
        self.setVisible(bool(plots))
        self._draw()

    def resizeEvent(self, event: Any) -> None:
        """Another size may hold another number of plots."""
        super().resizeEvent(event)
        if self._shown and self._fitting() != self._grid:
            self._draw()

    def set_wide(self, width: int | None) -> None:
        """Beside a text, with this width; ``None``: below it."""
        if width != self._width:
            self._width = width
            self.setMinimumWidth(width or 0)
            self.setMaximumWidth(width or _ANY)
            self._draw()

    def set_room(self, height: int | None) -> None:
        """Take no more than this height in pixels, but always that of one row."""
        if height != self._room:
            self._room = height
            self._draw()

    def _fitting(self) -> tuple[int, int]:
        """Rows and columns: as many as there is room for, the first plots first."""
        if not self._shown:
            return 0, 1
        if self._sheet_columns:
            return -(-len(self._shown) // self._sheet_columns), self._sheet_columns
        across = max(1, min(len(self._shown), self.width() // _NARROWEST))
        rows = -(-len(self._shown) // across)
        room = max(1, self.height() // _LOWEST)
        # No wider than they need to be for their number of rows.
        return min(rows, room), -(-len(self._shown) // rows)

    def _draw(self) -> None:
        self.clear()
        self.plots = {}
        self._grid = rows, columns = self._fitting()
        self.setBackground(self._look.paper)
        self.ci.layout.setContentsMargins(0, 4, 4, 6)
        self.ci.layout.setHorizontalSpacing(8)
        for number, plot in enumerate(self._shown[: rows * columns]):
            self.plots[plot.title] = self._add(plot, divmod(number, columns))
        for row in range(rows):
            self.ci.layout.setRowStretchFactor(row, 1)
        for column in range(columns):
            self.ci.layout.setColumnStretchFactor(column, 1)
            # All as wide as each other, whatever their titles.
            self.ci.layout.setColumnPreferredWidth(column, _LOWEST)
        self.ci.layout.activate()
        if not self._sheet_columns:
            self.setMinimumHeight(_HEIGHT if self._shown else 0)
            tallest = _TALLEST * -(-len(self._shown) // columns)
            self.setMaximumHeight(tallest if self._room is None else max(_HEIGHT, min(tallest, self._room)))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """A row of plots as high as it should be, as often as all plots need it."""
        _, columns = self._grid
        return QSize(_NARROWEST, _HEIGHT * -(-len(self._shown) // max(columns, 1)))

    def _add(self, plot: Plot, place: tuple[int, int]) -> Any:
        look = self._look
        drawn = self.addPlot(*place)
        named = ", ".join(f'<span style="color: {colour(n)}">{name}</span>' for n, name in enumerate(plot.names))
        look.put_on(drawn, f"{plot.title}: {named}" if named else plot.title)
        # Sizes of their own: the layout would learn too late how large numbers and words are.
        highest = max((float(np.max(np.abs(y), initial=0.0)) for _, y in plot.curves), default=0.0)
        drawn.getAxis("left").setWidth((2 + max(3, 0.8 * len(f"{highest:.0f}"))) * look.points)
        drawn.getAxis("bottom").setHeight(4 * look.points)
        drawn.setLabel("bottom", plot.below, **{"color": look.ink, "font-size": f"{look.points}pt"})
        drawn.showGrid(x=True, y=True, alpha=0.2)
        for number, (x, y) in enumerate(plot.curves):
            drawn.plot(x, y, pen=pen(number, look))
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
        held, buffer = written_into()
        sheet = self._sheet()
        sheet.grab().toImage().save(buffer, "PNG")
        sheet.close()
        sheet.deleteLater()
        return bytes(held.data())

    def as_svg(self) -> bytes:
        """The same as lines."""
        held, buffer = written_into()
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
        sheet._sheet_columns = across
        sheet.resize(_PICTURE[0] * across, _PICTURE[1] * -(-len(self._shown) // max(across, 1)))
        sheet.show_plots(self._shown, REPORT)
        sheet.show()
        sheet.ci.layout.activate()
        return sheet


def written_into() -> tuple[QByteArray, QBuffer]:
    """Bytes in memory, and what writes to them."""
    held = QByteArray()
    buffer = QBuffer(held)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    return held, buffer
