"""Rows of a form: a label, a tool tip and an editor each."""

from typing import Any

from qtpy.QtWidgets import QFormLayout, QFrame, QHBoxLayout, QLabel, QWidget

from napari_blind_deconv._napari.editors import Editor
from napari_blind_deconv._napari.field_docs import field_docs
from napari_blind_deconv._napari.help_links import HelpButton
from napari_blind_deconv._napari.tab_order import name_after
from napari_blind_deconv._napari.tones import set_tone
from napari_blind_deconv._napari.words import field_hint, field_label


def form_layout(body: QWidget) -> QFormLayout:
    """Labels on the left, editors that take the width on the right."""
    rows = QFormLayout(body)
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setVerticalSpacing(5)
    rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return rows


def add_field(rows: QFormLayout, name: str, editor: Editor, cls: type) -> None:
    """A labelled row with its tool tip."""
    kind = getattr(cls, "kind", "")
    label = QLabel(field_label(name, kind))
    hint = field_hint(name, kind) or field_docs(cls).get(name, "")
    label.setToolTip(hint)
    editor.setToolTip(hint)
    label.setBuddy(name_after(label.text(), editor))
    if editor.wide:
        # Its choices are sentences: they need the whole width.
        rows.addRow(_with_help(label, editor))
        rows.addRow(editor)
    else:
        rows.addRow(label, editor)


def _with_help(label: QLabel, editor: Editor) -> QWidget:
    """A label, and what shows the help of its editor, where it has any."""
    show_help = getattr(editor, "show_help", None)
    if show_help is None:
        return label
    row, button = QWidget(), HelpButton(label.text().rstrip("?"))
    button.toggled.connect(show_help)
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.addWidget(label)
    line.addWidget(button)
    line.addStretch(1)
    return row


def add_row(rows: QFormLayout, label: str, widget: QWidget) -> None:
    """A labelled row of a widget that belongs to no setting."""
    rows.addRow(label, widget)
    name_after(label, widget)


def set_fields(form: Editor, editors: dict[str, Editor], component: Any) -> None:
    """Show a component's fields, and tell the listeners once, when all of them are in place."""
    form.blockSignals(True)
    before = [editor.raw() for editor in editors.values()]
    for name, editor in editors.items():
        editor.set_value(getattr(component, name))
    form.blockSignals(False)
    if [editor.raw() for editor in editors.values()] != before:
        form.changed.emit()


def beside(wide: QWidget, narrow: QWidget) -> QWidget:
    """Two widgets in one row, of which the first takes the width."""
    both = QWidget()
    row = QHBoxLayout(both)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(wide, 1)
    row.addWidget(narrow)
    return both


def rule() -> QFrame:
    """A line between parts of a form."""
    line = QFrame()
    line.setFrameShape(QFrame.Shape.HLine)
    set_tone(line, "line")
    return line
