"""Jobs → runs in a thread, one after the other, shown by layers and in a panel; it knows no form."""

import time
from collections.abc import Iterator
from typing import Any

from napari.utils.notifications import notification_manager, show_error
from qtpy.QtCore import QObject, QTimer, Signal

from napari_blind_deconv._napari.activity import Activity
from napari_blind_deconv._napari.canvas_context import CanvasGuard
from napari_blind_deconv._napari.job import Job
from napari_blind_deconv._napari.live import LiveLayers
from napari_blind_deconv._napari.run import Refusal, course_of
from napari_blind_deconv._napari.run_curves import curves_of
from napari_blind_deconv._napari.run_panel import RunPanel
from napari_blind_deconv._napari.run_work import Finished, run_work
from napari_blind_deconv._napari.workers import going_through
from napari_blind_deconv._types import Progress
from napari_blind_deconv.pipeline.time_left import TimeLeft


class RunControl(QObject):
    """One run at a time; others wait.

    Parameters
    ----------
    viewer
        Where previews and results appear.
    panel
        What tells how far the run is, and holds the queue.
    """

    ended = Signal()
    """All runs have ended, in whatever way."""

    def __init__(self, viewer: Any, panel: RunPanel) -> None:
        super().__init__(panel)
        self._viewer, self._panel = viewer, panel
        self._worker: Any = None
        self._live: LiveLayers | None = None
        self._job: Job | None = None
        self._activity: Activity | None = None
        self._adding: Iterator[None] | None = None
        self._finished: Finished | None = None
        self._guard = CanvasGuard(viewer, panel)
        panel.cancel_clicked.connect(self.cancel)
        panel.keep_clicked.connect(self.keep)
        panel.time_passed.connect(self._show_share)
        panel.queue.cancel_all_clicked.connect(self.cancel_all)

    @property
    def is_running(self) -> bool:
        """Whether a run is on, waits, or is still being cancelled."""
        return self._job is not None

    def start(self, job: Job) -> None:
        """Start a job in a thread, or let it wait for those before it."""
        if self.is_running:
            self._panel.queue.add(job)
        else:
            self._begin(job)

    def cancel(self) -> None:
        """Ask the present run to stop after its current step; the next one follows."""
        if self._worker is not None and self._job is not None:
            self._worker.quit()
            self._job.pace.go_on()
            self._panel.show_cancelling()

    def cancel_all(self) -> None:
        """Ask the present run to stop, and forget all others."""
        self._panel.queue.clear()
        self.cancel()

    def keep(self) -> None:
        """Ask the present run for the image as it is after its current step."""
        if self._job is not None:
            self._job.enough.set()
            self._panel.show_keeping()

    def close_down(self) -> None:
        """Stop the run, take its previews away, and listen to the viewer no longer."""
        self._panel.queue.clear()
        if self._worker is not None:
            self._worker.quit()
        self._adding = None
        self._panel.stop_watching()
        self._close_activity()
        self._remove_previews()
        self._guard.release()

    def _begin(self, job: Job) -> None:
        self._job = job
        job.pace.is_watched = True
        self._guard.remember()
        self._live = LiveLayers(self._viewer, job.source)
        curves_of(self._viewer).begin()
        self._panel.show_running(TimeLeft(course_of(job)))
        self._activity = Activity(f"Deconvolving {job.source.name}", self.cancel)
        self._worker = going_through(run_work, job)
        self._worker.yielded.connect(self._stepped)
        self._worker.returned.connect(self._returned)
        self._worker.errored.connect(self._failed)
        self._worker.aborted.connect(self._cancelled)
        self._worker.finished.connect(self._worker_finished)
        self.destroyed.connect(self._worker.quit)
        self._worker.start()

    def _stepped(self, progress: Progress) -> None:
        if self._worker is None or self._worker.abort_requested or self._live is None or self._job is None:
            return
        self._panel.show_progress(progress, self._job.busy.seconds)
        self._show(progress, self._live)
        curves_of(self._viewer).add(progress)

    def _show(self, progress: Progress, live: LiveLayers) -> None:
        if progress.image is None and progress.kernel is None:
            return
        job, begun = self._job, time.monotonic()
        live.show(progress)
        if job is not None:
            # Due once the window has drawn what was changed.
            QTimer.singleShot(0, lambda: job.pace.felt(time.monotonic() - begun))

    def _show_share(self) -> None:
        if self._activity is not None:
            self._activity.show_share(self._panel.share)

    def _returned(self, outcome: Finished | Refusal) -> None:
        if self._live is None or self._job is None:
            return
        if isinstance(outcome, Refusal):
            self._panel.say(outcome.sentence, alarm=True)
            show_error(outcome.sentence)
            return
        self._finished = outcome
        self._adding = self._live.settling(outcome.layers)

    def _failed(self, error: Exception) -> None:
        self._panel.say(f"The run failed: {error}", alarm=True)
        notification_manager.receive_error(type(error), error, error.__traceback__)

    def _cancelled(self) -> None:
        self._panel.picture.setVisible(False)
        self._panel.say("Cancelled; nothing was added.")

    def _worker_finished(self) -> None:
        self.destroyed.disconnect(self._worker.quit)
        self._worker = None
        self._add_next()

    def _add_next(self) -> None:
        """Add a layer, and let the window live before the next one."""
        if self._adding is not None and next(self._adding, self) is not self:
            QTimer.singleShot(0, self._add_next)
            return
        if self._adding is not None and self._finished is not None:
            self._panel.show_kernel(self._finished.result.kernel)
            self._panel.say(self._finished.words)
        self._end()

    def _end(self) -> None:
        self._adding = self._finished = None
        self._remove_previews()
        self._close_activity()
        for stored in self._job.unfinished if self._job is not None else ():
            stored.remove()
        self._job = None
        self._panel.show_idle()
        following = self._panel.queue.take()
        if following is not None:
            self._begin(following)
        else:
            self.ended.emit()

    def _close_activity(self) -> None:
        if self._activity is not None:
            self._activity.close()
            self._activity = None

    def _remove_previews(self) -> None:
        if self._live is not None:
            self._live.remove()
            self._live = None
