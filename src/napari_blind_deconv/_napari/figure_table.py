"""The metrics as a table on screen: name, value, grade as a coloured word, and below it what the value means."""

from types import MappingProxyType
from typing import Final

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_blind_deconv._napari.figures import Figure

# Dark words on pale chips: readable on the dark and on the light theme, and not by colour alone.
GRADE_COLOURS: Final = MappingProxyType(
    {"bad": "#ff9d8a", "ok": "#ffd866", "good": "#b5e08c", "really good": "#6fdc9a"}
)
_NAME_WIDTH: Final = 125


class FigureTable(QWidget):
    """Figures in one or several columns, warnings below them across the whole width."""

    def __init__(self) -> None:
        super().__init__()
        self._columns = 1
        self._rows: list[Figure] = []
        self._warnings: list[str] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(2, 4, 2, 2)
        self._body = QWidget()
        self._column.addWidget(self._body)

    def set_columns(self, columns: int) -> None:
        """Flow the figures in this many columns."""
        if columns != self._columns:
            self._columns = columns
            self.show_figures(self._rows, self._warnings)

    def show_figures(self, rows: list[Figure], warnings: list[str]) -> None:
        """Replace the table's content."""
        self._rows, self._warnings = rows, warnings
        self._column.removeWidget(self._body)
        self._body.deleteLater()
        self._body = QWidget()
        self._column.addWidget(self._body)
        grid = QGridLayout(self._body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(5)
        height = -(-len(rows) // self._columns)
        for number, row in enumerate(rows):
            grid.addWidget(_cell(row), number % height, number // height, Qt.AlignmentFlag.AlignTop)
        for column in range(self._columns):
            grid.setColumnStretch(column, 1)
        heading = ["Reasons to doubt it:"] if warnings else []
        for number, sentence in enumerate([*heading, *(f"• {sentence}" for sentence in warnings)]):
            grid.addWidget(_text(sentence), height + number, 0, 1, self._columns)
        grid.setRowStretch(height + len(warnings) + 1, 1)


def _cell(row: Figure) -> QWidget:
    cell = QWidget()
    column = QVBoxLayout(cell)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    line = QHBoxLayout()
    line.setSpacing(6)
    name, value = QLabel(row.name), QLabel(row.value)
    name.setMinimumWidth(_NAME_WIDTH)
    value.setStyleSheet("font-weight: bold;")
    value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    line.addWidget(name)
    line.addWidget(value)
    if row.grade is not None:
        line.addWidget(_chip(row.grade))
    line.addStretch(1)
    column.addLayout(line)
    if row.meaning:
        meaning = _text(row.meaning)
        meaning.setStyleSheet("color: #98a2ae;")
        column.addWidget(meaning)
    return cell


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
