"""Editors of values that may be left out."""

from typing import Any

from qtpy.QtWidgets import QCheckBox

from napari_blind_deconv._napari.editors import Editor, ListEditor, TextEditor
from napari_blind_deconv._napari.words import AUTOMATIC, OPTIONAL_STARTS, PER_CHANNEL


class OptionalEditor(Editor):
    """A value that may be left to the program.

    Parameters
    ----------
    inner
        Its editor.
    automatic
        What leaving it to the program means.
    below
        Whether the editor is in a row of its own.
    """

    def __init__(self, inner: Editor, automatic: str = "automatic", *, below: bool = False) -> None:
        super().__init__()
        self.automatic = QCheckBox(automatic)
        self.automatic.setChecked(True)
        self.inner = inner
        inner.setVisible(False)
        self._row.addWidget(self.automatic)
        if below:
            self._column.addWidget(inner)
        else:
            self._row.addWidget(inner, 1)
        self._row.addStretch(0)
        self.automatic.toggled.connect(self._toggled)
        inner.changed.connect(self.changed)

    def _toggled(self, automatic: bool) -> None:
        self.inner.setVisible(not automatic)
        self.changed.emit()

    def value(self) -> Any:
        """The inner value, or ``None`` if it is left to the program."""
        return None if self.automatic.isChecked() else self.inner.value()

    def set_value(self, value: Any) -> None:
        """Show the value; ``None`` leaves it to the program."""
        before = self.value()
        self.blockSignals(True)
        self.automatic.setChecked(value is None)
        self.inner.setVisible(value is not None)
        if value is not None:
            self.inner.set_value(value)
        self.blockSignals(False)
        if self.value() != before:
            self.changed.emit()


class OptionalTextEditor(Editor):
    """Text that may be left empty, which means ``None``."""

    def __init__(self, inner: TextEditor) -> None:
        super().__init__()
        self.inner = inner
        self._row.addWidget(inner)
        inner.changed.connect(self.changed)

    def value(self) -> str | None:
        """The text, or ``None`` if there is none."""
        return self.inner.value() or None

    def set_value(self, value: str | None) -> None:
        """Show the text."""
        self.inner.set_value(value or "")


def optional(inner: Editor, name: str) -> Editor:
    """The editor of a field that may be left out, around that of its value."""
    if isinstance(inner, TextEditor) and not isinstance(inner, ListEditor):
        return OptionalTextEditor(inner)
    if name in OPTIONAL_STARTS:
        inner.set_value(OPTIONAL_STARTS[name])
    return OptionalEditor(inner, AUTOMATIC.get(name, "automatic"), below=name in PER_CHANNEL)
