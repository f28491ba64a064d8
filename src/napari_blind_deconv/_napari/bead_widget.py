"""The dock "PSF from beads": a stack of beads in, a measured PSF out, to compare or to deconvolve with."""

from dataclasses import dataclass
from typing import Any

from napari.viewer import Viewer
from qtpy.QtCore import Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_blind_deconv._napari.bead_layers import bead_layer, in_words, psf_layer
from napari_blind_deconv._napari.docked import Docked
from napari_blind_deconv._napari.editors import FloatEditor, ListEditor
from napari_blind_deconv._napari.fitted_scroll import FittedScroll
from napari_blind_deconv._napari.form_rows import form_layout
from napari_blind_deconv._napari.input_panel import InputPanel
from napari_blind_deconv._napari.layers import Source
from napari_blind_deconv._napari.live import add_image
from napari_blind_deconv._napari.optional_editors import OptionalEditor
from napari_blind_deconv._napari.refusals import refusal_on_screen
from napari_blind_deconv._napari.run_panel import RUN_STYLE
from napari_blind_deconv._napari.status_text import StatusText
from napari_blind_deconv._napari.workers import calling
from napari_blind_deconv._types import InputError, whole
from napari_blind_deconv.beads import MeasuredPsf, measure_psf


@dataclass(frozen=True)
class BeadJob:
    """A stack of beads, and what is known of them."""

    source: Source
    kernel_size: tuple[int, ...] | None = None
    bead_diameter_um: float | None = None


class BeadWidget(Docked):
    """Measure a PSF from an image layer of beads.

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
        self.input = InputPanel(viewer)
        self.size = OptionalEditor(ListEditor("such as 15 or 9, 15, 15"))
        self.size.setToolTip("Odd numbers; automatic: as large as neighbours and borders allow")
        self.diameter = OptionalEditor(FloatEditor(0.001, 1000.0), "not known")
        self.diameter.inner.set_value(0.1)
        self.diameter.setToolTip("Beads that are not much smaller than the PSF widen it: then a warning says so")
        self.run = QPushButton("Measure the PSF")
        self.run.setStyleSheet(RUN_STYLE)
        self.status = StatusText()
        self._arrange()
        self.run.clicked.connect(self.measure)
        self.input.changed.connect(self._check)
        self.size.changed.connect(self._check)
        self._check()

    def _arrange(self) -> None:
        body, more = QWidget(), QWidget()
        rows = form_layout(more)
        rows.addRow("PSF size (px)", self.size)
        rows.addRow("Diameter of a bead (µm)", self.diameter)
        inner = QVBoxLayout(body)
        inner.setContentsMargins(4, 4, 4, 4)
        inner.addWidget(self.input)
        inner.addWidget(more)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addWidget(FittedScroll(body), 1)
        column.addWidget(self.run)
        column.addWidget(self.status)
        column.addStretch(0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let what was found take the height that the form leaves."""
        super().resizeEvent(event)
        self.status.set_room(event.size().height() // 2)

    @property
    def is_running(self) -> bool:
        """Whether beads are being measured."""
        return self._worker is not None

    def job(self) -> BeadJob:
        """What the button would do now.

        Raises
        ------
        InputError
            One sentence about the first thing that is wrong.
        """
        source = self.input.source()
        if source.planes or set(source.axes) - set("ZYX"):
            raise InputError(
                "beads are measured in one image or one volume; take the layer's other axes apart first (right-click "
                "on it in the layer list: Split Stack)"
            )
        size = self.size.value()
        if size is not None and not all(isinstance(n, int) for n in size):
            raise InputError(f"PSF size {size} must be odd whole numbers, one for all axes or one per axis")
        return BeadJob(source, None if size is None else tuple(size), self.diameter.value())

    def measure(self) -> None:
        """Find, align and average the beads in a thread; what is wrong already is said at once."""
        if self.is_running:
            return
        try:
            job = self.job()
        except InputError as error:
            self._say(refusal_on_screen(error), alarm=True)
            return
        self.run.setEnabled(False)
        self._say("Measuring …")
        self._worker = calling(measured, job)
        self._worker.returned.connect(self._show)
        self._worker.finished.connect(self._finished)
        self._worker.start()

    def _show(self, answer: tuple[BeadJob, MeasuredPsf | str]) -> None:
        job, found = answer
        if isinstance(found, str):
            self._say(found, alarm=True)
            return
        places, attributes, _ = bead_layer(job.source, found, f"{job.source.name} found")
        self._viewer.add_points(places, **attributes)
        data, attributes, _ = psf_layer(job.source, found, f"{job.source.name} measured PSF")
        self._viewer.layers.selection.active = add_image(self._viewer, data, attributes)
        self._say(in_words(found))

    def _finished(self) -> None:
        self._worker = None
        self.run.setEnabled(True)
        self.updated.emit()

    def _check(self) -> None:
        try:
            self.job()
        except InputError as error:
            self._say(refusal_on_screen(error), alarm=self.input.layer_choice.value() is not None)
        else:
            self._say("Ready.")

    def _say(self, sentence: str, *, alarm: bool = False) -> None:
        self.status.say(sentence, alarm=alarm)

    def close_down(self) -> None:
        """Listen to the viewer no longer."""
        self.input.release()


def measured(job: BeadJob) -> tuple[BeadJob, MeasuredPsf | str]:
    """A job with its PSF, or with the sentence that says why there is none."""
    try:
        return job, measure_psf(
            job.source.load(),
            kernel_size=job.kernel_size,
            voxel_size_um=whole(job.source.voxel_size_um),
            bead_diameter_um=job.bead_diameter_um,
        )
    except InputError as error:
        return job, refusal_on_screen(error)
