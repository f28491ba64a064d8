"""The dock "Batch": many files one after the other, as ``blind-deconv run`` does, and a table of them."""

import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Final

from napari.utils.notifications import notification_manager, show_error
from napari.utils.theme import get_theme
from napari.viewer import Viewer
from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout

from napari_blind_deconv._napari.batch_copying import CopyButton
from napari_blind_deconv._napari.batch_course import Course
from napari_blind_deconv._napari.batch_form import BatchForm
from napari_blind_deconv._napari.batch_opening import Opening
from napari_blind_deconv._napari.batch_panel import BatchPanel
from napari_blind_deconv._napari.batch_rows import total_in_words
from napari_blind_deconv._napari.batch_work import (
    Listed,
    LookedAt,
    Outlook,
    StepsWorker,
    look_steps,
    report_of,
    run_steps,
)
from napari_blind_deconv._napari.docked import Docked
from napari_blind_deconv._napari.fitted_scroll import FittedScroll
from napari_blind_deconv._napari.fold import Fold
from napari_blind_deconv._napari.refusals import refusal_on_screen
from napari_blind_deconv._napari.run import Refusal, RunError
from napari_blind_deconv._types import InputError
from napari_blind_deconv.batch import Batch, Event, FileReport, Halt
from napari_blind_deconv.failures import in_words

_SETTLE_MS: Final = 300
_DARK: Final = 128  # of 255


