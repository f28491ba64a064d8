"""Editors of physical quantities: a number that is known, one that lies between two others, or one that is free."""

import json
import math
from collections.abc import Sequence
from types import NoneType
from typing import Any, Final, get_args

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QLineEdit

from napari_blind_deconv._napari.editors import CalmComboBox, Editor, ListEditor
from napari_blind_deconv._napari.tones import ALARM, set_tone

FREE, FIXED, BETWEEN = "free", "fixed", "between"
_WORDS: Final = ((FIXED, "fixed at"), (BETWEEN, "between"), (FREE, "not known"))
# What stands for a free number in a line of numbers.
_ANY: Final = "?"
# What an empty field says of itself; the settings refuse it by this name.
_EMPTY: Final = "…"


class QuantityEditor(Editor):
    """A number, two bounds, or nothing: ``1.4``, ``[1.3, 1.45]`` or ``None``.

    Parameters
    ----------
    example
        What the empty field of the number shows.
    """

    def __init__(self, example: str = "") -> None:
        super().__init__()
        self.box = CalmComboBox()
        self.box.setMinimumContentsLength(4)
        for kind, words in _WORDS:
            self.box.addItem(words, kind)
        self.box.setCurrentIndex(self.box.findData(FREE))
        self.low, self.high = QLineEdit(), QLineEdit()
        self._and = QLabel("and")
        self._row.addWidget(self.box, 3)
        for widget, stretch in ((self.low, 2), (self._and, 0), (self.high, 2)):
            self._row.addWidget(widget, stretch)
        for field in (self.low, self.high):
            field.setMinimumWidth(36)
            field.textChanged.connect(self._typed)
        self.low.setPlaceholderText(example)
        self.box.currentIndexChanged.connect(self._kind_changed)
        self.box.activated.connect(self._chosen)
        self._show_fields()

    @property
    def kind(self) -> str:
        """``free``, ``fixed`` or ``between``."""
        return str(self.box.currentData())

    def value(self) -> Any:
        """A number, a list of two, or ``None``; what is no number stays text, for the settings to refuse by name."""
        if self.kind == FREE:
            return None
        low, high = number(self.low.text()), number(self.high.text())
        if self.kind == FIXED:
            return low
        return [low, high] if all(isinstance(n, (int, float)) for n in (low, high)) else f"{low} to {high}"

    def set_value(self, value: Any) -> None:
        """Show a number, a pair or ``None``; `changed` is emitted once if it differs."""
        before = self.value()
        self.blockSignals(True)
        kind = FREE if value is None else BETWEEN if isinstance(value, Sequence) else FIXED
        self.box.setCurrentIndex(self.box.findData(kind))
        if kind == FIXED:
            self.low.setText(as_text(value))
        elif kind == BETWEEN:
            self.low.setText(as_text(value[0]))
            self.high.setText(as_text(value[1]))
        self.blockSignals(False)
        if self.value() != before:
            self.changed.emit()

    def _typed(self) -> None:
        for field in (self.low, self.high):
            set_tone(field, "" if _is_number(field.text()) or not field.text() else ALARM)
        self.changed.emit()

    def _kind_changed(self) -> None:
        self._show_fields()
        self.changed.emit()

    def _chosen(self) -> None:
        """Whoever chooses "fixed" wants to type a number next."""
        if self.kind != FREE:
            self.low.setFocus(Qt.FocusReason.OtherFocusReason)
            self.low.selectAll()

    def _show_fields(self) -> None:
        self.low.setVisible(self.kind != FREE)
        self._and.setVisible(self.kind == BETWEEN)
        self.high.setVisible(self.kind == BETWEEN)


class QuantityListEditor(ListEditor):
    """Several quantities in one line: ``0.3, 0, -0.5 to 0.5, ?``.

    Parameters
    ----------
    example
        What the empty field shows.
    """

    def __init__(self, example: str) -> None:
        super().__init__(f"such as {example}")

    def value(self) -> Any:
        """A list of numbers, pairs and ``None``; what is none of them stays text."""
        return [_quantity(words) for words in str(self.box.text()).replace(";", ",").split(",") if words.strip()]

    def set_value(self, value: Sequence[Any]) -> None:
        """Show the quantities."""
        self.box.setText(", ".join(_in_words(item) for item in value))


def _quantity(words: str) -> Any:
    words = words.strip()
    if words in {_ANY, FREE, "null"}:
        return None
    low, to, high = words.partition(" to ")
    return [number(low), number(high)] if to else number(words)


def _in_words(value: Any) -> str:
    if value is None:
        return _ANY
    return " to ".join(as_text(v) for v in value) if isinstance(value, Sequence) else as_text(value)


def is_quantity(annotation: Any) -> bool:
    """Whether a type is a number, two of them, or nothing."""
    members = get_args(annotation)
    return float in members and tuple[float, float] in members and NoneType in members


def number(text: str) -> Any:
    """A number from a field, with a decimal point or comma; other text as it is, an empty field as dots.

    Examples
    --------
    >>> number("1,4"), number(".5"), number("1.4 oil"), number("")
    (1.4, 0.5, '1.4 oil', '…')
    """
    return float(text.replace(",", ".")) if _is_number(text) else text.strip() or _EMPTY


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text.replace(",", ".")))
    except ValueError:
        return False


def as_text(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return f"{value:g}" if float(f"{value:g}") == value else json.dumps(value)
