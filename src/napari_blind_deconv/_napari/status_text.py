"""Sentences about a run that take no more of a dock than their share; longer ones scroll."""

from typing import Final

from qtpy.QtCore import QSize, Qt

from napari_blind_deconv._napari.fitted_scroll import FittedScroll
from napari_blind_deconv._napari.tones import ALARM, set_tone, tone_of
from napari_blind_deconv._napari.wrapped_label import WrappedLabel

_LEAST_LINES: Final = 4


class StatusText(FittedScroll):
    """Plain text that can be selected; as tall as it has to be, up to `set_room`."""

    def __init__(self) -> None:
        self.label = WrappedLabel()
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        super().__init__(self.label)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # to scroll by keys
        self._room = 0

    def say(self, sentence: str, *, alarm: bool = False) -> None:
        """Show a sentence; an alarm is one that asks for something to be changed."""
        if sentence != self.label.text():
            self.label.setText(sentence)
            self.verticalScrollBar().setValue(0)
        set_tone(self.label, ALARM if alarm else "")
        self.updateGeometry()

    def text(self) -> str:
        """What it says."""
        return str(self.label.text())

    @property
    def is_alarm(self) -> bool:
        """Whether it asks for something to be changed."""
        return tone_of(self.label) == ALARM

    def set_room(self, height: int) -> None:
        """Take no more than this height in pixels, but always that of a few lines."""
        room = max(height, self._least())
        if room != self._room:
            self._room = room
            self.updateGeometry()

    def _least(self) -> int:
        return int(_LEAST_LINES * self.fontMetrics().lineSpacing()) + 2

    def sizeHint(self) -> QSize:
        """That of the text, as far as there is room."""
        hint = super().sizeHint()
        return QSize(0, min(hint.height(), max(self._room, self._least())))

    def minimumSizeHint(self) -> QSize:
        """A few lines, however narrow."""
        return QSize(0, min(super().sizeHint().height(), self._least()))
