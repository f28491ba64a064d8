"""Inks of texts that are no ordinary ones, readable on napari's dark and light themes."""

from types import MappingProxyType
from typing import Any, Final

from napari.utils.theme import get_theme
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QWidget

QUIET, ALARM = "quiet", "alarm"
"""What explains; what asks for something to be changed."""

INKS: Final = MappingProxyType(
    {
        "dark": MappingProxyType({QUIET: "#a8b1bc", ALARM: "#ff9d7a", "line": "#5a626c", "focus": "#9fbcff"}),
        "light": MappingProxyType({QUIET: "#4c5560", ALARM: "#a8320f", "line": "#a09d9b", "focus": "#1f4fb5"}),
    }
)
"""Kind of a theme: tone and ink, with a contrast of at least 4.5 on the theme's background."""

_PROPERTY: Final = "tone"
_MIDDLE: Final = 128
_FOCUSED: Final = (
    "QPushButton:focus, QToolButton:focus, QComboBox:focus, QLineEdit:focus, QAbstractSpinBox:focus, QScrollArea:focus"
)


def kind_of(theme: str) -> str:
    """``dark`` or ``light``: the kind of a theme of napari, also of one that a plugin brought.

    Examples
    --------
    >>> kind_of("dark"), kind_of("light")
    ('dark', 'light')
    """
    return "dark" if QColor(get_theme(theme).background.as_hex()).lightness() < _MIDDLE else "light"


def sheet(theme: str) -> str:
    """The style sheet of a widget under a theme: what `set_tone` has marked, and where the keyboard is."""
    inks = INKS[kind_of(theme)]
    return f"""
QLabel[{_PROPERTY}="{QUIET}"] {{ color: {inks[QUIET]}; }}
QLabel[{_PROPERTY}="{ALARM}"] {{ color: {inks[ALARM]}; font-weight: bold; }}
QLineEdit[{_PROPERTY}="{ALARM}"] {{ color: {inks[ALARM]}; }}
QFrame[{_PROPERTY}="line"] {{ color: {inks["line"]}; }}
{_FOCUSED} {{ border: 1px solid {inks["focus"]}; }}
QCheckBox:focus, QToolButton:focus {{ color: {inks["focus"]}; }}
"""


def set_tone(widget: QWidget, tone: str = "") -> None:
    """Give a label or a field the ink of a tone; nothing gives back the ordinary one."""
    if tone_of(widget) == tone:
        return
    widget.setProperty(_PROPERTY, tone)
    style: Any = widget.style()
    style.unpolish(widget)
    style.polish(widget)


def tone_of(widget: QWidget) -> str:
    """The tone that a widget was given."""
    return str(widget.property(_PROPERTY) or "")
