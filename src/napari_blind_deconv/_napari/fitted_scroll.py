"""A scroll area that is as tall as its content while there is room, and scrolls only when there is none."""

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget


class FittedScroll(QScrollArea):
    """Vertical scrolling only; what lies below it in a layout stays close to the content."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        # The tabulator goes on to the fields, which scroll into view.
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setWidget(content)
        content.installEventFilter(self)

    def sizeHint(self) -> QSize:
        """The content's own size, with its texts wrapped as they are now."""
        content = self.widget()
        hint = content.sizeHint()
        height = content.heightForWidth(self.viewport().width()) if content.hasHeightForWidth() else hint.height()
        return QSize(hint.width(), height + 2)

    def minimumSizeHint(self) -> QSize:
        """As wide as the content has to be beside a scroll bar: there is none below it."""
        bar = self.verticalScrollBar()
        # Styles may keep a distance beside the bar.
        taken = self.width() - self.viewport().width() if bar.isVisible() else 0
        beside = max(bar.sizeHint().width(), taken)
        return QSize(self.widget().minimumSizeHint().width() + beside, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Texts wrap otherwise at another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ask for another height when the content has changed."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return bool(super().eventFilter(watched, event))
