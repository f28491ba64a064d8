"""The images of a batch as a model of rows and columns."""

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, Final

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from qtpy.QtGui import QColor

from napari_blind_deconv._napari.batch_rows import Row, size_in_words, state_in_words
from napari_blind_deconv._napari.layers import shape_in_words
from napari_blind_deconv._napari.run import duration
from napari_blind_deconv.printable import shown

FILE, STATE, MEMORY, TIME, DISK = range(5)
COLUMNS: Final = ("File", "State", "Memory", "Time", "Disk")
_HINTS: Final = (
    "The images, in the order in which they are worked on",
    "What has become of them so far",
    "Memory of the program at its peak",
    "Time it will take, or has taken",
    "What the results take on the disk, at most",
)
# Readable on the window's own background, dark or light.
_BAD: Final = ("failed", "fails")
_INKS: Final = MappingProxyType(
    {
        "dark": {"done": "#8fd694", "refused": "#ffcf70", "running": "#8fb4ff", **dict.fromkeys(_BAD, "#ff9d7a")},
        "light": {"done": "#1d6b2c", "refused": "#7a5200", "running": "#1f4fb5", **dict.fromkeys(_BAD, "#a8320f")},
    }
)
_NOWHERE: Final = QModelIndex()


class BatchModel(QAbstractTableModel):
    """A row per image; rows are replaced as the work goes on."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []
        self._inks = _INKS["dark"]

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section]
            if role == Qt.ItemDataRole.ToolTipRole:
                return _HINTS[section]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return text_of(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return _hint(row, column)
        if role == Qt.ItemDataRole.ForegroundRole and column == STATE and row.status in self._inks:
            return QColor(self._inks[row.status])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column in (FILE, STATE) else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def set_theme(self, kind: str) -> None:
        """Choose inks for a ``dark`` or a ``light`` window."""
        self._inks = _INKS.get(kind, _INKS["dark"])
        if self.rows:
            self.dataChanged.emit(self.index(0, STATE), self.index(len(self.rows) - 1, STATE))

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show other images."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def put(self, number: int, row: Row) -> None:
        """Show an image in another state."""
        self.rows[number] = row
        self.dataChanged.emit(self.index(number, 0), self.index(number, len(COLUMNS) - 1))

    def change(self, number: int, how: Callable[[Row], Row]) -> None:
        """The same, from what is shown now."""
        self.put(number, how(self.rows[number]))


def text_of(row: Row, column: int) -> str:
    """What a cell shows; figures that nobody knows are left out."""
    if column == FILE:
        return row.name
    if column == STATE:
        return state_in_words(row)
    if row.status not in ("to do", "done"):
        return ""
    if column == TIME:
        return duration(row.seconds) if row.seconds else ""
    figures = {MEMORY: f"{row.gigabytes:.1f} GB", DISK: size_in_words(row.disk_bytes)}
    return figures[column] if row.status == "to do" and row.gigabytes else ""


def _hint(row: Row, column: int) -> str:
    if column == FILE:
        size = f"\n{shape_in_words(row.shape)}" if row.shape else ""
        return shown(row.label) + size
    if row.status == "done":
        return "Done: double click, or press Enter, to open the result as layers"
    return shown(row.words)
