"""PSFs as a figure: curves over radius, depth and frequency, and their sections side by side at one scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QFont, QImage

from napari_blind_deconv._napari.psf_sections import draw_sections
from napari_blind_deconv._napari.tones import ALARM, INKS, QUIET
from napari_blind_deconv.metrics import PsfProfiles

# Okabe and Ito's colours, told apart by people who see fewer; lines differ in their dashes as well.
_COLOURS: Final = ("#3f9fdc", "#dd9300", "#009e73", "#c76a9e", "#d55e00", "#7f7fe0", "#a89800")
_DASHES: Final = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DashDotDotLine,
)
_FLOOR: Final = 1e-4
_PER_ROW: Final = 2
_TITLES: Final = MappingProxyType(
    {
        "radial": ("Radial profile", "radius"),
        "axial": ("Profile along z", "z"),
        "mtf": ("Transfer function", "frequency"),
        "axial_mtf": ("Transfer function along z", "frequency"),
    }
)


@dataclass(frozen=True)
class Look:
    """Colours of paper and ink, and the size of the letters: those of the window, or black on white for a report."""

    paper: str
    ink: str
    points: float = 8.0

    @property
    def font(self) -> QFont:
        """For numbers and names."""
        font = QFont()
        font.setPointSizeF(self.points)
        return font

    def put_on(self, plot: Any, title: str) -> None:
        """Give a plot its title, and its axes their ink and letters."""
        plot.setTitle(title, color=self.ink, size=f"{self.points}pt")
        for side in ("bottom", "left"):
            axis = plot.getAxis(side)
            axis.setPen(self.ink)
            axis.setTextPen(self.ink)
            axis.enableAutoSIPrefix(False)
            axis.setTickFont(self.font)

    @property
    def quiet(self) -> str:
        """Ink of explanations."""
        return self._inks[QUIET]

    @property
    def alarm(self) -> str:
        """Ink of what asks for attention."""
        return self._inks[ALARM]

    @property
    def _inks(self) -> Mapping[str, str]:
        return INKS["dark" if QColor(self.paper).lightness() < 128 else "light"]


REPORT: Final = Look("#ffffff", "#202020", 15.0)
"""For a picture of 1800 x 1300 pixels."""


@dataclass(frozen=True)
class Curve:
    """One PSF in a figure: its name, and what is drawn of it."""

    name: str
    profiles: PsfProfiles


def colour(number: int) -> str:
    """The colour of the PSF of this number."""
    return _COLOURS[number % len(_COLOURS)]


class PsfPlots(pg.GraphicsLayoutWidget):
    """Curves of several PSFs, and their sections below or, where there is width, beside them."""

    def __init__(self) -> None:
        super().__init__()
        self._curves: Sequence[Curve] = ()
        self._look = REPORT
        self._log = False
        self._wide = False
        self.plots: dict[str, Any] = {}

    def show_curves(self, curves: Sequence[Curve], look: Look, *, log: bool = False) -> None:
        """Draw the figure anew."""
        self._curves, self._look, self._log = curves, look, log
        self._draw()

    def set_wide(self, wide: bool) -> None:
        """Lay the figure out for a wide or for a tall place."""
        if wide != self._wide:
            self._wide = wide
            self._draw()

    def picture(self, width: int, height: int) -> QImage:
        """The figure black on white, for a report, in pixels."""
        sheet = PsfPlots()
        sheet.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        sheet.resize(width, height)
        sheet.show()
        sheet.set_wide(wide=True)
        sheet.show_curves(self._curves, REPORT, log=self._log)
        sheet.ci.layout.activate()
        image = sheet.grab().toImage()
        sheet.close()
        return image

    def _draw(self) -> None:
        self.clear()
        self.plots = {}
        self.setBackground(self._look.paper)
        if not self._curves:
            return
        names = _plotted(self._curves)
        top = self.addLayout(row=0, col=0)
        columns = 1 if self._wide and len(names) <= _PER_ROW else _PER_ROW
        for number, name in enumerate(names):
            self.plots[name] = self._curve_plot(top, divmod(number, columns), name)
        self._legend(top, len(names) // columns + 1, columns)
        below = (0, 1) if self._wide else (1, 0)
        self.plots["sections"] = sections = self.addViewBox(
            *below, lockAspect=True, enableMouse=False, enableMenu=False
        )
        draw_sections(
            sections,
            [curve.profiles for curve in self._curves],
            [(curve.name, colour(number)) for number, curve in enumerate(self._curves)],
            self._look.ink,
            self._look.font,
        )
        if self._wide:
            self.ci.layout.setColumnStretchFactor(0, 3)
            self.ci.layout.setColumnStretchFactor(1, 2)

    def _curve_plot(self, layout: Any, place: tuple[int, int], name: str) -> Any:
        look = self._look
        plot = layout.addPlot(*place)
        title, across = _TITLES[name]
        logarithmic = self._log and name in {"radial", "axial"}
        look.put_on(plot, title)
        # A width of its own: the layout would learn too late how long the numbers are.
        plot.getAxis("left").setWidth(4.5 * look.points)
        label = {"color": look.ink, "font-size": f"{look.points}pt"}
        plot.setLabel("bottom", f"{across} ({self._unit('frequency' in across)})", **label)
        plot.showGrid(x=True, y=True, alpha=0.2)
        plot.setLogMode(x=False, y=logarithmic)
        for number, curve in enumerate(self._curves):
            x, y = _points(curve.profiles, name)
            if x is not None and y is not None:
                shown = np.maximum(y, _FLOOR) if logarithmic else y
                plot.plot(x, shown, pen=pen(number, look), name=_shortened(curve.name))
        plot.setMouseEnabled(x=False, y=False)
        plot.hideButtons()
        plot.setMenuEnabled(False)
        return plot

    def _unit(self, frequency: bool) -> str:
        units = {curve.profiles.unit for curve in self._curves}
        unit = "µm or px" if len(units) > 1 else units.pop()
        return f"cycles/{unit}" if frequency else unit

    def _legend(self, layout: Any, row: int, columns: int) -> None:
        look = self._look
        legend = pg.LegendItem(
            colCount=2, horSpacing=20, verSpacing=-2, labelTextColor=look.ink, labelTextSize=f"{look.points}pt"
        )
        for item in self.plots["radial"].listDataItems():
            legend.addItem(item, item.name())
        layout.addItem(legend, row, 0, 1, columns)
        # The layout would make it as tall as a plot.
        legend.setMaximumHeight(legend.minimumHeight())


def _plotted(curves: Sequence[Curve]) -> list[str]:
    """Which curves are drawn: those along z only for volumes."""
    volumes = any(curve.profiles.axial is not None for curve in curves)
    return list(_TITLES) if volumes else ["radial", "mtf"]


def _points(profiles: PsfProfiles, name: str) -> tuple[Any, Any]:
    return {
        "radial": (profiles.radius, profiles.radial),
        "axial": (profiles.axial_position, profiles.axial),
        "mtf": (profiles.frequency, profiles.mtf),
        "axial_mtf": (profiles.axial_frequency, profiles.axial_mtf),
    }[name]


def pen(number: int, look: Look) -> Any:
    """Colour and dashes of the curve of this number."""
    return pg.mkPen(colour(number), width=look.points / 4, style=_DASHES[number % len(_DASHES)])


def _shortened(name: str, most: int = 26) -> str:
    half = most // 2
    return name if len(name) <= most else f"{name[:half]}…{name[-half:]}"
