"""The metrics as a table on screen: name, value, grade as a coloured word, meaning."""

from types import MappingProxyType
from typing import Final

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from napari_blind_deconv._napari.figures import Figure

# Dark words on pale chips: readable on the dark and on the light theme, and not by colour alone.
GRADE_COLOURS: Final = MappingProxyType(
    {"bad": "#ff9d8a", "ok": "#ffd866", "good": "#b5e08c", "really good": "#6fdc9a"}
)
_COLUMNS: Final = 3


class FigureTable(QWidget):
    """Rows of labels; a row without a grade shows its meaning in the last column."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(2, 6, 2, 2)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(_COLUMNS - 1, 1)

    def show_figures(self, rows: list[Figure], warnings: list[str]) -> None:
        """Replace the table's content."""
        while self._grid.count():
            self._grid.takeAt(0).widget().deleteLater()
        for number, row in enumerate(rows):
            self._show_row(2 * number, row)
        last = 2 * len(rows)
        if warnings:
            heading = QLabel("Reasons to doubt it")
            heading.setStyleSheet("font-weight: bold; margin-top: 6px;")
            self._grid.addWidget(heading, last, 0, 1, _COLUMNS)
        for number, sentence in enumerate(warnings, start=1):
            self._grid.addWidget(_text(f"• {sentence}"), last + number, 0, 1, _COLUMNS)
        self._grid.setRowStretch(last + len(warnings) + 1, 1)

    def _show_row(self, line: int, row: Figure) -> None:
        name, value = QLabel(row.name), QLabel(row.value)
        value.setStyleSheet("font-weight: bold;")
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._grid.addWidget(name, line, 0)
        self._grid.addWidget(value, line, 1)
        if row.grade is not None:
            self._grid.addWidget(_chip(row.grade), line, 2, Qt.AlignmentFlag.AlignLeft)
        if row.meaning:
            meaning = _text(row.meaning)
            meaning.setStyleSheet("color: #9aa4b0; margin-bottom: 3px;")
            self._grid.addWidget(meaning, line + 1, 0, 1, _COLUMNS)


def _chip(grade: str) -> QLabel:
    chip = QLabel(grade)
    colour = GRADE_COLOURS[grade]
    chip.setStyleSheet(f"background: {colour}; color: #1b1e23; border-radius: 6px; padding: 1px 7px;")
    return chip


def _text(words: str) -> QLabel:
    label = QLabel(words)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
