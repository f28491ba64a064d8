"""A part of a form that few people need."""

from qtpy.QtWidgets import QToolButton, QWidget


class Fold(QToolButton):
    """A heading that shows and hides what lies below it: one widget, or what listens to ``toggled``."""

    def __init__(self, title: str, content: QWidget | None = None) -> None:
        super().__init__()
        self._title = title
        self._content = content
        self.setCheckable(True)
        self.setAutoRaise(True)
        self.toggled.connect(self._toggled)
        self._toggled(False)

    def rename(self, title: str) -> None:
        """Show another heading."""
        self._title = title
        self._toggled(self.isChecked())

    def _toggled(self, unfolded: bool) -> None:
        self.setText(f"{'▾' if unfolded else '▸'} {self._title}")
        if self._content is not None:
            self._content.setVisible(unfolded)
