"""One editor per type of value: each has ``value()``, ``set_value(value)`` and the signal ``changed``.

Editors only propose; whether a value is allowed is decided by the settings' own validation.
"""

import json
import math
import re
from collections.abc import Sequence
from typing import Any, Final

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_blind_deconv._napari.tones import ALARM, set_tone
from napari_blind_deconv._napari.wrapped_label import WrappedLabel

# Where a sentence goes on to reasons and remedies; what comes before "channel 2:" is too short to be the matter.
_REASON: Final = r"(?<=.{20})[;:] "
_LARGEST_INT: Final = 2**31 - 1
_LARGEST_FLOAT: Final = 1e12
# The spin box rounds to this many decimals: enough to hold every number between 1e-12 and 1e12 to its last bit.
_DECIMALS: Final = 30


class Editor(QWidget):
    """A widget that edits one value."""

    changed = Signal()
    wide = False
    """Whether it needs the whole width of a form, below its label."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._row = QHBoxLayout()
        self._row.setSpacing(4)
        self._column.addLayout(self._row)
        self._complaint: WrappedLabel | None = None

    def value(self) -> Any:
        """The value as it stands in the form."""
        raise NotImplementedError

    def raw(self) -> Any:
        """The value as plain JSON, allowed or not."""
        return self.value()

    def set_value(self, value: Any) -> None:
        """Show ``value``; `changed` is emitted once if it differs."""
        raise NotImplementedError

    def complain(self, sentence: str) -> None:
        """Say below the value what is wrong with it; nothing takes that back."""
        if self._complaint is None:
            if not sentence:
                return
            self._complaint = WrappedLabel()
            set_tone(self._complaint, ALARM)
            self._column.addWidget(self._complaint)
        # In a narrow column what is wrong; why, and what to do, is said where there is room.
        self._complaint.setText(re.split(_REASON, sentence, maxsplit=1)[0])
        self._complaint.setToolTip(sentence)
        self._complaint.setVisible(bool(sentence))

    @property
    def complaint(self) -> str:
        """What is said to be wrong with the value."""
        return "" if self._complaint is None else str(self._complaint.text())


class CalmComboBox(QComboBox):
    """A combo box that the mouse wheel leaves alone without focus, and that may be narrower than its items."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll the form, not the choice."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class _CalmSpinBox(QSpinBox):
    """An integer that the mouse wheel leaves alone unless it has the focus."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll the form, not the number."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class _CalmDoubleSpinBox(QDoubleSpinBox):
    """A number shown as short as it can be without losing a digit."""

    def textFromValue(self, value: float) -> str:
        """Shortest text that reads back as the same number."""
        return f"{value:.12g}" if math.isclose(float(f"{value:.12g}"), value, rel_tol=1e-15) else repr(value)

    def valueFromText(self, text: str) -> float:
        """Accept a decimal point in every locale; what is not a number is refused by `validate`."""
        return float(text.replace(",", "."))

    def validate(self, text: str, position: int) -> Any:
        """Numbers pass, scientific notation included; beginnings of numbers may be typed on."""
        from qtpy.QtGui import QValidator

        try:
            float(text.replace(",", "."))
        except ValueError:
            typing = text.strip() in {"", "-", "+", "."} or text.lower().rstrip("+-").endswith("e")
            state = QValidator.State.Intermediate if typing else QValidator.State.Invalid
            return state, text, position
        return QValidator.State.Acceptable, text, position

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll the form, not the number."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ChoiceEditor(Editor):
    """One of several fixed values."""

    def __init__(self, choices: Sequence[Any], labels: Sequence[str]) -> None:
        super().__init__()
        self.box = CalmComboBox()
        for choice, label in zip(choices, labels, strict=True):
            self.box.addItem(label, choice)
        self.box.currentIndexChanged.connect(self.changed)
        self._row.addWidget(self.box)

    def value(self) -> Any:
        """The chosen value."""
        return self.box.currentData()

    def set_value(self, value: Any) -> None:
        """Choose ``value``."""
        self.box.setCurrentIndex(self.box.findData(value))


class ToggleEditor(Editor):
    """Yes or no."""

    def __init__(self) -> None:
        super().__init__()
        self.box = QCheckBox()
        self.box.toggled.connect(self.changed)
        self._row.addWidget(self.box)

    def value(self) -> bool:
        """Whether it is checked."""
        return bool(self.box.isChecked())

    def set_value(self, value: bool) -> None:
        """Check or uncheck."""
        self.box.setChecked(value)


class IntEditor(Editor):
    """A whole number."""

    def __init__(self, lowest: float, highest: float) -> None:
        super().__init__()
        self.box = _CalmSpinBox()
        self.box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.box.setRange(int(max(lowest, -_LARGEST_INT)), int(min(highest, _LARGEST_INT)))
        self.box.valueChanged.connect(self.changed)
        self._row.addWidget(self.box)

    def value(self) -> int:
        """The number."""
        return int(self.box.value())

    def set_value(self, value: int) -> None:
        """Show the number."""
        self.box.setValue(value)


class FloatEditor(Editor):
    """A number."""

    def __init__(self, lowest: float, highest: float) -> None:
        super().__init__()
        self.box = _CalmDoubleSpinBox()
        self.box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.box.setMinimumWidth(64)
        self.box.setDecimals(_DECIMALS)
        self.box.setRange(max(lowest, -_LARGEST_FLOAT), min(highest, _LARGEST_FLOAT))
        self.box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.box.valueChanged.connect(self.changed)
        self._row.addWidget(self.box)

    def value(self) -> float:
        """The number."""
        return float(self.box.value())

    def set_value(self, value: float) -> None:
        """Show the number."""
        self.box.setValue(value)


class TextEditor(Editor):
    """Text in one line."""

    def __init__(self, placeholder: str = "") -> None:
        super().__init__()
        self.box = QLineEdit()
        self.box.setPlaceholderText(placeholder)
        self.box.textChanged.connect(self.changed)
        self._row.addWidget(self.box)

    def value(self) -> Any:
        """The text."""
        return str(self.box.text())

    def set_value(self, value: Any) -> None:
        """Show the text."""
        self.box.setText(str(value))


class FileEditor(TextEditor):
    """The path of a file, typed or chosen in a dialog.

    Parameters
    ----------
    placeholder
        What the empty field shows.
    title, kinds
        Of the dialog: its title, and the kinds of files that it offers.
    """

    def __init__(self, placeholder: str, title: str, kinds: str) -> None:
        super().__init__(placeholder)
        self._title, self._kinds = title, kinds
        self.button = QToolButton()
        self.button.setText("…")
        self.button.setToolTip("Choose a file")
        self.button.clicked.connect(self._choose)
        self._row.addWidget(self.button)

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, self._title, self.value(), f"{self._kinds};;All files (*)")
        if path:
            self.set_value(path)


class ListEditor(TextEditor):
    """Several numbers in one line, separated by commas or blanks."""

    def value(self) -> Any:
        """The numbers; what is no number stays text, for the settings to refuse by name."""
        return [_number(word) for word in str(self.box.text()).replace(",", " ").replace("×", " ").split()]

    def set_value(self, value: Sequence[Any]) -> None:
        """Show the numbers."""
        self.box.setText(", ".join(json.dumps(item) for item in value))


def _number(word: str) -> Any:
    try:
        return json.loads(word)
    except json.JSONDecodeError:
        return word
