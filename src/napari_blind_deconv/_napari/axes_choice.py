"""What the axes before y and x of an image are: one choice per axis."""

from collections.abc import Sequence
from typing import Final

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_blind_deconv._napari.editors import CalmComboBox

PLANES: Final = "planes"
_MEANINGS: Final = (
    ("Z", "depth: a volume"),
    (PLANES, "separate planes"),
    ("T", "time"),
    ("C", "channels"),
    ("P", "positions"),
)


class AxesChoice(QWidget):
    """The meaning of every leading axis; ``value()`` is their letters, ``planes()`` whether z counts planes."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self.boxes: list[CalmComboBox] = []

    def offer(self, sizes: Sequence[int], letters: str) -> None:
        """One choice per leading axis, with the guess or knowledge in ``letters`` chosen."""
        while self._column.count():
            row = self._column.takeAt(0).widget()
            row.setParent(None)
            row.deleteLater()
        self.boxes = []
        for position, (size, letter) in enumerate(zip(sizes, letters, strict=True)):
            self._add_box(position, size, letter)
        self.setVisible(bool(self.boxes))

    def _add_box(self, position: int, size: int, letter: str) -> None:
        row, box = QWidget(), CalmComboBox()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        for meaning, words in _MEANINGS:
            box.addItem(words, meaning)
        box.setCurrentIndex(max(0, box.findData(letter)))
        box.setToolTip(
            f"What axis {position + 1}, of {size} steps, counts: a volume has a PSF in depth; "
            "planes, frames and positions share one PSF; channels have one each"
        )
        box.setAccessibleName(f"Meaning of axis {position + 1}")
        box.currentIndexChanged.connect(self.changed)
        line.addWidget(QLabel(f"{size} ×"))
        line.addWidget(box, 1)
        self._column.addWidget(row)
        self.boxes.append(box)

    def value(self) -> str:
        """A letter per leading axis."""
        return "".join("Z" if box.currentData() == PLANES else str(box.currentData()) for box in self.boxes)

    def planes(self) -> bool:
        """Whether a z axis counts planes that share one PSF."""
        return any(box.currentData() == PLANES for box in self.boxes)

    def meanings(self) -> list[str]:
        """What every box stands at."""
        return [str(box.currentData()) for box in self.boxes]

    def set_meanings(self, meanings: Sequence[str]) -> None:
        """Choose what `meanings` gave; nothing where there are other axes."""
        if len(meanings) == len(self.boxes):
            for box, meaning in zip(self.boxes, meanings, strict=True):
                box.setCurrentIndex(box.findData(meaning))

    def set_planes(self, planes: bool) -> None:
        """Read a z axis as planes, or as depth."""
        old, new = ("Z", PLANES) if planes else (PLANES, "Z")
        for box in self.boxes:
            if box.currentData() == old:
                box.setCurrentIndex(box.findData(new))
