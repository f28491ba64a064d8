"""The metrics as a table on screen: name, value, grade as a coloured word, and below it what the value means."""

from types import MappingProxyType
from typing import Final

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_blind_deconv._napari.figures import Figure
from napari_blind_deconv._napari.noise_plots import NoisePlots
from napari_blind_deconv._napari.psf_plots import REPORT, Look

# Dark words on pale chips: readable on the dark and on the light theme, and not by colour alone.
GRADE_COLOURS: Final = MappingProxyType(
    {"bad": "#ff9d8a", "ok": "#ffd866", "good": "#b5e08c", "really good": "#6fdc9a"}
)
_NAME_WIDTH: Final = 125
_CURVES_HEIGHT: Final = 3


class FigureTable(QWidget):
    """Figures in one or several columns, warnings below them across the whole width."""

    def __init__(self) -> None:
        super().__init__()
        self._columns = 1
        self._rows: list[Figure] = []
        self._warnings: list[str] = []
        self._look = REPORT
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(2, 4, 2, 2)
        self._body = QWidget()
        self._column.addWidget(self._body)

    def set_look(self, look: Look) -> None:
        """Draw curves in the colours of a theme."""
        self._look = look
        self.show_figures(self._rows, self._warnings)

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
        column = QVBoxLayout(self._body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        line = QHBoxLayout()
        line.setSpacing(18)
        column.addLayout(line)
        for part in flowed(rows, self._columns):
            stack = QVBoxLayout()
            stack.setSpacing(5)
            for row in part:
                stack.addWidget(_cell(row, self._look))
            stack.addStretch(1)
            line.addLayout(stack, 1)
        heading = ["Reasons to doubt it:"] if warnings else []
        for sentence in [*heading, *(f"• {sentence}" for sentence in warnings)]:
            column.addWidget(_text(sentence))
        column.addStretch(1)


def flowed(rows: list[Figure], columns: int) -> list[list[Figure]]:
    """The rows in columns of about equal height, in their order; curves are as high as a few rows.

    Examples
    --------
    >>> [len(part) for part in flowed([Figure(str(i), "") for i in range(7)], 3)]
    [3, 2, 2]
    """
    heights = [1 + _CURVES_HEIGHT * bool(row.noise) for row in rows]
    parts: list[list[Figure]] = [[] for _ in range(columns)]
    passed = 0
    for row, height in zip(rows, heights, strict=True):
        parts[min(passed * columns // max(sum(heights), 1), columns - 1)].append(row)
        passed += height
    return parts


def _cell(row: Figure, look: Look) -> QWidget:
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
        meaning.setStyleSheet(f"color: {look.quiet};")
        column.addWidget(meaning)
    if row.noise:
        column.addWidget(NoisePlots(row.noise, look))
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
