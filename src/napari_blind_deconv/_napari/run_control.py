"""Jobs → runs in a thread, shown by layers and in a panel; it knows no form."""

from typing import Any

from napari.qt.threading import create_worker
from napari.utils.notifications import notification_manager, show_error
from qtpy.QtCore import QObject, Signal
from superqt.utils import GeneratorWorker

from napari_blind_deconv._napari.canvas_context import CanvasGuard
from napari_blind_deconv._napari.command import command_of
from napari_blind_deconv._napari.course import course_of
from napari_blind_deconv._napari.job import Job
from napari_blind_deconv._napari.live import LiveLayers
from napari_blind_deconv._napari.results import result_layers
from napari_blind_deconv._napari.run import Refusal, run_steps
from napari_blind_deconv._napari.run_panel import RunPanel
from napari_blind_deconv._napari.summary import summary
from napari_blind_deconv._napari.used import used_in
from napari_blind_deconv._types import Progress, Result


class RunControl(QObject):
    """One run at a time.

    Parameters
    ----------
    viewer
        Where previews and results appear.
    panel
        What tells how far the run is.
    """

    ended = Signal()
    """A run has ended, in whatever way."""

    def __init__(self, viewer: Any, panel: RunPanel) -> None:
        super().__init__(panel)
        self._viewer, self._panel = viewer, panel
        self._worker: Any = None
        self._live: LiveLayers | None = None
        self._job: Job | None = None
        self._guard = CanvasGuard(viewer, panel)
        panel.cancel_clicked.connect(self.cancel)

    @property
    def is_running(self) -> bool:
        """Whether a run is on, or still being cancelled."""
        return self._worker is not None

    def start(self, job: Job) -> None:
        """Start a job in a thread."""
        self._job = job
        self._guard.remember()
        self._live = LiveLayers(self._viewer, job.source)
        self._panel.show_running()
        course_of(self._viewer).begin()
        self._worker = create_worker(
            run_steps, job, _start_thread=False, _ignore_errors=True, _worker_class=GeneratorWorker
        )
        self._worker.yielded.connect(self._stepped)
        self._worker.returned.connect(self._returned)
        self._worker.errored.connect(self._failed)
        self._worker.aborted.connect(self._cancelled)
        self._worker.finished.connect(self._finished)
        self.destroyed.connect(self._worker.quit)
        self._worker.start()

    def cancel(self) -> None:
        """Ask the run to stop after its current step."""
        if self._worker is not None:
            self._worker.quit()
            self._panel.show_cancelling()

    def close_down(self) -> None:
        """Stop the run, take its previews away, and listen to the viewer no longer."""
        if self._worker is not None:
            self._worker.quit()
        self._remove_previews()
        self._guard.release()

    def _stepped(self, progress: Progress) -> None:
        if self._worker is None or self._worker.abort_requested or self._live is None:
            return
        self._panel.show_progress(progress)
        self._live.show(progress)
        course_of(self._viewer).add(progress)

    def _returned(self, outcome: Result | Refusal) -> None:
        if self._live is None or self._job is None:
            return
        if isinstance(outcome, Refusal):
            self._panel.say(outcome.sentence, alarm=True)
            show_error(outcome.sentence)
            return
        self._live.settle(result_layers(self._job.source, outcome, command_of(self._job), used_in(self._job)))
        self._panel.show_kernel(outcome.kernel)
        self._panel.say(summary(self._job.source, outcome))

    def _failed(self, error: Exception) -> None:
        self._panel.say(f"The run failed: {error}", alarm=True)
        notification_manager.receive_error(type(error), error, error.__traceback__)

    def _cancelled(self) -> None:
        self._panel.picture.setVisible(False)
        self._panel.say("Cancelled; nothing was added.")

    def _finished(self) -> None:
        self._remove_previews()
        self.destroyed.disconnect(self._worker.quit)
        self._worker = None
        for stored in self._job.unfinished if self._job is not None else ():
            stored.remove()
        self._job = None
        self._panel.show_idle()
        self.ended.emit()

    def _remove_previews(self) -> None:
        if self._live is not None:
            self._live.remove()
            self._live = None
