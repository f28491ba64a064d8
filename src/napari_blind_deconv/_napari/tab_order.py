"""The tabulator goes through a form as the eye does: in the order of its layouts, not of what was made first."""

from collections.abc import Iterator
from itertools import pairwise

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QLayout, QLayoutItem, QScrollArea, QWidget


def tab_through(root: QWidget) -> None:
    """Put what takes the keyboard's focus in the order in which it is laid out."""
    for before, after in pairwise(list(stops_of(root))):
        QWidget.setTabOrder(before, after)


def stops_of(widget: QWidget) -> Iterator[QWidget]:
    """What takes the keyboard's focus in a widget, in the order of its layouts, hidden or not."""
    inner = widget.widget() if isinstance(widget, QScrollArea) else None
    if inner is not None:
        yield from stops_of(inner)
    if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
        yield widget
    elif widget.layout() is not None:
        yield from _stops_in(widget.layout())


def _stops_in(layout: QLayout) -> Iterator[QWidget]:
    for item in _items_of(layout):
        if item.widget() is not None:
            yield from stops_of(item.widget())
        elif item.layout() is not None:
            yield from _stops_in(item.layout())


def _items_of(layout: QLayout) -> Iterator[QLayoutItem]:
    """The items of a layout; those of a form row by row, which it counts in the order they were added."""
    if isinstance(layout, QFormLayout):
        roles = (QFormLayout.ItemRole.LabelRole, QFormLayout.ItemRole.FieldRole, QFormLayout.ItemRole.SpanningRole)
        found = (layout.itemAt(row, role) for row in range(layout.rowCount()) for role in roles)
        seen: list[QLayoutItem] = []
        for item in found:
            if item is not None and not any(item is other for other in seen):
                seen.append(item)
                yield item
        return
    for index in range(layout.count()):
        yield layout.itemAt(index)


def name_after(label: str, widget: QWidget) -> QWidget:
    """Tell those who cannot see a label what a widget is; gives what takes the focus first."""
    stops = list(stops_of(widget)) or [widget]
    for stop in stops:
        if not stop.accessibleName():
            stop.setAccessibleName(label)
    return stops[0]
