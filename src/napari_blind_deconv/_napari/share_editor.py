"""A number between 0 and 1: a slider to feel it, a spin box to say it."""

from typing import Final

from qtpy.QtCore import Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QSlider

from napari_blind_deconv._napari.editors import Editor, FloatEditor

_STEPS: Final = 100


class _CalmSlider(QSlider):
    """A slider that the mouse wheel leaves alone unless it has the focus."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll the form, not the number."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ShareEditor(Editor):
    """A number from 0 to 1; the slider goes in hundredths, the spin box keeps every digit."""

    def __init__(self) -> None:
        super().__init__()
        self.slider = _CalmSlider(Qt.Orientation.Horizontal)
        self.slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.slider.setRange(0, _STEPS)
        self.slider.setPageStep(_STEPS // 10)
        self.slider.setMinimumWidth(40)
        self.number = FloatEditor(0, 1)
        self._row.addWidget(self.slider, 2)
        self._row.addWidget(self.number, 1)
        self.slider.valueChanged.connect(self._slid)
        self.number.changed.connect(self._follow)
        self.number.changed.connect(self.changed)

    def _slid(self, position: int) -> None:
        self.number.set_value(position / _STEPS)

    def _follow(self) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(round(self.number.value() * _STEPS))
        self.slider.blockSignals(False)

    def value(self) -> float:
        """The number."""
        return self.number.value()

    def set_value(self, value: float) -> None:
        """Show the number."""
        self.number.set_value(value)
