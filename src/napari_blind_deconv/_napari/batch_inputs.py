"""Which files a batch is made of: names of files and folders, added by dialog, dropped, or from open layers."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from napari.layers import Image
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QKeyEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_blind_deconv._napari.editors import TextEditor
from napari_blind_deconv._napari.layer_choice import unwrapped
from napari_blind_deconv._napari.layers import role_of
from napari_blind_deconv._napari.preferences import preferences
from napari_blind_deconv._types import InputError
from napari_blind_deconv.printable import shown

_ROWS_SHOWN = 3


class NameList(QListWidget):
    """Names, each of which can be changed, for example into a pattern; files and folders may be dropped on it."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setToolTip(
            "Files and folders; double click changes a name, for example into a pattern such as in/*_488.tif. "
            "Files can be dropped here"
        )
        self.itemChanged.connect(self._changed)

    def names(self) -> tuple[str, ...]:
        """What is listed, but for empty lines."""
        found = (self.item(number).text().strip() for number in range(self.count()))
        return tuple(name for name in found if name)

    def add(self, names: Iterable[str]) -> None:
        """List further names, each once."""
        new = [name for name in dict.fromkeys(names) if name not in self.names()]
        self.blockSignals(True)
        for name in new:
            item = QListWidgetItem(name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            item.setToolTip(shown(name))
            self.addItem(item)
        self.blockSignals(False)
        if new:
            self.updateGeometry()
            self.changed.emit()

    def remove_selected(self) -> None:
        """List the selected names no longer; all where none is selected."""
        for item in self.selectedItems() or [self.item(number) for number in range(self.count())]:
            self.takeItem(self.row(item))
        self.updateGeometry()
        self.changed.emit()

    def sizeHint(self) -> QSize:
        """A few rows: the rest scrolls."""
        row = max(self.sizeHintForRow(0), self.fontMetrics().height() + 6)
        return QSize(220, row * max(2, min(self.count(), _ROWS_SHOWN)) + 2 * self.frameWidth() + 4)

    def minimumSizeHint(self) -> QSize:
        """As `sizeHint`."""
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete takes names off the list."""
        if event.key() == Qt.Key.Key_Delete and self.selectedItems():
            self.remove_selected()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._judge(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._judge(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Files and folders of this machine are listed."""
        self.add(url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile())
        event.acceptProposedAction()

    def _judge(self, event: Any) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()
        else:
            event.ignore()

    def _changed(self, item: QListWidgetItem) -> None:
        item.setToolTip(shown(item.text()))
        self.changed.emit()


class BatchInputs(QWidget):
    """The list, and buttons that add to it; it knows of no batch.

    Parameters
    ----------
    viewer
        Whose layers are offered.
    """

    changed = Signal()
    said = Signal(str)
    """Why layers were not added."""

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self.list = NameList()
        self.files, self.folder = QPushButton("Files…"), QPushButton("Folder…")
        self.layers, self.remove = QPushButton("Open layers"), QPushButton("Remove")
        self.layers.setToolTip("Add the files that the layers of this window were opened from")
        self.remove.setToolTip("Remove the selected names, or all of them where none is selected")
        column, buttons = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.list)
        buttons.setSpacing(4)
        for button in (self.files, self.folder, self.layers, self.remove):
            buttons.addWidget(button)
        column.addLayout(buttons)
        self.files.clicked.connect(self._ask_for_files)
        self.folder.clicked.connect(self._ask_for_folder)
        self.layers.clicked.connect(self.add_layers)
        self.remove.clicked.connect(self.list.remove_selected)
        self.list.changed.connect(self.changed)

    def names(self) -> tuple[str, ...]:
        """What goes in."""
        return self.list.names()

    def add_layers(self) -> None:
        """List the files of the layers that were opened from one, and say which were not."""
        found, without = files_of(self._viewer.layers)
        self.list.add(found)
        if without:
            layers = ", ".join(f"“{name}”" for name in without)
            error = InputError(
                subject=f"{'layer' if len(without) == 1 else 'layers'} {layers}",
                value=f"{'was' if len(without) == 1 else 'were'} not opened from a file",
                remedy="save with File > Save Selected Layers, and add the files",
            )
            self.said.emit(str(error))
        elif not found:
            self.said.emit("there is no image layer; open images, or add files")

    def _ask_for_files(self) -> None:
        found, _ = QFileDialog.getOpenFileNames(self, "Images", self._place(), "Images (*.tif *.tiff);;All files (*)")
        self.list.add(found)

    def _ask_for_folder(self) -> None:
        found = QFileDialog.getExistingDirectory(self, "Folder of images", self._place())
        self.list.add([found] if found else [])

    def _place(self) -> str:
        names = self.names()
        return str(Path(names[-1]).parent if names else preferences().folder or "")


def files_of(layers: Iterable[Any]) -> tuple[list[str], list[str]]:
    """The files of image layers, each once, and the names of those without; what this plugin made is passed over."""
    found: list[str] = []
    without: list[str] = []
    for layer in map(unwrapped, layers):
        if not isinstance(layer, Image):
            continue
        path = layer.source.path
        if path:
            found.append(str(path))
        elif role_of(layer) in ("", "observed"):
            without.append(layer.name)
    return list(dict.fromkeys(found)), without


class FolderEditor(TextEditor):
    """The path of a folder, typed or chosen in a dialog.

    Parameters
    ----------
    placeholder
        What the empty field shows.
    title
        Of the dialog.
    """

    def __init__(self, placeholder: str, title: str) -> None:
        super().__init__(placeholder)
        self._title = title
        self.button = QToolButton()
        self.button.setText("…")
        self.button.setToolTip("Choose a folder")
        self.button.clicked.connect(self._choose)
        self._row.addWidget(self.button)

    def _choose(self) -> None:
        path = QFileDialog.getExistingDirectory(self, self._title, self.value())
        if path:
            self.set_value(path)
