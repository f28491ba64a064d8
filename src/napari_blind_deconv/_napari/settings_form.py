"""The form of all settings: what everybody decides on top, the rest folded away."""

from collections.abc import Sequence
from typing import Any, Final

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_blind_deconv._napari.component_form import ComponentForm, VariantEditor, field_editors
from napari_blind_deconv._napari.editors import Editor
from napari_blind_deconv._napari.fold import Fold
from napari_blind_deconv._napari.form_rows import add_field, form_layout, set_fields
from napari_blind_deconv._napari.tab_order import name_after
from napari_blind_deconv.settings import Settings, settings_from_dict

_MAIN: Final = ("kernel_prior", "kernel_size", "image_prior")
_FIRST_OF_THE_REST: Final = ("iterations", "device")


class SettingsForm(Editor):
    """All settings: what everybody decides on top, the rest in a fold named Advanced."""

    def __init__(self) -> None:
        super().__init__()
        self.editors = dict(field_editors(Settings))
        self.kernel_prior: VariantEditor = self.editors["kernel_prior"]
        self._channels: tuple[str, ...] | None = None
        self.kernel_prior.form_made.connect(self._tell_channels)
        body, hidden = QWidget(), QWidget()
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        self._row.addLayout(column)
        column.addWidget(body)
        self.fold = Fold("Advanced", hidden)
        column.addWidget(self.fold)
        column.addWidget(hidden)
        main, self._advanced = form_layout(body), form_layout(hidden)
        advanced = self._advanced
        for name in _MAIN:
            if isinstance(self.editors[name], VariantEditor):
                # The fields that few people need follow their choice into the fold.
                advanced.addRow(self.editors[name].rare)
        order = (*_MAIN, *_FIRST_OF_THE_REST)
        for name in sorted(self.editors, key=lambda n: order.index(n) if n in order else len(order)):
            add_field(main if name in _MAIN else advanced, name, self.editors[name], Settings)
            self.editors[name].changed.connect(self.changed)
        self.set_value(Settings())

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

    def _tell_channels(self, form: ComponentForm) -> None:
        """What a form is told that was made after the others were."""
        if self._channels is not None:
            form.set_channels(self._channels)

    def withdraw(self) -> None:
        """Take back all complaints."""
        for editor in self.findChildren(Editor):
            editor.complain("")

    def _field(self, path: str) -> Editor | None:
        name, _, inner = path.partition(".")
        editor = self.editors.get(name)
        if inner and isinstance(editor, VariantEditor):
            return editor.forms[editor.kind].editors.get(inner)
        return None if inner else editor

    def raw(self) -> dict[str, Any]:
        """The settings as plain JSON values, allowed or not."""
        return {name: editor.raw() for name, editor in self.editors.items()}

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
