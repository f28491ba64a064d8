"""Component → form: one editor per field, recursive, so that a new prior or restorer has its form from the first day.

The form proposes; the component's own validation decides, and its message is what people see.
"""

import dataclasses
import math
from collections.abc import Sequence
from contextlib import suppress
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_blind_deconv._napari.applying import CONDITIONAL, alike, applying
from napari_blind_deconv._napari.editors import CalmComboBox, Editor
from napari_blind_deconv._napari.field_docs import KIND, class_doc, field_types
from napari_blind_deconv._napari.form_rows import add_field, add_row, form_layout, set_fields
from napari_blind_deconv._napari.help_links import HelpText, help_of
from napari_blind_deconv._napari.kind_words import KIND_MEANINGS
from napari_blind_deconv._napari.limits import limits
from napari_blind_deconv._napari.made_when_shown import MadeWhenShown
from napari_blind_deconv._napari.optional_editors import optional
from napari_blind_deconv._napari.plain_editors import plain_editor
from napari_blind_deconv._napari.preset_choice import PresetChoice, presets_for
from napari_blind_deconv._napari.quantity_editors import QuantityEditor, is_quantity
from napari_blind_deconv._napari.tab_order import name_after
from napari_blind_deconv._napari.tones import QUIET, set_tone
from napari_blind_deconv._napari.words import EXAMPLES, EXPLAINED, HELP_PAGES, PER_CHANNEL, RARE_FIELDS, kind_label
from napari_blind_deconv._napari.wrapped_label import WrappedLabel
from napari_blind_deconv.kernel_priors.presets import Preset


