"""What the metrics are of: a result and its PSF, and folded away what they are compared with."""

from types import MappingProxyType
from typing import Any, Final

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_blind_deconv._napari.fold import Fold
from napari_blind_deconv._napari.form_rows import form_layout
from napari_blind_deconv._napari.layer_choice import LayerChoice
from napari_blind_deconv._napari.layers import role_of
from napari_blind_deconv._napari.live import PREVIEW
from napari_blind_deconv._napari.tones import ALARM, set_tone

LABELS: Final = MappingProxyType(
    {"restored": "Restored image", "psf": "PSF", "truth": "True image", "true PSF": "True PSF"}
)
"""Role of a layer: its label."""
_REFERENCES: Final = ("truth", "true PSF")
_NONE: Final = "none"
_ANY: Final = 16_777_215  # what Qt takes for no limit


class MetricsPanel(QWidget):
    """Choices of layers, buttons that take the metrics elsewhere, and a line that says what became of that."""

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.choices = {role: LayerChoice(viewer, _NONE, lambda layer: role_of(layer) != PREVIEW) for role in LABELS}
        self.copy = QPushButton("Copy table")
        self.copy.setToolTip("Copy the table, for a spreadsheet")
        self.save_table = QPushButton("Save table …")
        self.save_table.setToolTip("Save as CSV: the warnings, and all figures")
        self.save_figure = QPushButton("Save figure …")
        self.save_figure.setToolTip("Save the curves black on white, as PNG or SVG")
        self.notes = QLabel()
        self.notes.setWordWrap(True)
        self.notes.setTextFormat(Qt.TextFormat.PlainText)
        self.notes.setVisible(False)
        self._arrange()
        for role in _REFERENCES:
            self.choices[role].changed.connect(self._reference_chosen)

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        choices = QWidget()
        self._rows = form_layout(choices)
        self.fold = Fold("References: true image, true PSF")
        for role, choice in self.choices.items():
            if role == _REFERENCES[0]:
                self._rows.addRow(self.fold)
            self._rows.addRow(LABELS[role], choice)
        self.fold.toggled.connect(self._fold)
        self._fold(False)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for button in (self.copy, self.save_table, self.save_figure):
            buttons.addWidget(button)
        column.addWidget(choices)
        column.addLayout(buttons)
        column.addWidget(self.notes)
        column.addStretch(0)

    def set_wide(self, width: int | None) -> None:
        """As wide as one column beside the text; ``None``: above it, as wide as there is room."""
        self.setMinimumWidth(width or 0)
        self.setMaximumWidth(width or _ANY)

    def _fold(self, unfolded: bool) -> None:
        # Rows of the one form, so that all labels stand in one column.
        for role in _REFERENCES:
            self._rows.setRowVisible(self.choices[role], unfolded)

    def unfold_for(self, role: str) -> None:
        """Show the references once there is one."""
        if role in _REFERENCES:
            self.fold.setChecked(True)

    def _reference_chosen(self) -> None:
        if any(self.choices[role].value() is not None for role in _REFERENCES):
            self.fold.setChecked(True)

    def say(self, sentence: str, *, alarm: bool = False) -> None:
        """Show a sentence; an alarm is one that asks for something to be changed."""
        self.notes.setText(sentence)
        set_tone(self.notes, ALARM if alarm else "")
        self.notes.setVisible(bool(sentence))

    def release(self) -> None:
        """Listen to the viewer no longer."""
        for choice in self.choices.values():
            choice.release()
