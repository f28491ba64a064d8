"""The table of a batch: sentences wrap over the whole of a row, names are shortened in the middle."""

from typing import Any, Final

from qtpy.QtCore import QModelIndex, QSize, Qt, Signal
from qtpy.QtGui import QKeyEvent, QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_blind_deconv._napari.batch_model import COLUMNS, DISK, FILE, MEMORY, STATE, TIME, BatchModel
from napari_blind_deconv._napari.batch_rows import Row

_SENTENCES: Final = ("refused", "fails", "running", "failed")
_NARROW: Final = 430  # pixels, below which only the sum of the disk is shown
_FILE_SHARE: Final = 0.38
_PADDING: Final = 6
_KEYS: Final = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class BatchTable(QTableView):
    """Rows of images; `opened` says which one was double-clicked, or chosen with Enter."""

    opened = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.rows = BatchModel(self)
        self.setModel(self.rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setMinimumSectionSize(18)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(30)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.doubleClicked.connect(self._double_clicked)
        self.rows.dataChanged.connect(self._changed)

    @property
    def selected(self) -> Row | None:
        """The chosen image."""
        number = self.currentIndex().row()
        return self.rows.rows[number] if 0 <= number < len(self.rows.rows) else None

    def set_rows(self, rows: list[Row]) -> None:
        """Show other images."""
        self.clearSpans()
        self.rows.set_rows(rows)
        for number in range(len(rows)):
            self._fit(number)

    def put(self, number: int, row: Row) -> None:
        """Show an image in another state; a sentence takes the cells of the figures."""
        self.rows.put(number, row)

    def sizeHint(self) -> QSize:
        """A few rows: whatever room there is below the form is the table's."""
        return QSize(360, 130)

    def minimumSizeHint(self) -> QSize:
        """The heading and three rows: the rest scrolls."""
        return QSize(200, self.horizontalHeader().sizeHint().height() + 3 * self.verticalHeader().defaultSectionSize())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens what is chosen."""
        if event.key() in _KEYS and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give every column what it needs, and the sentences the rest."""
        super().resizeEvent(event)
        if event.size().width() == event.oldSize().width():
            return
        width = self.viewport().width()
        letter = self.fontMetrics().horizontalAdvance("0")
        self.setColumnHidden(DISK, width < _NARROW)
        figures = {MEMORY: 8 * letter, TIME: 9 * letter, DISK: 0 if width < _NARROW else 10 * letter}
        file = int(_FILE_SHARE * (width if width < _NARROW else width - figures[DISK]))
        widths = {FILE: file, **figures}
        widths[STATE] = width - sum(widths.values())
        for column in range(len(COLUMNS)):
            if widths[column]:
                self.setColumnWidth(column, widths[column])
        for number in range(len(self.rows.rows)):
            self._fit(number)

    def _double_clicked(self, index: QModelIndex) -> None:
        self.opened.emit(index.row())

    def _changed(self, first: QModelIndex, last: QModelIndex, *_: Any) -> None:
        for number in range(first.row(), last.row() + 1):
            self._fit(number)

    def _fit(self, number: int) -> None:
        span = len(COLUMNS) - STATE if self.rows.rows[number].status in _SENTENCES else 1
        if self.columnSpan(number, STATE) != span:
            self.setSpan(number, STATE, 1, span)
        self.resizeRowToContents(number)
        if span > 1:
            self.setRowHeight(number, self.rowHeight(number) + _PADDING)