class ComponentForm(Editor):
    """A form with one row per field of a component; ``value()`` is a component of that class."""

    wide = True

    def __init__(self, cls: type, skip: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._cls = cls
        self.editors = {name: editor_for(hint, name) for name, hint in field_types(cls).items() if name not in skip}
        body = QWidget()
        self._row.addWidget(body)
        self.rows = form_layout(body)
        self.rare = QWidget(body)
        rare = form_layout(self.rare)
        self.rare.setVisible(False)
        self._channels: int | None = None
        self._offered = dict(presets_for(list(self.editors)))
        self.presets: dict[str, PresetChoice] = {}
        for name, editor in self.editors.items():
            self._offer_presets(name)
            add_field(rare if name in RARE_FIELDS else self.rows, name, editor, cls)
            editor.changed.connect(self._changed)
        self.has_rare = bool(rare.rowCount())
        with suppress(TypeError, ValueError):
            # What cannot be made without being told something keeps its editors' own beginnings.
            self.set_value(cls())
        self._follow()

    def _offer_presets(self, before: str) -> None:
        """Put a list that fills in fields above the first of them."""
        for label, presets in self._offered.items():
            if before == next(iter(presets[0].fields)):
                self.presets[label] = PresetChoice(presets)
                self.presets[label].filled.connect(self._fill)
                add_row(self.rows, label, self.presets[label])

    def _fill(self, preset: Preset) -> None:
        before = self.raw()
        self.blockSignals(True)
        applying = self.applying()
        for name, value in preset.fields.items():
            if name in applying:
                self.editors[name].set_value(value)
        self.blockSignals(False)
        self._follow()
        if self.raw() != before:
            self.changed.emit()

    def applying(self) -> set[str]:
        """The fields that mean something beside the others."""
        return applying(self.editors, self._channels)

    def set_channels(self, names: Sequence[str]) -> None:
        """Offer the fields that differ between channels where there are several, with what each is called."""
        if not PER_CHANNEL & set(self.editors):
            return
        self._channels = len(names)
        for field in PER_CHANNEL & set(self.editors):
            self.editors[field].setToolTip(f"One number per channel: {', '.join(names)}")
        self._follow()

    def _changed(self) -> None:
        if self.signalsBlocked():
            return
        now = self.applying()
        for choice in self.presets.values():
            # A laser that comes into play is that of the dye, as long as nobody gave another one.
            for name, value in choice.fields().items():
                if name in now - self._applied and self.editors[name].value() is None:
                    self.blockSignals(True)
                    self.editors[name].set_value(value)
                    self.blockSignals(False)
        self._follow()
        self.changed.emit()

    def _follow(self) -> None:
        """Show the fields that apply, and the names of what they stand at."""
        applying = self._applied = self.applying()
        for name in CONDITIONAL & set(self.editors):
            self.rows.setRowVisible(self.editors[name], name in applying)
        for choice in self.presets.values():
            choice.follow(self.editors, applying)
            self.rows.setRowVisible(choice, choice.has_use(applying))

    @property
    def has_rows(self) -> bool:
        """Whether there is anything to fill in."""
        return bool(self.rows.rowCount())

    def raw(self) -> dict[str, Any]:
        """The fields as they stand, as plain JSON values, allowed or not."""
        kind = getattr(self._cls, KIND, None)
        values = {n: editor.raw() for n, editor in self.editors.items()}
        values |= dict.fromkeys(alike(self._channels) & set(values))
        return values if kind is None else {KIND: kind, **values}

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
        self._follow()


class VariantEditor(Editor):
    """One of several kinds of component: a choice, and below it the fields of the chosen kind.

    Parameters
    ----------
    classes
        The kinds.
    explained
        Whether a line below the choice says what the chosen kind means; else only a tool tip does.
    page
        Of the documentation, on the kinds; empty: none.
    """

    form_made = Signal(str, object)
    """A kind was shown for the first time, and has a form now."""

    wide = True

    def __init__(self, classes: tuple[type, ...], *, explained: bool = False, page: str = "") -> None:
        super().__init__()
        body = QWidget()
        self._row.addWidget(body)
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.box = CalmComboBox()
        column.addWidget(self.box)
        self.meaning = WrappedLabel()
        set_tone(self.meaning, QUIET)
        self.meaning.setVisible(explained)
        column.addWidget(self.meaning)
        self.help = HelpText(page)
        self.help.setVisible(False)
        column.addWidget(self.help)
        kinds = {str(getattr(cls, KIND)): cls for cls in classes}
        self._meanings = {kind: KIND_MEANINGS.get(kind, class_doc(cls)) for kind, cls in kinds.items()}
        self._classes = kinds
        self._guests: dict[str, tuple[str, QWidget]] = {}
        self.forms = MadeWhenShown(self._made)
        self._column = column
        self.rare = QWidget(body)
        self.rare.setContentsMargins(16, 0, 0, 0)
        self._rare_column = QVBoxLayout(self.rare)
        self._rare_column.setContentsMargins(0, 0, 0, 0)
        for kind in kinds:
            self.box.addItem(kind_label(kind), kind)
            self.box.setItemData(self.box.count() - 1, self._meanings[kind], Qt.ItemDataRole.ToolTipRole)
        column.addWidget(self.rare)
        self.box.currentIndexChanged.connect(self._show_fields)
        self.box.currentIndexChanged.connect(self.changed)

    @property
    def kind(self) -> str:
        """The chosen kind."""
        return str(self.box.currentData())

    def showEvent(self, event: QShowEvent) -> None:
        """Show the fields of the first kind, where nobody has chosen one."""
        self._chosen()
        super().showEvent(event)

    def _made(self, kind: str) -> ComponentForm:
        # Those who are told of it look at it.
        form = self.forms[kind] = ComponentForm(self._classes[kind])
        form.setContentsMargins(16, 0, 0, 0)
        form.setVisible(False)
        self._column.insertWidget(self._column.count() - 1, form)
        self._rare_column.addWidget(form.rare)
        self._let_in(kind)
        form.changed.connect(self.changed)
        self.form_made.emit(kind, form)
        return form

    def add_row(self, kind: str, label: str, widget: QWidget) -> None:
        """Put a widget of the host on top of a kind's fields, once these are made."""
        widget.setParent(self)
        widget.setVisible(False)
        self._guests[kind] = label, widget
        if kind in self.forms:
            self._let_in(kind)
            self._show_fields()

    def _let_in(self, kind: str) -> None:
        if kind in self._guests:
            label, widget = self._guests.pop(kind)
            self.forms[kind].rows.insertRow(0, label, widget)
            widget.setVisible(True)
            name_after(label, widget)

    def show_help(self, shown: bool) -> None:
        """Show or hide what the chosen kind says of itself and of its fields; it follows the choice."""
        self.help.setVisible(shown)
        self._show_fields()

    def _show_fields(self) -> None:
        self.meaning.setText(self._meanings[self.kind])
        shown = self.forms[self.kind]
        if not self.help.isHidden():
            self.help.words.setText(help_of(self._classes[self.kind], tuple(shown.editors)))
        for kind, form in self.forms.items():
            form.setVisible(kind == self.kind and form.has_rows)
            form.rare.setVisible(kind == self.kind)
        self.rare.setVisible(shown.has_rare)

    def _chosen(self) -> ComponentForm:
        if self.kind not in self.forms:
            self._show_fields()
        form: ComponentForm = self.forms[self.kind]
        return form

    def raw(self) -> dict[str, Any]:
        """The chosen kind's fields as plain JSON values."""
        return self._chosen().raw()

    def value(self) -> Any:
        """The chosen component."""
        return self._chosen().value()

    def set_value(self, value: Any) -> None:
        """Choose the component's kind and show its fields."""
        before = self.raw() if self.kind in self.forms else None
        form = self.forms[value.kind]
        self.blockSignals(True)
        self.box.setCurrentIndex(self.box.findData(value.kind))
        self._show_fields()
        form.set_value(value)
        self.blockSignals(False)
        if self.raw() != before:
            self.changed.emit()


def editor_for(annotation: Any, name: str, bounds: tuple[float, float] = (-math.inf, math.inf)) -> Editor:
    """The editor for a type: the only place that knows which widget edits what."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        whole = int in {arguments[0], *get_args(arguments[0])}
        return editor_for(arguments[0], name, limits(arguments[1:], whole=whole))
    if origin in {Union, UnionType}:
        return _union_editor(arguments, name, bounds)
    if dataclasses.is_dataclass(annotation):
        return ComponentForm(annotation)  # type: ignore[arg-type]
    return plain_editor(annotation, name, bounds)


def _union_editor(members: tuple[Any, ...], name: str, bounds: tuple[float, float]) -> Editor:
    if is_quantity(Union[members]):  # noqa: UP007 - made of what there is
        return QuantityEditor(EXAMPLES.get(name, ""))
    present = tuple(member for member in members if member is not NoneType)
    if all(dataclasses.is_dataclass(member) for member in present) and len(present) > 1:
        return VariantEditor(present, explained=name in EXPLAINED, page=HELP_PAGES.get(name, ""))
    inner = editor_for(present[0], name, bounds)
    return optional(inner, name) if NoneType in members else inner
