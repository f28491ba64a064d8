"""Run, Cancel, and what is going on."""

from typing import Final

from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_blind_deconv._napari.kernel_picture import kernel_picture
from napari_blind_deconv._napari.run import progress_in_words
from napari_blind_deconv._napari.run_queue import RunQueue
from napari_blind_deconv._napari.status_text import StatusText
from napari_blind_deconv._napari.tones import QUIET, set_tone
from napari_blind_deconv._types import Progress
from napari_blind_deconv.pipeline.time_left import TimeLeft

_PICTURE_HEIGHT: Final = 88
_MENTIONED_MS: Final = 8000
_CLOCK_MS: Final = 500
_BAR: Final = 1000
RUN_STYLE: Final = """
QPushButton:enabled { background: #3d6fd9; color: white; font-weight: bold; }
QPushButton:enabled:hover { background: #3363cc; }
"""
"""Of the button that starts the work."""


class RunPanel(QWidget):
    """Buttons, progress bar, status line and a picture of the PSF; it knows no settings and no layer."""

    run_clicked = Signal()
    trial_clicked = Signal()
    cancel_clicked = Signal()
    keep_clicked = Signal()
    time_passed = Signal()
    """Half a second of a run."""
    copy_clicked = Signal()
    metrics_clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.run = QPushButton("&Run")
        self.run.setStyleSheet(RUN_STYLE)
        self.trial = QPushButton("&Try on a region")
        self.trial.setToolTip("Run on a box of the image first, in seconds: the rectangle that is drawn, or a new one")
        self.cancel = QPushButton("Cancel")
        self.keep = QPushButton("Stop and keep")
        self.keep.setToolTip("Stop after the current step, and keep the image and the PSF as they are then")
        self.keep.setVisible(False)
        self.queue = RunQueue()
        self.copy = QPushButton("Copy as c&ommand")
        self.copy.setToolTip("Copy these settings as one line for a terminal, to run them on many files")
        self.metrics = QPushButton("Is it right? &Metrics")
        self.metrics.setToolTip("Open the metrics: figures with a reference, and what can be said without one")
        self.forecast = StatusText()
        self.forecast.setAccessibleName("What Run would do")
        self.mentioned = QLabel()
        self.mentioned.setVisible(False)
        set_tone(self.mentioned, QUIET)
        self._forgetting = QTimer(self)
        self._forgetting.setSingleShot(True)
        self._forgetting.setInterval(_MENTIONED_MS)
        self._forgetting.timeout.connect(self.mentioned.hide)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(10)
        self.status = StatusText()
        self.status.setAccessibleName("What is going on, and what was found")
        self.picture = QLabel()
        self.picture.setVisible(False)
        self._watch = TimeLeft()
        self._seen: Progress | None = None
        self._about = 0
        self._clock = QTimer(self)
        self._clock.setInterval(_CLOCK_MS)
        self._clock.timeout.connect(self._show_time)
        self._clock.timeout.connect(self.time_passed)
        self._arrange()
        self.run.clicked.connect(self.run_clicked)
        self.trial.clicked.connect(self.trial_clicked)
        self.cancel.clicked.connect(self.cancel_clicked)
        self.keep.clicked.connect(self.keep_clicked)
        self.copy.clicked.connect(self.copy_clicked)
        self.metrics.clicked.connect(self.metrics_clicked)
        self.show_idle()

    def _arrange(self) -> None:
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.forecast)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 2)
        buttons.addWidget(self.trial, 1)
        buttons.addWidget(self.keep, 1)
        buttons.addWidget(self.cancel, 1)
        column.addLayout(buttons)
        column.addWidget(self.bar)
        column.addWidget(self.queue)
        column.addWidget(self.status)
        column.addWidget(self.picture)
        more = QHBoxLayout()
        more.addWidget(self.metrics)
        more.addWidget(self.copy)
        column.addLayout(more)
        column.addWidget(self.mentioned)
        self.status.setVisible(False)

    def show_idle(self) -> None:
        """Nothing runs."""
        self.stop_watching()
        self.run.setText("Run")
        self.trial.setVisible(True)
        self.keep.setVisible(False)
        self.cancel.setEnabled(False)
        self.cancel.setText("Cancel")
        self.bar.setRange(0, 1)
        self.bar.setValue(0)

    def show_running(self, watch: TimeLeft) -> None:
        """A run has begun, of which so much is expected; another one can wait for it."""
        self._watch, self._seen = watch, None
        self._clock.start()
        self.run.setText("Add to queue")
        # Its place is that of "Stop and keep".
        self.trial.setVisible(False)
        self.keep.setEnabled(True)
        self.cancel.setEnabled(True)
        self.bar.setRange(0, _BAR)
        self.bar.setValue(0)
        self.picture.setVisible(False)
        self.say("Starting …")

    def show_cancelling(self) -> None:
        """A run has been asked to stop and has not stopped yet."""
        self.stop_watching()
        self.cancel.setEnabled(False)
        self.keep.setVisible(False)
        self.cancel.setText("Cancelling…")
        self.say("Cancelling: the current step is finished first …")

    def show_keeping(self) -> None:
        """A run has been asked for what it has."""
        self.keep.setEnabled(False)

    @property
    def share(self) -> float:
        """The part of the run that is done."""
        return self._watch.share()

    def stop_watching(self) -> None:
        """Let the time stand still."""
        self._clock.stop()

    def show_progress(self, progress: Progress, busy: float | None = None) -> None:
        """A step has been done; ``busy`` as of `TimeLeft.follow`."""
        self._watch.follow(progress, busy=busy)
        self._seen = progress
        self._show_time()
        self.keep.setVisible(self.keep.isVisible() or progress.image is not None)
        if progress.kernel is not None:
            self.show_kernel(progress.kernel)

    def _show_time(self) -> None:
        """The time falls between steps, too."""
        if self._seen is not None:
            self.bar.setValue(round(_BAR * self._watch.share()))
            self.say(progress_in_words(self._seen, self._watch))

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
        self.status.say(sentence, alarm=alarm)
        self.status.setVisible(bool(sentence))

    def be_about(self, image: int) -> None:
        """Another image is chosen: what was wrong with the one before is taken back; what a run has found stays."""
        if image != self._about and self.status.is_alarm:
            self.say("")
        self._about = image

    def foresee(self, sentence: str, *, alarm: bool = False) -> None:
        """Say above Run what it would do, or why it cannot; what the last run has found stays below."""
        self.forecast.say(sentence, alarm=alarm)

    def mention(self, sentence: str) -> None:
        """Say something in passing, in a line of its own that goes away after a while."""
        self.mentioned.setText(sentence)
        self.mentioned.setVisible(True)
        self._forgetting.start()

    def set_room(self, height: int) -> None:
        """Take no more than a share of a dock of this height in pixels, however much there is to say."""
        self.status.set_room(height * 3 // 10)
        self.forecast.set_room(height * 2 // 10)