class BatchWidget(Docked):
    """Restore many files, in the form's settings, into one folder.

    Parameters
    ----------
    viewer
        The viewer that the widget is docked in, and the only one it knows.
    """

    looked = Signal()
    """All images have been looked at, or it was said why not."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._viewer = viewer
        self._worker: StepsWorker | None = None
        self.opening = Opening(viewer)
        self._course: Course | None = None
        self._next: Callable[[], None] | None = None
        self._asked: Batch | None = None
        self._shared = False
        self._began = 0.0
        self._answer: object = None
        self._there = (False, False)
        self.form, self.panel = BatchForm(viewer), BatchPanel()
        self.copy = CopyButton(self.form)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._arrange()
        self._timer.timeout.connect(self.look)
        self.form.changed.connect(self._changed)
        self.form.said.connect(self._object)
        self.opening.refused.connect(self._refuse)
        self.opening.changed.connect(self._offer)
        self.panel.run_clicked.connect(self.run)
        self.panel.stop_clicked.connect(self.stop)
        self.panel.look_clicked.connect(self.look)
        self.panel.result_clicked.connect(self.open_result)
        self.panel.report_clicked.connect(self.open_report)
        self.panel.folder_clicked.connect(self.show_folder)
        self.copy.copied.connect(self.panel.say)
        self.copy.refused.connect(self._refuse)
        self.panel.table.selectionModel().selectionChanged.connect(self._offer)
        viewer.events.theme.connect(self._follow_theme)
        self._follow_theme()
        self.look()

    def _arrange(self) -> None:
        self._scroll = FittedScroll(self.form)
        self.fold = Fold("What to do", self._scroll)
        self.fold.setChecked(True)
        column, top = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(4, 4, 4, 4)
        column.setSpacing(4)
        top.addWidget(self.fold)
        top.addStretch(1)
        top.addWidget(self.copy)
        column.addLayout(top)
        column.addWidget(self._scroll)
        column.addWidget(self.panel, 1)

    @property
    def is_running(self) -> bool:
        """Whether images are being restored, or that is still being stopped."""
        return self._course is not None

    @property
    def is_busy(self) -> bool:
        """Whether a thread is at work at all."""
        return self._worker is not None or self.opening.is_busy

    def look(self) -> None:
        """Look, in a thread, at what there is and what is to be expected."""
        self._timer.stop()
        if self.is_running:
            return
        if self._worker is not None:
            self._after(self.look)
            return
        try:
            self._asked = self.form.batch()
        except InputError as error:
            self._asked, self._there = None, (False, False)
            self.panel.show_rows([])
            self.panel.say(refusal_on_screen(error), alarm=bool(self.form.inputs.names()))
            self._settle()
            return
        self.panel.say("Looking at the files …")
        proposed = self.form.proposed()
        self._shared = proposed is not None
        self._start(look_steps(self._asked, proposed), self._seen)

    def run(self) -> None:
        """Do in a thread what is to be done; after a stop, what is left."""
        if self.is_running:
            return
        if self._worker is not None:
            self._after(self.run)
            return
        self._timer.stop()
        try:
            batch, workers = self.form.batch(), self.form.workers()
        except InputError as error:
            self._refuse(refusal_on_screen(error))
            return
        if batch != self._asked:
            self.panel.show_rows([])
        self._asked, self._began = batch, time.monotonic()
        self._course = Course(self.panel.table)
        self.form.setEnabled(False)
        self.fold.setChecked(False)
        self.panel.show_running()
        self.panel.say(self._course.words)
        halt = Halt()
        self._start(run_steps(batch, workers, halt), self._stepped, halt)

    def stop(self) -> None:
        """Ask the run to stop after its current step; what is done stays done."""
        if self._worker is not None and self.is_running:
            self._worker.quit()
            self.panel.show_stopping()

    def open_result(self) -> None:
        """Open the result of the chosen image as layers, read in a thread."""
        row = self.panel.table.selected
        if row is not None:
            self.opening.result(row)

    def open_report(self) -> None:
        """Open the page on what became of all images in the browser."""
        if self._asked is not None:
            self.opening.outside(report_of(self._asked.output))

    def show_folder(self) -> None:
        """Show where the results lie."""
        if self._asked is not None:
            self.opening.outside(self._asked.output)

    def _start(self, steps: Generator[Any, None, Any], step: Callable[[Any], None], halt: Halt | None = None) -> None:
        self._answer = None
        self._worker = StepsWorker(steps, halt)
        self._worker.yielded.connect(step)
        self._worker.returned.connect(self._returned)
        self._worker.errored.connect(self._failed)
        self._worker.finished.connect(self._finished)
        # A window that is closed as a whole does not tell its docks.
        self.destroyed.connect(self._worker.quit)
        self._worker.start()

    def _after(self, call: Callable[[], None]) -> None:
        """Call when what goes on has been given up."""
        self._next = call
        if self._worker is not None:
            self._worker.quit()

    def _changed(self) -> None:
        if not self.is_running:
            self._timer.start()

    def _seen(self, event: Listed | LookedAt) -> None:
        if self._worker is None or self._worker.abort_requested:
            return
        if isinstance(event, Listed):
            self.panel.show_rows(event.rows, event.left_out)
        else:
            self.panel.table.put(event.number, event.row)

    def _stepped(self, event: Listed | Event) -> None:
        if self._course is None or self._worker is None:
            return
        if isinstance(event, Listed):
            self.panel.show_rows(self._course.known(event.rows), event.left_out)
            return
        self._course.follow(event)
        if isinstance(event, FileReport):
            self._there = self._there[0], True
            self._offer()
        if not self._worker.abort_requested:
            self.panel.show_share(self._course.share, len(self._course.rows))
            self.panel.say(self._course.words)

    def _returned(self, answer: object) -> None:
        self._answer = answer

    def _failed(self, error: Exception) -> None:
        cause = error.__cause__ if isinstance(error, RunError) else error
        self._answer = Refusal(in_words(cause if isinstance(cause, Exception) else error))
        notification_manager.receive_error(type(error), error, error.__traceback__)

    def _finished(self) -> None:
        worker, self._worker = self._worker, None
        stopped = worker is not None and worker.abort_requested
        course, self._course = self._course, None
        answer, call = self._answer, self._next
        self._next = None
        if course is not None:
            course.end()
            output = Path() if self._asked is None else self._asked.output
            self._there = report_of(output).is_file(), output.is_dir()
            self.form.setEnabled(True)
            self.panel.say(course.outcome(time.monotonic() - self._began, stopped=stopped))
        if isinstance(answer, Refusal):
            self._refuse(answer.sentence) if course is not None else self.panel.say(answer.sentence, alarm=True)
        elif isinstance(answer, Outlook):
            self._tell(answer)
        if call is not None:
            call()
        else:
            self._settle()

    def _tell(self, found: Outlook) -> None:
        self._there = found.has_report, found.has_folder
        rows = self.panel.table.rows.rows
        words = total_in_words(rows, found.free_bytes, shared=self._shared)
        if found.refusal:
            words = f"{words}.\nThe run would be refused: {found.refusal}"
        elif sum(row.disk_bytes for row in rows) > found.free_bytes:
            words = f"{words}.\nThe disk has less room than that: free some, or choose another folder"
            self.panel.say(f"{words}.", alarm=True)
            return
        self.panel.say(f"{words}.", alarm=bool(found.refusal))

    def _settle(self) -> None:
        self.panel.show_idle()
        self._offer()
        self.looked.emit()

    def _offer(self, *_: object) -> None:
        """Let be opened what there is."""
        row = self.panel.table.selected
        self.panel.result.setEnabled(row is not None and row.status == "done" and not self.opening.is_busy)
        report, folder = self._there
        self.panel.report.setEnabled(report)
        self.panel.folder.setEnabled(folder)

    def _object(self, sentence: str) -> None:
        self.panel.say(sentence, alarm=True)

    def _refuse(self, sentence: str) -> None:
        self.panel.say(sentence, alarm=True)
        show_error(sentence)

    def _follow_theme(self, event: Any = None) -> None:
        background = QColor(get_theme(self._viewer.theme).background.as_hex())
        self.panel.set_theme("dark" if background.lightness() < _DARK else "light")

    def close_down(self) -> None:
        """Stop what runs, and listen to the viewer no longer; what is done stays done."""
        self._timer.stop()
        self._next = None
        if self._worker is not None:
            self._worker.quit()
        self.opening.close()
        self._viewer.events.theme.disconnect(self._follow_theme)
