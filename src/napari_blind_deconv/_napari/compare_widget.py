"""The dock "Compare PSFs": PSF layers side by side, as a table and as a figure."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from napari.layers import Image
from napari.utils.theme import get_theme
from napari.viewer import Viewer
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QApplication, QBoxLayout, QFileDialog, QFrame, QScrollArea, QVBoxLayout, QWidget

from napari_blind_deconv._napari.compare_panel import ComparePanel
from napari_blind_deconv._napari.docked import Docked
from napari_blind_deconv._napari.psf_arrays import NamedPsf, psfs_of
from napari_blind_deconv._napari.psf_lines import as_csv, as_text
from napari_blind_deconv._napari.psf_plots import Curve, Look, PsfPlots
from napari_blind_deconv._napari.psf_table_view import PsfTableView
from napari_blind_deconv._napari.run_plots import written_into
from napari_blind_deconv._napari.saving import not_saved, saved
from napari_blind_deconv._napari.workers import calling
from napari_blind_deconv._types import InputError
from napari_blind_deconv.metrics import PsfTable, compare_psfs, psf_profiles

_SETTLE_MS: Final = 150
_WIDE: Final = 900
_PANEL_WIDTH: Final = 250
_ANY: Final = 16_777_215
_PLOT_HEIGHT: Final = 560
_PICTURE: Final = (1800, 1300)


@dataclass(frozen=True)
class Comparison:
    """What is compared: PSFs, which of them is the reference, and an ideal PSF for the Strehl ratio."""

    psfs: tuple[NamedPsf, ...]
    reference: int = 0
    ideal: NamedPsf | None = None


@dataclass(frozen=True)
class Compared:
    """A table and its curves, or the sentence that says why there are none."""

    table: PsfTable | None = None
    curves: tuple[Curve, ...] = ()
    refusal: str = ""


class CompareWidget(Docked):
    """PSF layers of one viewer, compared with one of them; kept up to date.

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
        self.found = Compared()
        self.panel = ComparePanel(viewer)
        self.view = PsfTableView()
        self.plots = PsfPlots()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._arrange()
        self._timer.timeout.connect(self._compute)
        self.panel.changed.connect(self.refresh)
        self.panel.restyled.connect(self._draw)
        self.panel.copy_clicked.connect(self._copy)
        self.panel.table_clicked.connect(self._ask_for_table)
        self.panel.figure_clicked.connect(self._ask_for_figure)
        viewer.events.theme.connect(self._draw)
        self.refresh()

    def _arrange(self) -> None:
        body = QWidget()
        self._body = QBoxLayout(QBoxLayout.Direction.TopToBottom, body)
        self._body.setContentsMargins(0, 0, 0, 0)
        self._body.addWidget(self.view)
        self._body.addWidget(self.plots, 1)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(body)
        self._layout = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._layout.setContentsMargins(4, 4, 4, 4)
        left = QVBoxLayout()
        left.addWidget(self.panel)
        left.addStretch(0)
        self._layout.addLayout(left)
        self._layout.addWidget(self._scroll, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a wide dock choices, table and figure stand beside each other; in a narrow one below each other."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        wide = self.width() >= _WIDE
        direction = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        self._layout.setDirection(direction)
        self._body.setDirection(direction)
        self.panel.setMaximumWidth(_PANEL_WIDTH if wide else _ANY)
        table = min(self.view.sizeHint().width(), self.width() // 3)
        self.view.setMinimumWidth(table if wide else 0)
        self.view.setMaximumWidth(table if wide else _ANY)
        self.view.set_scrolling(scrolling=wide)
        self.plots.setMinimumHeight(0 if wide else _PLOT_HEIGHT)
        self.plots.set_wide(wide=wide)

    @property
    def is_settled(self) -> bool:
        """Whether table and figure show the layers as they are now."""
        return self._worker is None and not self._timer.isActive()

    def refresh(self) -> None:
        """Compare anew, once the layers have settled."""
        self._watch(self.panel.layers())
        self._timer.start()

    def comparison(self) -> Comparison:
        """What is chosen."""
        psfs = [psf for layer in self.panel.psfs.chosen() for psf in psfs_of(layer)]
        self.panel.offer_references([psf.name for psf in psfs])
        ideal = self.panel.ideal.value()
        return Comparison(tuple(psfs), self.panel.reference(), None if ideal is None else psfs_of(ideal)[0])

    def _compute(self) -> None:
        if self._worker is not None:
            self._stale = True
            return
        self._worker = calling(compared, self.comparison())
        self._worker.returned.connect(self._show)
        self._worker.finished.connect(self._finished)
        self._worker.start()

    def _show(self, found: Compared) -> None:
        self.found = found
        self.view.show_table(found.table)
        self._fit()
        self.panel.show_found(found.table, found.refusal)
        self._draw()

    def _draw(self, event: Any = None) -> None:
        theme = get_theme(self._viewer.theme)
        look = Look(theme.background.as_hex(), theme.text.as_hex())
        self.plots.setVisible(bool(self.found.curves))
        self.plots.show_curves(self.found.curves, look, log=self.panel.log.isChecked())

    def _finished(self) -> None:
        self._worker = None
        if self._stale:
            self._stale = False
            self._timer.start()
        else:
            self.updated.emit()

    def _watch(self, layers: list[Image]) -> None:
        for layer in self._watched:
            layer.events.data.disconnect(self._layer_changed)
            layer.events.scale.disconnect(self._layer_changed)
        self._watched = list({id(layer): layer for layer in layers}.values())
        for layer in self._watched:
            layer.events.data.connect(self._layer_changed)
            layer.events.scale.connect(self._layer_changed)

    def _layer_changed(self, event: Any = None) -> None:
        self._timer.start()

    def _copy(self) -> None:
        if self.found.table is not None:
            QApplication.clipboard().setText(as_text(self.found.table))

    def _ask_for_table(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the table", "psfs.csv", "Table (*.csv)")
        if path:
            self.save_table(Path(path))

    def _ask_for_figure(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the figure", "psfs.png", "Picture (*.png)")
        if path:
            self.save_figure(Path(path))

    def save_table(self, path: Path) -> None:
        """Write the table, one row per PSF; what goes wrong is said in the dock."""
        if self.found.table is None:
            return
        # With the mark by which spreadsheets know UTF-8.
        self._save(path.with_suffix(path.suffix or ".csv"), as_csv(self.found.table).encode("utf-8-sig"))

    def save_figure(self, path: Path) -> None:
        """Write the figure, black on white; what goes wrong is said in the dock."""
        path = path.with_suffix(path.suffix or ".png")
        held, buffer = written_into()
        if self.plots.picture(*_PICTURE).save(buffer, path.suffix[1:]):
            self._save(path, bytes(held.data()))
        else:
            self.panel.say(f"Not saved: pictures cannot end in “{path.suffix}”; let the name end in .png.", alarm=True)

    def _save(self, path: Path, content: bytes) -> None:
        try:
            self.panel.say(saved(path, content))
        except InputError as error:
            self.panel.say(not_saved(error), alarm=True)

    def close_down(self) -> None:
        """Listen to the viewer no longer."""
        self._timer.stop()
        self._watch([])
        self._viewer.events.theme.disconnect(self._draw)
        self.panel.release()


def compared(comparison: Comparison) -> Compared:
    """The table and the curves of a comparison."""
    if not comparison.psfs:
        return Compared(refusal="Tick the PSFs to compare.")
    try:
        taps = [psf.load() for psf in comparison.psfs]
        lengths = [psf.voxel_size_um for psf in comparison.psfs]
        table = compare_psfs(
            taps,
            [psf.name for psf in comparison.psfs],
            lengths,
            reference=comparison.reference,
            ideal=None if comparison.ideal is None else comparison.ideal.load(),
        )
        sizes = [row.figures.voxel_size_um for row in table.rows]
        curves = [
            Curve(psf.name, psf_profiles(k.reshape(row.figures.size), size))
            for psf, k, row, size in zip(comparison.psfs, taps, table.rows, sizes, strict=True)
        ]
    except InputError as error:
        return Compared(refusal=str(error))
    return Compared(table, tuple(curves))
