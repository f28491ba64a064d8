"""The dock of the metrics: whether a result is right, and how one would know."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

import numpy as np
from napari.layers import Image
from napari.utils.theme import get_theme
from napari.viewer import Viewer
from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QApplication, QBoxLayout, QFileDialog, QWidget

from napari_blind_deconv._napari.canvas_context import CanvasGuard
from napari_blind_deconv._napari.docked import Docked
from napari_blind_deconv._napari.figure_table import FigureTable
from napari_blind_deconv._napari.figures import Figure, Inputs, as_csv, as_text, doubts, figures, without_colours
from napari_blind_deconv._napari.layer_choice import unwrapped
from napari_blind_deconv._napari.layers import PLUGIN, pixels, role_of
from napari_blind_deconv._napari.metrics_panel import LABELS, MetricsPanel
from napari_blind_deconv._napari.psf_arrays import psfs_of
from napari_blind_deconv._napari.psf_plots import Look
from napari_blind_deconv._napari.run_curves import curves_of
from napari_blind_deconv._napari.run_plots import RunPlots, of_course, of_noise, of_psf
from napari_blind_deconv._napari.saving import not_saved, saved
from napari_blind_deconv._napari.workers import calling
from napari_blind_deconv._types import InputError
from napari_blind_deconv.metrics import PsfProfiles, psf_profiles

_SETTLE_MS: Final = 150
_DRAWN_MS: Final = 200
_COLUMN_WIDTH: Final = 310
_WIDE: Final = 3
_SVG: Final = ".svg"


@dataclass(frozen=True)
class Measured:
    """What is shown of the chosen layers."""

    rows: list[Figure]
    doubts: list[str]
    profiles: PsfProfiles | None = None
    noises: tuple[Any, ...] = ()


class MetricsWidget(Docked):
    """What speaks against a result, how wide its PSF is, and figures about both, kept up to date.

    Parameters
    ----------
    viewer
        The viewer that the widget is docked in, and the only one it knows.
    """

    updated = Signal()

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._viewer = viewer
        self._worker: Any = None
        self._stale = False
        self._watched: list[Image] = []
        self._adopted: WeakSet[Image] = WeakSet()
        self._guard = CanvasGuard(viewer, self)
        self._curves, self._listening = curves_of(viewer), True
        self.found = Measured([], [])
        self.panel = MetricsPanel(viewer)
        self.choices, self.copy = self.panel.choices, self.panel.copy
        self.table, self.plots = FigureTable(), RunPlots()
        self._timer, self._drawing = _timer(self, _SETTLE_MS), _timer(self, _DRAWN_MS)
        self._arrange()
        self._timer.timeout.connect(self._compute)
        self._drawing.timeout.connect(self._draw)
        self.panel.copy.clicked.connect(self._copy)
        self.panel.save_table.clicked.connect(self._ask_for_table)
        self.panel.save_figure.clicked.connect(self._ask_for_figure)
        for choice in self.choices.values():
            choice.changed.connect(self.refresh)
        self._curves.changed.connect(self._curves_changed)
        viewer.events.theme.connect(self._dress)
        viewer.layers.events.inserted.connect(self._look_for_results)
        viewer.layers.events.renamed.connect(self._look_for_results)
        self._dress()
        self._look_for_results()
        self.refresh()

    def _arrange(self) -> None:
        self._layout = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._layout.setContentsMargins(4, 4, 4, 4)
        self._layout.addWidget(self.panel)
        self._layout.addWidget(self.table, 1)
        self._layout.addWidget(self.plots)
        self.setMinimumWidth(_COLUMN_WIDTH)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a wide dock choices, text and curves stand beside each other, and the text has several columns."""
        super().resizeEvent(event)
        columns = event.size().width() // _COLUMN_WIDTH
        wide = columns >= _WIDE
        self._layout.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
        self.panel.set_wide(_COLUMN_WIDTH if wide else None)
        self.plots.set_wide(event.size().width() // 3 if wide else None)
        self.plots.set_room(None if wide else event.size().height() * 2 // 5)
        self.table.set_columns(max(1, columns - 2) if wide else 1)

    @property
    def rows(self) -> list[Figure]:
        """The figures that are shown."""
        return self.found.rows

    def _dress(self, event: Any = None) -> None:
        theme = get_theme(self._viewer.theme)
        self._look = Look(theme.background.as_hex(), theme.text.as_hex())
        self.table.set_look(self._look)
        self._draw()

    def _curves_changed(self) -> None:
        if not self._drawing.isActive():
            self._drawing.start()

    def _draw(self) -> None:
        plots = [*of_course(self._curves.curves), *of_psf(self.found.profiles), *of_noise(self.found.noises)]
        self.plots.show_plots(plots, self._look)
        self.panel.save_figure.setEnabled(bool(plots))

    def refresh(self) -> None:
        """Compute the table anew, once the layers have settled."""
        self._watch([layer for choice in self.choices.values() if (layer := choice.value()) is not None])
        self._timer.start()

    @property
    def is_settled(self) -> bool:
        """Whether the table shows the layers as they are now."""
        return self._worker is None and not self._timer.isActive()

    def inputs(self) -> Inputs:
        """The arrays of the chosen layers, in memory."""
        restored, psf, truth, true_psf = (choice.value() for choice in self.choices.values())
        notes = _notes(restored) or _notes(psf)
        blurred = self._named(notes.get("source")) if _notes(restored) else None
        return Inputs(
            restored=_image(restored),
            blurred=_image(blurred),
            truth=_image(truth),
            kernel=_taps(psf),
            true_kernel=_taps(true_psf),
            voxel_size_um=None if psf is None else psfs_of(psf)[0].voxel_size_um,
            report=notes.get("report", {}),
        )

    def _compute(self) -> None:
        if self._worker is not None:
            self._stale = True
            return
        self._worker = calling(measured, self.inputs())
        self._worker.returned.connect(self._show)
        self._worker.finished.connect(self._finished)
        self._worker.start()

    def _show(self, found: Measured) -> None:
        self.found = found
        self.table.show_figures(found.rows, found.doubts)
        for button in (self.panel.copy, self.panel.save_table):
            button.setEnabled(bool(found.rows))
        self._draw()

    def _finished(self) -> None:
        self._worker = None
        if self._stale:
            self._stale = False
            self._timer.start()
        else:
            self.updated.emit()

    def _look_for_results(self, event: Any = None) -> None:
        """Choose what has come or has become a result since the last look; a preview becomes one by its name."""
        for layer in [unwrapped(layer) for layer in self._viewer.layers]:
            if role_of(layer) in LABELS and layer not in self._adopted:
                self._adopted.add(layer)
                self._adopt(layer, role_of(layer))

    def _adopt(self, layer: Image, role: str) -> None:
        """Choose a new result, and the references that came with its source."""
        self.choices[role].refresh()
        self.choices[role].set_value(layer)
        self.panel.unfold_for(role)
        if role == "restored":
            for reference in ("truth", "true PSF"):
                self._match(reference, _notes(layer).get("source"))

    def _match(self, role: str, source: Any) -> None:
        """Choose the reference of a source; one that belongs to another source is given up."""
        choice = self.choices[role]
        fitting = [other for other in choice.layers() if role_of(other) == role and _notes(other)["source"] == source]
        chosen = choice.value()
        if fitting:
            choice.set_value(fitting[0])
        elif chosen is not None and role_of(chosen) == role:
            choice.set_value(None)

    def _named(self, name: Any) -> Image | None:
        found = [unwrapped(layer) for layer in self._viewer.layers if layer.name == name]
        return found[0] if found and isinstance(found[0], Image) else None

    def _watch(self, layers: list[Image]) -> None:
        for layer in self._watched:
            layer.events.data.disconnect(self._data_changed)
        self._watched = list({id(layer): layer for layer in layers}.values())
        for layer in self._watched:
            layer.events.data.connect(self._data_changed)

    def _data_changed(self, event: Any = None) -> None:
        self._timer.start()

    def _copy(self) -> None:
        QApplication.clipboard().setText(as_text(self.rows))

    def _ask_for_table(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the table", "metrics.csv", "Table (*.csv)")
        if path:
            self.save_table(Path(path))

    def _ask_for_figure(self) -> None:
        kinds = "Picture (*.png);;Drawing (*.svg)"
        path, kind = QFileDialog.getSaveFileName(self, "Save the figure", "metrics.png", kinds)
        if path:
            drawn = Path(path).suffix.lower() == _SVG or (not Path(path).suffix and _SVG in kind)
            self.save_figure(Path(path).with_suffix(Path(path).suffix or (_SVG if drawn else ".png")))

    def save_table(self, path: Path) -> None:
        """Write doubts and figures as CSV; what goes wrong is said in the dock."""
        # With the mark by which spreadsheets know UTF-8.
        content = as_csv(self.found.rows, self.found.doubts).encode("utf-8-sig")
        self._save(path.with_suffix(path.suffix or ".csv"), content)

    def save_figure(self, path: Path) -> None:
        """Write the curves black on white, as lines where the file ends in svg; what goes wrong is said in the dock."""
        self._save(path, self.plots.as_svg() if path.suffix.lower() == _SVG else self.plots.as_png())

    def _save(self, path: Path, content: bytes) -> None:
        try:
            self.panel.say(saved(path, content))
        except InputError as error:
            self.panel.say(not_saved(error), alarm=True)

    def close_down(self) -> None:
        """Listen to the viewer no longer."""
        self._timer.stop()
        self._drawing.stop()
        self._watch([])
        if self._listening:
            # A second call, at the end of a program, finds nothing connected any more, which Qt does not forgive.
            self._curves.changed.disconnect(self._curves_changed)
            self._listening = False
        self._viewer.events.theme.disconnect(self._dress)
        self._viewer.layers.events.inserted.disconnect(self._look_for_results)
        self._viewer.layers.events.renamed.disconnect(self._look_for_results)
        self.panel.release()
        self._guard.release()


def measured(inputs: Inputs) -> Measured:
    """All that is said of some layers."""
    profiles = None
    with suppress(InputError):
        # What is no PSF says so among the figures.
        profiles = None if inputs.kernel is None else psf_profiles(inputs.kernel, inputs.voxel_size_um)
    found = inputs.report.get("noise") or ()
    noises = tuple(found) if isinstance(found, list) else (found,) if found else ()
    return Measured(figures(inputs), doubts(inputs), profiles, noises)


def _timer(parent: QWidget, interval_ms: int) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(interval_ms)
    return timer


def _notes(layer: Image | None) -> dict[str, Any]:
    found = {} if layer is None else layer.metadata.get(PLUGIN, {})
    return found if isinstance(found, dict) else {}


def _image(layer: Image | None) -> Any:
    if layer is None:
        return None
    data = np.asarray(pixels(layer))
    return without_colours(data) if layer.rgb else data


def _taps(layer: Image | None) -> Any:
    """The PSF's spatial axes; of several channels the first."""
    return None if layer is None else np.asarray(psfs_of(layer)[0].taps)
