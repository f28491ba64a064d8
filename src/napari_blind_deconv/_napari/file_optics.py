"""The microscope as the image's file describes it, filled into a form where nobody has typed anything else."""

from collections.abc import Mapping
from typing import Any

from napari_blind_deconv._napari.component_form import ComponentForm, VariantEditor
from napari_blind_deconv._napari.tones import QUIET, set_tone
from napari_blind_deconv._napari.words import field_name
from napari_blind_deconv._napari.wrapped_label import WrappedLabel

_PLURALS = {"emissions_um": "emission_um", "excitations_um": "excitation_um"}


def fields_of(optics: Mapping[str, Any], channels: int) -> dict[str, Any]:
    """A file's optics (`io.ome_optics.optics_of`) as fields of the microscope, for so many channels.

    Examples
    --------
    >>> fields_of({"na": 1.4, "emissions_um": [0.461, 0.519]}, 2)
    {'na': 1.4, 'emissions_um': [0.461, 0.519]}
    >>> fields_of({"emissions_um": [0.461]}, 1)
    {'emission_um': 0.461}
    """
    found = {name: optics[name] for name in ("na", "immersion_index") if name in optics}
    for plural, single in _PLURALS.items():
        lengths = list(optics.get(plural, ()))
        if len(lengths) != channels:
            continue
        if channels == 1:
            found[single] = lengths[0]
        else:
            found[plural] = lengths
    return found


class FileOptics:
    """Keeps the fields of a microscope's form at what the file says, as long as nobody changes them.

    Parameters
    ----------
    priors
        What has a form of the microscope, or will have one; a line on top of it says what came from the file.
    """

    def __init__(self, priors: VariantEditor) -> None:
        self._form: ComponentForm | None = None
        self._usual: dict[str, Any] = {}
        self._filled: dict[str, Any] = {}
        self._wanted: dict[str, Any] = {}
        self.said = WrappedLabel()
        self.said.setParent(priors)
        self.said.setVisible(False)
        set_tone(self.said, QUIET)
        priors.form_made.connect(self._form_made)
        for kind, form in priors.forms.items():
            self._form_made(kind, form)

    def _form_made(self, kind: str, form: ComponentForm) -> None:
        if kind != "microscope":
            return
        self._form = form
        self._usual = {name: editor.value() for name, editor in form.editors.items()}
        form.rows.insertRow(0, self.said)
        self._fill(form)

    def follow(self, optics: Mapping[str, Any], channels: int) -> None:
        """Another image is chosen, whose file says this; nothing where it says nothing."""
        self._wanted = fields_of(optics, channels)
        if self._form is not None:
            self._fill(self._form)

    def _fill(self, form: ComponentForm) -> None:
        wanted = {name: value for name, value in self._wanted.items() if name in form.editors}
        for name in {*wanted, *self._filled}:
            editor = form.editors[name]
            if editor.value() in (self._usual[name], self._filled.get(name)):
                editor.set_value(wanted.get(name, self._usual[name]))
        self._filled = wanted
        self.said.setText(f"From the file: {', '.join(_in_words(*field) for field in wanted.items())}.")
        form.rows.setRowVisible(self.said, bool(wanted))


def _in_words(name: str, value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    numbers = ", ".join("?" if number is None else f"{number:g}" for number in values)
    words = field_name(_PLURALS.get(name, name))
    return f"{words if words == 'NA' else words.lower()} {numbers}{' µm' if name.endswith('_um') else ''}"
