"""The noise of an image as two small curves: its power over frequency, and its variance over the light."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from qtpy.QtWidgets import QSizePolicy

from napari_blind_deconv._napari.psf_plots import Look, pen

_HEIGHT: Final = 128
_WIDEST: Final = 300
_NYQUIST: Final = 0.5


class NoisePlots(pg.GraphicsLayoutWidget):
    """Curves of one or several noises, as the report of a run describes them.

    Parameters
    ----------
    noises
        One per channel, in the channels' colours and dashes.
    look
        Colours of the window.
    """

    def __init__(self, noises: Sequence[Mapping[str, Any]], look: Look) -> None:
        super().__init__()
        self.setBackground(look.paper)
        self.ci.layout.setContentsMargins(0, 4, 0, 0)
        self.ci.layout.setHorizontalSpacing(8)
        self._look = look
        self.plots: dict[str, Any] = {}
        self._add("power", [noise["curve"] for noise in noises])
        if any(noise.get("growth") for noise in noises):
            self._add("variance", [noise.get("growth") for noise in noises])
        self.setFixedHeight(_HEIGHT)
        self.setMaximumWidth(_WIDEST * len(self.plots))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _add(self, name: str, curves: Sequence[Sequence[Sequence[float]] | None]) -> None:
        look, power = self._look, name == "power"
        plot = self.plots[name] = self.addPlot()
        title = "Noise power" if power else "Noise variance"
        plot.setTitle(title, color=look.ink, size=f"{look.points}pt")
        for side in ("bottom", "left"):
            axis = plot.getAxis(side)
            axis.setPen(look.ink)
            axis.setTextPen(look.ink)
            axis.enableAutoSIPrefix(False)
            axis.setTickFont(look.font)
        plot.getAxis("left").setWidth(5 * look.points)
        label = {"color": look.ink, "font-size": f"{look.points}pt"}
        plot.setLabel("bottom", "cycles/px" if power else "intensity", **label)
        plot.showGrid(x=True, y=True, alpha=0.2)
        highest = 0.0
        for number, curve in enumerate(curves):
            if curve:
                x, y = np.asarray(curve, float).T
                plot.plot(x, y, pen=pen(number, look))
                highest = max(highest, float(y.max()))
        # From zero, so that white noise is a level line and not a magnified nothing.
        plot.setYRange(0, 1.15 * highest or 1.0, padding=0)
        if power:
            plot.setXRange(0, _NYQUIST, padding=0)
        plot.setMouseEnabled(x=False, y=False)
        plot.hideButtons()
        plot.setMenuEnabled(False)
