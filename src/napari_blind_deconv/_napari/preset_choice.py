"""A list of names that fill in several fields of a form: an objective, a dye."""

from collections.abc import Iterator, Mapping, Sequence

from qtpy.QtCore import Signal

from napari_blind_deconv._napari.editors import CalmComboBox, Editor
from napari_blind_deconv.kernel_priors.presets import PRESETS, Preset


class PresetChoice(CalmComboBox):
    """Names to choose from; it shows the one that the fields stand at, if there is one.

    Parameters
    ----------
    presets
        What is offered.
    """

    filled = Signal(object)
    """A preset that was chosen by hand."""

    def __init__(self, presets: Sequence[Preset]) -> None:
        super().__init__()
        self._presets = presets
        self.addItem("choose …")
        self.addItems([preset.name for preset in presets])
        self.setToolTip("Fills in: " + ", ".join(f"{p.name}: {_values(p)}" for p in presets[:3]) + " …")
        self.activated.connect(self._chosen)

    def _chosen(self, index: int) -> None:
        if index:
            self.filled.emit(self._presets[index - 1])

    def fields(self) -> Mapping[str, float]:
        """What the shown preset fills in; nothing where none is shown."""
        index = self.currentIndex()
        return self._presets[index - 1].fields if index > 0 else {}

    def has_use(self, applying: set[str]) -> bool:
        """Whether it would fill in anything, where these fields apply."""
        return any(name in applying for preset in self._presets for name in preset.fields)

    def follow(self, editors: dict[str, Editor], applying: set[str]) -> None:
        """Show the preset that the fields stand at, of those fields that apply."""
        values = {name: editor.value() for name, editor in editors.items()}

        def fits(preset: Preset) -> bool:
            given = {name: value for name, value in preset.fields.items() if name in applying}
            return bool(given) and all(values[name] == value for name, value in given.items())

        current = self.currentIndex()
        # Several objectives have the same numbers: the one that was chosen stays.
        if current < 1 or not fits(self._presets[current - 1]):
            self.setCurrentIndex(next((i for i, preset in enumerate(self._presets, start=1) if fits(preset)), 0))


def presets_for(names: Sequence[str]) -> Iterator[tuple[str, tuple[Preset, ...]]]:
    """The lists whose first field there is, with their labels."""
    for label, presets in PRESETS.items():
        if next(iter(presets[0].fields)) in names:
            yield label, presets


def _values(preset: Preset) -> str:
    return ", ".join(f"{value:g}" for value in preset.fields.values())
