"""A hand: clicks, keys and values on widgets, as they come from a mouse and a keyboard."""

from typing import Any, Final

from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QScrollBar,
    QTableView,
    QWidget,
)

from fuzz.case import Rng, chance, pick

KINDS: Final = (QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)
KEYS: Final = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageDown)
TEXTS: Final = (
    "", "0", "5", "7", "9, 9", "3, 5, 5", "0.1, 0.1", "0.3, 0.1, 0.1", "1e-3", "-1", "nan", "1e400", "x", "?, 0.1",
    "µm", "ä/b", "*.tif", "[", "0,1", "123456789012345678901234567890", "a" * 300, "\u202etxt", "  ",
)  # fmt: skip


def within_reach(widget: QWidget) -> list[QWidget]:
    """All that can be operated in a widget now, but for the parts of other such things."""
    found = [part for part in widget.findChildren(QWidget) if isinstance(part, KINDS)]
    return [part for part in found if part.isVisible() and part.isEnabled() and not _belongs(part)]


def _belongs(part: QWidget) -> bool:
    # Qt's own lists, of file names or completions, let nobody look into them.
    bare = isinstance(part, QAbstractItemView) and not type(part).__module__.startswith("napari_blind_deconv")
    return bare or isinstance(part, QScrollBar) or isinstance(part.parent(), (QAbstractSpinBox, QComboBox))


def named(part: QWidget) -> str:
    """What it is, for the log."""
    text = getattr(part, "text", str)() if isinstance(part, (QAbstractButton, QLineEdit)) else ""
    return f"{type(part).__name__} {text or part.objectName() or part.toolTip()[:40]!r}"


def operate(rng: Rng, part: QWidget) -> str:
    """Do one thing to it that a hand could do; said in words."""
    if isinstance(part, QAbstractButton):
        click(part)
        return "clicked"
    if isinstance(part, QLineEdit):
        return type_into(part, str(pick(rng, TEXTS)), enter=chance(rng, 0.5))
    if isinstance(part, QAbstractSpinBox):
        return press(rng, part) if chance(rng, 0.4) else type_into(part, str(pick(rng, TEXTS)), enter=True)
    if isinstance(part, QAbstractItemView):
        return _point_at_item(rng, part)
    return press(rng, part)


def click(part: QWidget, at: QPoint | None = None) -> None:
    """A click with the left button, in the middle where nothing else is said."""
    QTest.mouseClick(part, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at or part.rect().center())


def press(rng: Rng, part: QWidget) -> str:
    """A few keys; lists of choices and sliders follow them."""
    part.setFocus()
    keys = [pick(rng, KEYS) for _ in range(int(rng.integers(1, 5)))]
    for key in keys:
        QTest.keyClick(part, key)
    return "keys " + " ".join(key.name.removeprefix("Key_") for key in keys)


def type_into(part: QWidget, text: str, *, enter: bool) -> str:
    """Replace what stands there, as a user who selects all and pastes."""
    part.setFocus()
    part.selectAll()  # type: ignore[attr-defined]
    QTest.keyClick(part, Qt.Key.Key_Delete)
    line: Any = part.findChild(QLineEdit) or part
    line.insert(text)
    if enter:
        QTest.keyClick(part, Qt.Key.Key_Return)
    return f"typed {text[:40]!a}"


def _point_at_item(rng: Rng, view: QAbstractItemView) -> str:
    model = view.model()
    rows = model.rowCount()
    # A list's model hides how many columns it has.
    columns = model.columnCount() if isinstance(view, QTableView) else 1
    if not rows or not columns:
        return "empty"
    index = model.index(int(rng.integers(rows)), int(rng.integers(columns)))
    click(view.viewport(), view.visualRect(index).center())
    if chance(rng, 0.2):
        QTest.keyClick(view, pick(rng, (Qt.Key.Key_Space, Qt.Key.Key_Delete, Qt.Key.Key_Down)))
    return f"item {index.row()}, {index.column()}"
