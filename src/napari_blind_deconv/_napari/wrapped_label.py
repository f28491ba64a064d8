"""A text of a form that takes as many lines as it needs at the width that there is, and no more."""

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QLabel


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
        """One line, as wide as the text."""
        return QSize(self.fontMetrics().horizontalAdvance(self.text()), self.fontMetrics().height())

    def setText(self, text: str) -> None:
        """Show another text."""
        super().setText(text)
        if self.isVisible():
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
