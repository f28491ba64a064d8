"""The button that puts a batch on the clipboard, as a line for a terminal."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QApplication, QPushButton

from napari_blind_deconv._napari.batch_command import batch_command
from napari_blind_deconv._napari.batch_form import BatchForm
from napari_blind_deconv._napari.refusals import refusal_on_screen
from napari_blind_deconv._types import InputError


class CopyButton(QPushButton):
    """Copies what stands in a form; ``copied`` and ``refused`` are given a sentence."""

    copied = Signal(str)
    refused = Signal(str)

    def __init__(self, form: BatchForm) -> None:
        super().__init__("Copy as command")
        self._form = form
        self.setToolTip("Copy all of this as one line for a terminal, which also continues what was begun here")
        self.clicked.connect(self._copy)

    def _copy(self) -> None:
        try:
            line = batch_command(self._form.batch(), self._form.workers())
        except InputError as error:
            self.refused.emit(refusal_on_screen(error))
            return
        QApplication.clipboard().setText(line)
        self.copied.emit(f"Copied: {line}")
