"""The comparison on screen: figures as rows, PSFs as columns in the colours of their curves."""

from typing import Final

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QSizePolicy, QTableWidget, QTableWidgetItem

from napari_blind_deconv._napari.psf_lines import column_names, lines
from napari_blind_deconv._napari.psf_plots import colour
from napari_blind_deconv.metrics import PsfTable

_NARROWEST: Final = 96
_CENTRE: Final = Qt.AlignmentFlag.AlignCenter
_LEFT: Final = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class PsfTableView(QTableWidget):
    """A table that is as tall as its rows; cells say on hovering what they mean."""

    def __init__(self) -> None:
        super().__init__()
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Names are cells too: headers cut long words off instead of wrapping them.
        self.horizontalHeader().setVisible(False)
        self.verticalHeader().setVisible(False)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.verticalHeader().setMinimumSectionSize(18)
        self.set_scrolling(scrolling=False)

    def show_table(self, table: PsfTable | None) -> None:
        """Replace the content; nothing for ``None``."""
        found = [] if table is None else lines(table)
        names = [] if table is None else column_names(table)
        self.clear()
        self.setRowCount(len(found) + bool(found))
        self.setColumnCount(len(names) + bool(found))
        for column, name in enumerate(names, start=1):
            self._put(0, column, name, name, ink=colour(column - 1))
        for row, line in enumerate(found, start=1):
            self._put(row, 0, line.name, line.hint, alignment=_LEFT)
            for column, value in enumerate(line.values, start=1):
                self._put(row, column, value, line.hint)
        if found:
            self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.setVisible(bool(found))
        self.updateGeometry()

    def _put(
        self, row: int, column: int, text: str, hint: str, *, ink: str = "", alignment: Qt.AlignmentFlag = _CENTRE
    ) -> None:
        cell = QTableWidgetItem(text)
        cell.setTextAlignment(alignment)
        cell.setToolTip(hint)
        if ink:
            cell.setForeground(QColor(ink))
        self.setItem(row, column, cell)

    def set_scrolling(self, scrolling: bool) -> None:
        """Be as tall as there is room for and scroll, or as tall as the rows."""
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if scrolling else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(policy)
        tall = QSizePolicy.Policy.Expanding if scrolling else QSizePolicy.Policy.Fixed
        self.setSizePolicy(QSizePolicy.Policy.Preferred, tall)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """All rows, and columns wide enough to be read."""
        width = self.columnWidth(0) + _NARROWEST * max(1, self.columnCount() - 1)
        return QSize(width, self.verticalHeader().length() + 4)

    def minimumSizeHint(self) -> QSize:
        """Every row, unless the table may scroll."""
        scrolling = self.verticalScrollBarPolicy() == Qt.ScrollBarPolicy.ScrollBarAsNeeded
        return QSize(0, 100 if scrolling else self.sizeHint().height())
