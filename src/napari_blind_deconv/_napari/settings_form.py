"""The form of all settings: what everybody decides on top, the rest folded away."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget

from napari_blind_deconv._napari.component_form import ComponentForm, VariantEditor, editor_for
from napari_blind_deconv._napari.editors import Editor
from napari_blind_deconv._napari.field_docs import field_types
from napari_blind_deconv._napari.fold import Fold
from napari_blind_deconv._napari.form_rows import add_field, form_layout
from napari_blind_deconv._napari.made_when_shown import MadeWhenShown
from napari_blind_deconv._napari.tab_order import name_after
from napari_blind_deconv.settings import Settings, settings_from_dict, settings_to_dict

_MAIN: Final = ("kernel_prior", "kernel_size", "image_prior")
_FIRST_OF_THE_REST: Final = ("iterations", "device")


class SettingsForm(Editor):
    """All settings: what everybody decides on top, the rest in a fold named Advanced.

    The fields of the fold are made when it is unfolded, or one of them is asked for: most people never see them.
    """

    grown = Signal()
    """Fields were made that were not there before."""

    def __init__(self) -> None:
        super().__init__()
        self._held = Settings()
        self._types = field_types(Settings)
        self._channels: tuple[str, ...] | None = None
        self.editors = MadeWhenShown(self._made)
        body, hidden = QWidget(), QWidget()
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        self._row.addLayout(column)
        column.addWidget(body)
        self.fold = Fold("Advanced", hidden)
        column.addWidget(self.fold)
        column.addWidget(hidden)
        main, self._advanced = form_layout(body), form_layout(hidden)
        for name in _MAIN:
            editor = self.editors[name] = editor_for(self._types[name], name)
            if isinstance(editor, VariantEditor):
                # The fields that few people need follow their choice into the fold.
                self._advanced.addRow(editor.rare)
                editor.form_made.connect(self._form_made)
            self._put(main, name)
        self.kernel_prior: VariantEditor = self.editors["kernel_prior"]
        self.fold.toggled.connect(self._make_the_rest)

    def _put(self, rows: QFormLayout, name: str) -> None:
        editor = self.editors[name]
        editor.set_value(getattr(self._held, name))
        add_field(rows, name, editor, Settings)
        editor.changed.connect(self.changed)

    def _made(self, name: str) -> Editor:
        """One of the fields of the fold, with all others: they have an order."""
        if name not in self._types:
            raise KeyError(name)
        rest = [other for other in self._types if other not in self.editors]
        self.editors.update({other: editor_for(self._types[other], other) for other in rest})
        for other in sorted(rest, key=lambda n: _FIRST_OF_THE_REST.index(n) if n in _FIRST_OF_THE_REST else len(rest)):
            self._put(self._advanced, other)
        self.grown.emit()
        editor: Editor = self.editors[name]
        return editor

    def _make_the_rest(self) -> None:
        for name in self._types:
            self.editors[name]

    def add_advanced(self, label: str, widget: QWidget, hint: str) -> None:
        """Put a widget of the host on top of what few people need."""
        words = QLabel(label)
        for part in (words, widget):
            part.setToolTip(hint)
        words.setBuddy(name_after(label, widget))
        self._advanced.insertRow(0, words, widget)

    def show_advanced(self, widget: QWidget, *, visible: bool) -> None:
        """Show or hide the row of a widget of the host."""
        self._advanced.setRowVisible(widget, visible)

    def complain_at(self, path: str, sentence: str) -> bool:
        """Say what is wrong below the field with this path, such as ``kernel_prior.na``, and whether there is one."""
        field = self._field(path)
        if field is not None:
            field.complain(sentence)
        return field is not None

    def set_channels(self, names: Sequence[str]) -> None:
        """The image's channels by their names: some fields differ between them."""
        self._channels = tuple(names)
        for form in self.kernel_prior.forms.values():
            form.set_channels(names)

    def _form_made(self, _kind: str, form: ComponentForm) -> None:
        """What a form is told that was made after the others were."""
        if self._channels is not None:
            form.set_channels(self._channels)
        self.grown.emit()

    def withdraw(self) -> None:
        """Take back all complaints."""
        for editor in self.findChildren(Editor):
            editor.complain("")

    def _field(self, path: str) -> Editor | None:
        name, _, inner = path.partition(".")
        editor = self.editors[name] if name in self._types else None
        if inner and isinstance(editor, VariantEditor):
            return editor.forms[editor.kind].editors.get(inner)
        return None if inner else editor

    def raw(self) -> dict[str, Any]:
        """The settings as plain JSON values, allowed or not."""
        held = settings_to_dict(self._held)
        return {name: self.editors[name].raw() if name in self.editors else held[name] for name in self._types}

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
        before, forms = self.raw(), len(self.findChildren(ComponentForm))
        self.blockSignals(True)
        self._held = value
        for name, editor in self.editors.items():
            editor.set_value(getattr(value, name))
        self.blockSignals(False)
        if len(self.findChildren(ComponentForm)) != forms:
            self.grown.emit()
        if self.raw() != before:
            self.changed.emit()

    @property
    def planes(self) -> bool:
        """Whether a stack is taken for independent planes, as far as the form says."""
        return bool(self.editors["planes"].value() if "planes" in self.editors else self._held.planes)

    def set_planes(self, planes: bool) -> None:
        """Say whether a stack is taken for independent planes."""
        if "planes" in self.editors:
            self.editors["planes"].set_value(planes)
        elif planes != self._held.planes:
            self._held = replace(self._held, planes=planes)
            self.changed.emit()
