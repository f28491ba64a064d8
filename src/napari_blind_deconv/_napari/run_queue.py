"""Runs that wait for the present one: their list, each with a button that takes it out."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_blind_deconv._napari.job import Job
from napari_blind_deconv._napari.tones import QUIET, set_tone
from napari_blind_deconv._napari.words import kind_label


class RunQueue(QWidget):
    """Jobs in the order in which they were added; hidden while there are none."""

    changed = Signal()
    cancel_all_clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._jobs: list[Job] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(1)
        self.rows: list[QWidget] = []
        self.cancel_all = QPushButton("Cancel all")
        self.cancel_all.setToolTip("Cancel the present run, and take all others out of the queue")
        self.cancel_all.clicked.connect(self.cancel_all_clicked)
        self._column.addWidget(self.cancel_all)
        self.setVisible(False)

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Job) -> None:
        """Put a job at the end."""
        self._jobs.append(job)
        self._show()

    def take(self) -> Job | None:
        """The first job, which waits no longer; ``None``: there is none."""
        job = self._jobs.pop(0) if self._jobs else None
        self._show()
        return job

    def remove(self, job: Job) -> None:
        """Take a job out."""
        self._jobs = [other for other in self._jobs if other is not job]
        self._show()

    def clear(self) -> None:
        """Take all of them out."""
        self._jobs = []
        self._show()

    def _show(self) -> None:
        for row in self.rows:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = [self._row(number, job) for number, job in enumerate(self._jobs, start=1)]
        for place, row in enumerate(self.rows):
            self._column.insertWidget(place, row)
        self.setVisible(bool(self._jobs))
        self.changed.emit()

    def _row(self, number: int, job: Job) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        words = QLabel(f"{number}. {job.source.name}: {kind_label(job.settings.kernel_prior.kind)}")
        set_tone(words, QUIET)
        line.addWidget(words, 1)
        away = QPushButton("Remove")
        away.setObjectName("remove")
        away.setToolTip(f"Take “{job.source.name}” out of the queue")
        away.clicked.connect(lambda: self.remove(job))
        line.addWidget(away)
        return row
