"""The controls of the comparison: which PSFs, against which, and what to take home."""

from typing import Any

from napari.layers import Image
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_blind_deconv._napari.editors import CalmComboBox
from napari_blind_deconv._napari.form_rows import form_layout
from napari_blind_deconv._napari.layer_choice import LayerChoice
from napari_blind_deconv._napari.layers import role_of
from napari_blind_deconv._napari.live import PREVIEW
from napari_blind_deconv._napari.psf_choice import PsfChoice
from napari_blind_deconv._napari.tones import ALARM, set_tone
from napari_blind_deconv.metrics import PsfTable


class ComparePanel(QWidget):
    """Ticks, the reference, an ideal PSF, buttons and notes; it knows no metric."""

    changed = Signal()
    restyled = Signal()
    copy_clicked = Signal()
    table_clicked = Signal()
    figure_clicked = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.psfs = PsfChoice(viewer)
        self._reference = CalmComboBox()
        self._reference.setToolTip("The PSF that the others are compared with")
        self.ideal = LayerChoice(viewer, "none: no Strehl ratio", lambda layer: role_of(layer) != PREVIEW)
        self.ideal.setToolTip("The diffraction-limited PSF of the same optics, on the reference's voxels")
        self.log = QCheckBox("Log profiles")
        self.copy = QPushButton("Copy table")
        self.copy.setToolTip("Copy the table as it is shown, for a spreadsheet or a report")
        self.save_table = QPushButton("Save table …")
        self.save_table.setToolTip("Save as CSV: one row per PSF, every figure at full precision")
        self.save_figure = QPushButton("Save figure …")
        self.save_figure.setToolTip("Save as PNG: the figure black on white, for a report")
        self.notes = QLabel()
        self.notes.setWordWrap(True)
        self.notes.setTextFormat(Qt.TextFormat.PlainText)
        self.notes.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._arrange()
        self.psfs.changed.connect(self.changed)
        self._reference.currentIndexChanged.connect(self.changed)
        self.ideal.changed.connect(self.changed)
        self.log.toggled.connect(self.restyled)
        self.copy.clicked.connect(self.copy_clicked)
        self.save_table.clicked.connect(self.table_clicked)
        self.save_figure.clicked.connect(self.figure_clicked)
        self.show_found(None, "")

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.psfs)
        choices = QWidget()
        rows = form_layout(choices)
        rows.addRow("Reference", self._reference)
        rows.addRow("Ideal PSF", self.ideal)
        column.addWidget(choices)
        buttons = QGridLayout()
        buttons.addWidget(self.log, 0, 0)
        buttons.addWidget(self.copy, 0, 1)
        buttons.addWidget(self.save_table, 1, 0)
        buttons.addWidget(self.save_figure, 1, 1)
        column.addLayout(buttons)
        column.addWidget(self.notes)

    def layers(self) -> list[Image]:
        """All layers that the comparison depends on."""
        ideal = self.ideal.value()
        return [*self.psfs.chosen(), *([] if ideal is None else [ideal])]

    def offer_references(self, names: list[str]) -> None:
        """Offer the PSFs that are compared; keep the choice if it is still there."""
        before = self._reference.currentText()
        self._reference.blockSignals(True)
        self._reference.clear()
        self._reference.addItems(names)
        self._reference.setCurrentIndex(max(0, names.index(before) if before in names else 0) if names else -1)
        self._reference.blockSignals(False)

    def reference(self) -> int:
        """Which of the compared PSFs the others are compared with."""
        return max(0, self._reference.currentIndex())

    def choose_reference(self, name: str) -> None:
        """Choose the reference by its name."""
        self._reference.setCurrentText(name)

    def show_found(self, table: PsfTable | None, refusal: str) -> None:
        """Say what was done to compare, or why nothing could be."""
        for button in (self.copy, self.save_table, self.save_figure):
            button.setEnabled(table is not None)
        if table is None:
            self.say(refusal, alarm=bool(refusal) and bool(self.psfs.chosen()))
            return
        said = list(table.notes)
        if len(table.rows) == 1:
            said.append("Tick a second PSF to compare this one with.")
        self.say("\n".join(f"• {sentence}" if len(said) > 1 else sentence for sentence in said))

    def say(self, sentence: str, *, alarm: bool = False) -> None:
        """Show a sentence; an alarm is one that asks for something to be changed."""
        self.notes.setText(sentence)
        set_tone(self.notes, ALARM if alarm else "")
        self.notes.setVisible(bool(sentence))

    def release(self) -> None:
        """Listen to the viewer no longer."""
        self.psfs.release()
        self.ideal.release()
