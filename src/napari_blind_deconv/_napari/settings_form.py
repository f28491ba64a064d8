"""Component → form: one editor per field, recursive, so that a new prior or solver has its form from the first day.

The form proposes; the component's own validation decides, and its message is what people see.
"""

import dataclasses
import math
from collections.abc import Iterator
from contextlib import suppress
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from qtpy.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget

from napari_blind_deconv._napari.editors import (
    CalmComboBox,
    ChoiceEditor,
    Editor,
    FileEditor,
    FloatEditor,
    IntEditor,
    ListEditor,
    OptionalEditor,
    OptionalTextEditor,
    TextEditor,
    ToggleEditor,
)
from napari_blind_deconv._napari.field_docs import field_docs
from napari_blind_deconv._napari.fold import Fold
from napari_blind_deconv._napari.limits import limits
from napari_blind_deconv._napari.words import (
    CHOICE_LABELS,
    FIELD_HINTS,
    OPTIONAL_STARTS,
    RARE_FIELDS,
    field_label,
    kind_label,
)
from napari_blind_deconv.settings import Settings, settings_from_dict

_MAIN: Final = ("kernel_prior", "kernel_size", "image_prior", "iterations", "device")
_KIND: Final = "kind"


class ComponentForm(Editor):
    """A form with one row per field of a component; ``value()`` is a component of that class."""

    def __init__(self, cls: type, skip: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._cls = cls
        self.editors = {name: editor for name, editor in field_editors(cls) if name not in skip}
        body = QWidget()
        self._row.addWidget(body)
        self.rows = form_layout(body)
        self.rare = QWidget(body)
        rare = form_layout(self.rare)
        self.rare.setVisible(False)
        for name, editor in self.editors.items():
            add_field(rare if name in RARE_FIELDS else self.rows, name, editor, cls)
            editor.changed.connect(self.changed)
        self.has_rare = bool(rare.rowCount())
        with suppress(TypeError, ValueError):
            # What cannot be made without being told something keeps its editors' own beginnings.
            self.set_value(cls())

    @property
    def has_rows(self) -> bool:
        """Whether there is anything to fill in."""
        return bool(self.rows.rowCount())

    def raw(self) -> dict[str, Any]:
        """The fields as they stand, as plain JSON values, allowed or not."""
        kind = getattr(self._cls, _KIND, None)
        values = {name: plain(editor) for name, editor in self.editors.items()}
        return values if kind is None else {_KIND: kind, **values}

    def value(self) -> Any:
        """The component.

        Raises
        ------
        pydantic.ValidationError
            If a field holds what the component does not allow.
        """
        return self._cls(**self.raw())

    def set_value(self, value: Any) -> None:
        """Show a component's fields; `changed` is emitted once."""
        set_fields(self, self.editors, value)


class VariantEditor(Editor):
    """One of several kinds of component: a choice, and below it the fields of the chosen kind."""

    def __init__(self, classes: tuple[type, ...]) -> None:
        super().__init__()
        body = QWidget()
        self._row.addWidget(body)
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.box = CalmComboBox()
        column.addWidget(self.box)
        self.forms = {getattr(cls, _KIND): ComponentForm(cls) for cls in classes}
        self.rare = QWidget(body)
        self.rare.setContentsMargins(16, 0, 0, 0)
        rare = QVBoxLayout(self.rare)
        rare.setContentsMargins(0, 0, 0, 0)
        for kind, form in self.forms.items():
            self.box.addItem(kind_label(kind), kind)
            form.setContentsMargins(16, 0, 0, 0)
            column.addWidget(form)
            rare.addWidget(form.rare)
            form.changed.connect(self.changed)
        column.addWidget(self.rare)
        self.box.currentIndexChanged.connect(self._show_fields)
        self.box.currentIndexChanged.connect(self.changed)
        self._show_fields()

    @property
    def kind(self) -> str:
        """The chosen kind."""
        return str(self.box.currentData())

    def add_row(self, kind: str, label: str, widget: QWidget) -> None:
        """Put a widget of the host on top of a kind's fields."""
        self.forms[kind].rows.insertRow(0, label, widget)
        self._show_fields()

    def _show_fields(self) -> None:
        for kind, form in self.forms.items():
            form.setVisible(kind == self.kind and form.has_rows)
            form.rare.setVisible(kind == self.kind)
        self.rare.setVisible(self.forms[self.kind].has_rare)

    def raw(self) -> dict[str, Any]:
        """The chosen kind's fields as plain JSON values."""
        return self.forms[self.kind].raw()

    def value(self) -> Any:
        """The chosen component."""
        return self.forms[self.kind].value()

    def set_value(self, value: Any) -> None:
        """Choose the component's kind and show its fields."""
        before = self.raw()
        self.blockSignals(True)
        self.box.setCurrentIndex(self.box.findData(value.kind))
        self.forms[value.kind].set_value(value)
        self.blockSignals(False)
        if self.raw() != before:
            self.changed.emit()


class SettingsForm(Editor):
    """All settings: what everybody decides on top, the rest in a fold named Advanced."""

    def __init__(self) -> None:
        super().__init__()
        self.editors = dict(field_editors(Settings))
        self.kernel_prior: VariantEditor = self.editors["kernel_prior"]
        body, hidden = QWidget(), QWidget()
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        self._row.addLayout(column)
        column.addWidget(body)
        self.fold = Fold("Advanced", hidden)
        column.addWidget(self.fold)
        column.addWidget(hidden)
        main, advanced = form_layout(body), form_layout(hidden)
        for name in _MAIN:
            if isinstance(self.editors[name], VariantEditor):
                # The fields that few people need follow their choice into the fold.
                advanced.addRow(self.editors[name].rare)
        for name in sorted(self.editors, key=lambda n: _MAIN.index(n) if n in _MAIN else len(_MAIN)):
            add_field(main if name in _MAIN else advanced, name, self.editors[name], Settings)
            self.editors[name].changed.connect(self.changed)
        self.set_value(Settings())

    def raw(self) -> dict[str, Any]:
        """The settings as plain JSON values, allowed or not."""
        return {name: plain(editor) for name, editor in self.editors.items()}

    def value(self) -> Settings:
        """The settings.

        Raises
        ------
        InputError
            One sentence that names the setting, its value and what is allowed.
        """
        return settings_from_dict(self.raw())

    def set_value(self, value: Settings) -> None:
        """Show the settings; `changed` is emitted once."""
        set_fields(self, self.editors, value)


def field_editors(cls: type) -> Iterator[tuple[str, Editor]]:
    """An editor for every field that people may set, in the order of declaration."""
    hints = get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        info = cls.__pydantic_fields__[field.name]  # type: ignore[attr-defined]
        if field.name != _KIND and not info.exclude:
            yield field.name, editor_for(hints[field.name], field.name)


def editor_for(annotation: Any, name: str, bounds: tuple[float, float] = (-math.inf, math.inf)) -> Editor:
    """The editor for a type: the only place that knows which widget edits what."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return editor_for(arguments[0], name, limits(arguments[1:], whole=arguments[0] is int))
    if origin in {Union, UnionType}:
        return _union_editor(arguments, name)
    if origin is Literal:
        return ChoiceEditor(arguments, [CHOICE_LABELS.get(choice, str(choice)) for choice in arguments])
    if origin in {tuple, list}:
        return ListEditor()
    if dataclasses.is_dataclass(annotation):
        return ComponentForm(annotation)  # type: ignore[arg-type]
    if annotation is bool:
        return ToggleEditor()
    if annotation in {int, float}:
        return (IntEditor if annotation is int else FloatEditor)(*bounds)
    return FileEditor() if name == "psf" else TextEditor()


def _union_editor(members: tuple[Any, ...], name: str) -> Editor:
    present = tuple(member for member in members if member is not NoneType)
    if all(dataclasses.is_dataclass(member) for member in present) and len(present) > 1:
        return VariantEditor(present)
    inner = editor_for(present[0], name)
    if NoneType not in members:
        return inner
    if isinstance(inner, TextEditor) and not isinstance(inner, ListEditor):
        return OptionalTextEditor(inner)
    if name in OPTIONAL_STARTS:
        inner.set_value(OPTIONAL_STARTS[name])
    return OptionalEditor(inner)


def form_layout(body: QWidget) -> QFormLayout:
    """Labels on the left, editors that take the width on the right."""
    rows = QFormLayout(body)
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setVerticalSpacing(5)
    rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return rows


def add_field(rows: QFormLayout, name: str, editor: Editor, cls: type) -> None:
    """A labelled row with its tool tip."""
    label = QLabel(field_label(name))
    hint = FIELD_HINTS.get(name) or field_docs(cls).get(name, "")
    label.setToolTip(hint)
    editor.setToolTip(hint)
    if isinstance(editor, (VariantEditor, ComponentForm)):
        # Its choices are sentences: they need the whole width.
        rows.addRow(label)
        rows.addRow(editor)
    else:
        rows.addRow(label, editor)


def plain(editor: Editor) -> Any:
    """An editor's value as plain JSON, nested components included."""
    return editor.raw() if isinstance(editor, (ComponentForm, VariantEditor)) else editor.value()


def set_fields(form: Editor, editors: dict[str, Editor], component: Any) -> None:
    """Show a component's fields, and tell the listeners once, when all of them are in place."""
    form.blockSignals(True)
    before = [plain(editor) for editor in editors.values()]
    for name, editor in editors.items():
        editor.set_value(getattr(component, name))
    form.blockSignals(False)
    if [plain(editor) for editor in editors.values()] != before:
        form.changed.emit()
