"""A text of a form that takes as many lines as it needs at the width that there is, and no more."""

from typing import Final

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QResizeEvent, QShowEvent
from qtpy.QtWidgets import QLabel

_SIDES: Final = 3  # letters


class WrappedLabel(QLabel):
    """Plain text; a form gives an ordinary label the height that its text would have if it were narrow."""

    def __init__(self) -> None:
        super().__init__()
        self._fitted = (0, "")
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.updateGeometry)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def sizeHint(self) -> QSize:
        """One line, as wide as the text with what a style has at its sides: less would ask for the height of two."""
        ink = self.fontMetrics()
        return QSize(ink.horizontalAdvance(self.text()) + _SIDES * ink.averageCharWidth(), ink.height())

    def setText(self, text: str) -> None:
        """Show another text."""
        super().setText(text)
        if self.isVisible():
            self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        """The text may be another one than when it was seen last."""
        super().showEvent(event)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Be as high as the text is at this width: forms in forms do not ask for that."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        fitted = (self.width(), str(self.text()))
        if fitted != self._fitted:
            self._fitted = fitted
            # A label takes no less height than its minimum, which is that of another width or text.
            self.setMinimumHeight(0)
            self.setMinimumHeight(max(self.heightForWidth(self.width()), 0))
            # A layout that is at work hears nothing.
            self._later.start()
