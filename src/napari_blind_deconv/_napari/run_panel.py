"""Run, Cancel, and what is going on."""

import time
from typing import Final

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_blind_deconv._napari.kernel_picture import kernel_picture
from napari_blind_deconv._napari.run import progress_in_words
from napari_blind_deconv._types import Progress

_PICTURE_HEIGHT: Final = 88
RUN_STYLE: Final = """
QPushButton:enabled { background: #3d6fd9; color: white; font-weight: bold; }
QPushButton:enabled:hover { background: #4f82ee; }
"""
"""Of the button that starts the work."""


class RunPanel(QWidget):
    """Buttons, progress bar, status line and a picture of the PSF; it knows no settings and no layer."""

    run_clicked = Signal()
    cancel_clicked = Signal()
    copy_clicked = Signal()
    metrics_clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.run = QPushButton("Run")
        self.run.setStyleSheet(RUN_STYLE)
        self.cancel = QPushButton("Cancel")
        self.copy = QPushButton("Copy as command")
        self.copy.setToolTip("Copy these settings as one line for a terminal, to run them on many files")
        self.metrics = QPushButton("Is it right? Metrics")
        self.metrics.setToolTip("Open the metrics: figures with a reference, and what can be said without one")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(10)
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.picture = QLabel()
        self.picture.setVisible(False)
        self._started = 0.0
        self._arrange()
        self.run.clicked.connect(self.run_clicked)
        self.cancel.clicked.connect(self.cancel_clicked)
        self.copy.clicked.connect(self.copy_clicked)
        self.metrics.clicked.connect(self.metrics_clicked)
        self.show_idle()

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 2)
        buttons.addWidget(self.cancel, 1)
        column.addLayout(buttons)
        column.addWidget(self.bar)
        column.addWidget(self.status)
        column.addWidget(self.picture)
        more = QHBoxLayout()
        more.addWidget(self.metrics)
        more.addWidget(self.copy)
        column.addLayout(more)

    def show_idle(self) -> None:
        """Nothing runs."""
        self.run.setEnabled(True)
        self.cancel.setEnabled(False)
        self.cancel.setText("Cancel")
        self.bar.setRange(0, 1)
        self.bar.setValue(0)

    def show_running(self) -> None:
        """A run has begun."""
        self._started = time.monotonic()
        self.run.setEnabled(False)
        self.cancel.setEnabled(True)
        self.bar.setRange(0, 0)
        self.picture.setVisible(False)
        self.say("Starting …")

    def show_cancelling(self) -> None:
        """A run has been asked to stop and has not stopped yet."""
        self.cancel.setEnabled(False)
        self.cancel.setText("Cancelling…")
        self.say("Cancelling: the current step is finished first …")

    def show_progress(self, progress: Progress) -> None:
        """A step has been done."""
        self.bar.setRange(0, max(progress.total, 0))
        self.bar.setValue(progress.step)
        self.say(progress_in_words(progress, time.monotonic() - self._started))
        if progress.kernel is not None:
            self.show_kernel(progress.kernel)

    def show_kernel(self, kernel: object) -> None:
        """The PSF, enlarged; a volume from above and from the side."""
        colours = kernel_picture(kernel, _PICTURE_HEIGHT)
        height, width = colours.shape[:2]
        image = QImage(colours.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888)
        self.picture.setPixmap(QPixmap.fromImage(image))
        self.picture.setToolTip("The PSF, enlarged" + ("; right: seen from the side" if width > height else ""))
        self.picture.setVisible(True)

    def say(self, sentence: str, *, alarm: bool = False) -> None:
        """Show a sentence; an alarm is one that asks for something to be changed."""
        self.status.setText(sentence)
        self.status.setStyleSheet("color: #ff9d7a; font-weight: bold;" if alarm else "")
