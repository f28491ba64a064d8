"""Who works on a batch: this process, processes of this machine, or the workers of a Dask scheduler."""

import sys
from pathlib import Path
from typing import Final

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_blind_deconv._napari.editors import ChoiceEditor, FileEditor, IntEditor, TextEditor
from napari_blind_deconv._napari.fold import Fold
from napari_blind_deconv._napari.form_rows import form_layout
from napari_blind_deconv._types import InputError
from napari_blind_deconv.batch import Workers, refuse_missing

_HERE, _COUNT, _ADDRESS, _FILE = "here", "count", "scheduler", "scheduler_file"
_CHOICES: Final = (
    (_HERE, "this process"),
    (_COUNT, "processes of this machine"),
    (_ADDRESS, "a Dask scheduler (address)"),
    (_FILE, "a Dask scheduler (file)"),
)
_MOST: Final = 1024


class WorkersChoice(QWidget):
    """A folded part of a form, whose heading says what is chosen; it starts nothing."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.who = ChoiceEditor(*zip(*_CHOICES, strict=True))
        self.count = IntEditor(1, _MOST)
        self.count.set_value(2)
        self.address = TextEditor("tcp://node7:8786")
        self.file = FileEditor("scheduler.json", "File of the scheduler", "Scheduler files (*.json)")
        self._body = QWidget()
        self.fold = Fold("", self._body)
        self._arrange()
        for editor in (self.who, self.count, self.address, self.file):
            editor.changed.connect(self._changed)
        self._follow()

    def _arrange(self) -> None:
        self.who.setToolTip("Several processes work on several images at once; each takes memory, and seconds to start")
        self.count.setToolTip("As many images are worked on at once")
        self.address.setToolTip("Of a scheduler that runs; its workers must see the files under the same names")
        self.file.setToolTip("That a scheduler has written: dask scheduler --scheduler-file FILE")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._rows = form_layout(self._body)
        for label, editor in (
            ("Workers", self.who),
            ("Processes", self.count),
            ("Address", self.address),
            ("File", self.file),
        ):
            self._rows.addRow(label, editor)
        column.addWidget(self.fold)
        column.addWidget(self._body)

    def value(self, device: str, max_memory_gb: float | None) -> Workers | None:
        """Who works; nothing where this process does.

        Parameters
        ----------
        device, max_memory_gb
            As of `batch.Workers`.

        Raises
        ------
        InputError
            If an address is missing, or a package.
        """
        chosen = self.who.value()
        if chosen == _HERE:
            return None
        workers = Workers(
            count=self.count.value() if chosen == _COUNT else None,
            scheduler=_given(self.address, "address") if chosen == _ADDRESS else None,
            scheduler_file=Path(_given(self.file, "file")) if chosen == _FILE else None,
            device=device,
            max_memory_gb=max_memory_gb,
        )
        refuse_missing(workers)
        if workers.count is not None:
            _refuse_script()
        return workers

    def _changed(self) -> None:
        self._follow()
        self.changed.emit()

    def _follow(self) -> None:
        chosen = self.who.value()
        for name, editor in ((_COUNT, self.count), (_ADDRESS, self.address), (_FILE, self.file)):
            self._rows.setRowVisible(editor, chosen == name)
        count = self.count.value()
        processes = "a process" if count == 1 else f"{count} processes"
        words = f"{processes} of this machine" if chosen == _COUNT else dict(_CHOICES)[chosen].partition(" (")[0]
        self.fold.rename(f"Who works: {words}")


def _given(editor: TextEditor, what: str) -> str:
    text = str(editor.value()).strip()
    if not text:
        raise InputError(f"there is no {what} of a Dask scheduler yet; give it under “Who works”")
    return text


def _refuse_script() -> None:
    """Refuse workers that would open windows of their own: each imports the script that opened this one.

    Raises
    ------
    InputError
        Naming the script.
    """
    main = sys.modules.get("__main__")
    name = getattr(main, "__file__", None)
    if name is None or getattr(main, "__spec__", None) is not None or not name.endswith(".py"):
        return
    try:
        text = Path(name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    if "__main__" not in text:
        raise InputError(
            subject=f"script {name}",
            value="would be run again by each process",
            remedy='put what it does below `if __name__ == "__main__":`, or start napari by itself',
        )
