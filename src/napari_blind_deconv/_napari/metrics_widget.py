"""The dock of the metrics: whether a result is right, and how one would know."""

from typing import Any, Final
from weakref import WeakSet

import numpy as np
from napari.layers import Image
from napari.qt.threading import create_worker
from napari.utils.theme import get_theme
from napari.viewer import Viewer
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QApplication, QBoxLayout, QFrame, QPushButton, QScrollArea, QWidget

from napari_blind_deconv._napari.docked import Docked
from napari_blind_deconv._napari.figure_table import FigureTable
from napari_blind_deconv._napari.figures import Figure, Inputs, as_text, doubts, figures, without_colours
from napari_blind_deconv._napari.form_rows import form_layout
from napari_blind_deconv._napari.layer_choice import LayerChoice, unwrapped
from napari_blind_deconv._napari.layers import PLUGIN, pixels, role_of
from napari_blind_deconv._napari.live import PREVIEW
from napari_blind_deconv._napari.psf_arrays import psfs_of
from napari_blind_deconv._napari.psf_plots import Look

_SETTLE_MS: Final = 150
_NONE: Final = "none"
_COLUMN_WIDTH: Final = 330
_WIDE: Final = 3
_ROLES: Final = ("restored", "psf", "truth", "true PSF")
_LABELS: Final = ("Restored image", "PSF", "True image", "True PSF")


class MetricsWidget(Docked):
    """A table of figures about a restored image and its PSF, kept up to date.

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
        self.rows: list[Figure] = []
        self.choices = {role: LayerChoice(viewer, _NONE, lambda layer: role_of(layer) != PREVIEW) for role in _ROLES}
        self.table = FigureTable()
        self.copy = QPushButton("Copy table")
        self.copy.setToolTip("Copy the table, for a spreadsheet")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._arrange()
        self._timer.timeout.connect(self._compute)
        self.copy.clicked.connect(self._copy)
        for choice in self.choices.values():
            choice.changed.connect(self.refresh)
        viewer.events.theme.connect(self._dress)
        viewer.layers.events.inserted.connect(self._look_for_results)
        viewer.layers.events.renamed.connect(self._look_for_results)
        self._dress()
        self._look_for_results()
        self.refresh()

    def _arrange(self) -> None:
        self._chooser = QWidget()
        rows = form_layout(self._chooser)
        for label, choice in zip(_LABELS, self.choices.values(), strict=True):
            rows.addRow(label, choice)
        rows.addRow("", self.copy)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.table)
        self._layout = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._layout.setContentsMargins(4, 4, 4, 4)
        self._layout.addWidget(self._chooser)
        self._layout.addWidget(scroll, 1)
        self.setMinimumWidth(_COLUMN_WIDTH)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a wide dock the choices stand beside the table, and the table has several columns."""
        super().resizeEvent(event)
        columns = event.size().width() // _COLUMN_WIDTH
        wide = columns >= _WIDE
        self._layout.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
        self._chooser.setMinimumWidth(_COLUMN_WIDTH if wide else 0)
        self.table.set_columns(columns - 1 if wide else 1)

    def _dress(self, event: Any = None) -> None:
        theme = get_theme(self._viewer.theme)
        self.table.set_look(Look(theme.background.as_hex(), theme.text.as_hex()))

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
        self._worker = create_worker(_figures, self.inputs(), _start_thread=False)
        self._worker.returned.connect(self._show)
        self._worker.finished.connect(self._finished)
        self._worker.start()

    def _show(self, found: tuple[list[Figure], list[str]]) -> None:
        self.rows, warnings = found
        self.table.show_figures(self.rows, warnings)

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
            if role_of(layer) in _ROLES and layer not in self._adopted:
                self._adopted.add(layer)
                self._adopt(layer, role_of(layer))

    def _adopt(self, layer: Image, role: str) -> None:
        """Choose a new result, and the references that came with its source."""
        self.choices[role].refresh()
        self.choices[role].set_value(layer)
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

    def close_down(self) -> None:
        """Listen to the viewer no longer."""
        self._timer.stop()
        self._watch([])
        self._viewer.events.theme.disconnect(self._dress)
        self._viewer.layers.events.inserted.disconnect(self._look_for_results)
        self._viewer.layers.events.renamed.disconnect(self._look_for_results)
        for choice in self.choices.values():
            choice.release()


def _figures(inputs: Inputs) -> tuple[list[Figure], list[str]]:
    return figures(inputs), doubts(inputs)


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
