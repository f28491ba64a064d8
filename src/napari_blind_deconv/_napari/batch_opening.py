"""What a batch has made, opened: a result as layers, a page in the browser, a folder in the machine's file manager."""

from pathlib import Path
from typing import Any

from napari.utils.notifications import notification_manager
from qtpy.QtCore import QObject, QUrl, Signal
from qtpy.QtGui import QDesktopServices

from napari_blind_deconv._napari.batch_results import Opened, opened
from napari_blind_deconv._napari.batch_rows import Row
from napari_blind_deconv._napari.live import add_image
from napari_blind_deconv._napari.run import Refusal
from napari_blind_deconv._napari.workers import calling
from napari_blind_deconv.failures import in_words
from napari_blind_deconv.printable import shown


class Opening(QObject):
    """Opens what there is; results are read in a thread, one at a time.

    Parameters
    ----------
    viewer
        Where layers are added.
    """

    refused = Signal(str)
    changed = Signal()
    """A result is being read, or has been."""

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._worker: Any = None
        self._closed = False

    @property
    def is_busy(self) -> bool:
        """Whether a result is being read."""
        return self._worker is not None

    def result(self, row: Row) -> None:
        """Open the result of an image as layers."""
        if self.is_busy:
            return
        if row.status != "done":
            self.refused.emit(f"{row.name} has no result yet")
            return
        self._worker = calling(opened, row, ignore_errors=True)
        self._worker.returned.connect(self._show)
        self._worker.errored.connect(self._failed)
        self._worker.finished.connect(self._finished)
        self.changed.emit()
        self._worker.start()

    def outside(self, path: Path) -> None:
        """Open a file or a folder with what the machine opens it with."""
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.absolute()))):
            self.refused.emit(f"{shown(path)} cannot be opened on this machine; open it by hand")

    def close(self) -> None:
        """Add no layers any more."""
        self._closed = True

    def _show(self, found: Opened | Refusal) -> None:
        if self._closed:
            return
        if isinstance(found, Refusal):
            self.refused.emit(found.sentence)
            return
        for data, attributes, _ in found.layers:
            self._viewer.layers.selection.active = add_image(self._viewer, data, attributes)

    def _failed(self, error: Exception) -> None:
        self.refused.emit(in_words(error))
        notification_manager.receive_error(type(error), error, error.__traceback__)

    def _finished(self) -> None:
        self._worker = None
        self.changed.emit()
