"""The button "Settings": from a layer, a file or under a name into the form, and back under a name; runs again."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from napari.layers import Image
from napari.utils.notifications import show_error
from qtpy.QtWidgets import QFileDialog, QInputDialog, QMenu, QToolButton

from napari_blind_deconv._napari.layers import PLUGIN
from napari_blind_deconv._napari.preferences import can_show_preferences, preferences, show_preferences
from napari_blind_deconv._napari.presets import Presets, usual_path
from napari_blind_deconv._napari.refusals import refusal_on_screen
from napari_blind_deconv._napari.workers import calling
from napari_blind_deconv._types import InputError
from napari_blind_deconv.settings import Settings, settings_from_dict

if TYPE_CHECKING:
    from napari_blind_deconv._napari.recipe import Recipe

FILES: Final = "Settings, reports, results (*.json *.tif *.tiff);;All files (*)"


class SettingsMenu(QToolButton):
    """A menu of where settings come from; it fills the form of its host and keeps none itself.

    Parameters
    ----------
    host
        The widget "Blind deconvolution".
    viewer
        Whose layers are offered.
    presets
        The named ones; by default this user's.
    """

    def __init__(self, host: Any, viewer: Any, presets: Presets | None = None) -> None:
        super().__init__(host)
        self._host, self._viewer = host, viewer
        self.presets = presets or Presets(usual_path())
        self._looking: Any = None
        self._recipe: Recipe | None = None
        self.setText("Settings ▾")
        # The arrow of the style lies on the text.
        self.setStyleSheet("QToolButton::menu-indicator { image: none; width: 0; }")
        self.setToolTip("Take settings from a layer, a file or a preset; run again what a layer was made with")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(self.fill)
        self.setMenu(menu)

    def fill(self) -> None:
        """Make the menu anew, of what there is now."""
        menu = self.menu()
        menu.clear()
        made = [layer for layer in self._viewer.layers if _has_settings(layer)]
        self._submenu(menu, "Load from a layer", {layer.name: partial(self.load_layer, layer) for layer in made})
        menu.addAction("Load from a file…", self._ask_for_file)
        active = self._viewer.layers.selection.active
        again = menu.addAction("Run again", lambda: self.run_again(active))
        if active is not None and _has_settings(active):
            again.setText(f"Run again: “{active.name}”")
        else:
            again.setEnabled(False)
            again.setToolTip("Select a result in the list of layers")
        menu.addSeparator()
        names = self._names()
        self._submenu(menu, "Preset", {name: partial(self.load_preset, name) for name in names})
        menu.addAction("Save as preset…", self._ask_for_name)
        self._submenu(menu, "Delete preset", {name: partial(self.delete_preset, name) for name in names})
        menu.addSeparator()
        menu.addAction("Back to the defaults", lambda: self._take(preferences().settings, "Default settings."))
        page = menu.addAction("Preferences…", lambda: show_preferences(self._viewer))
        if not can_show_preferences():
            page.setEnabled(False)
            page.setToolTip("From napari 0.9 on")

    def load_layer(self, layer: Any) -> None:
        """Take the settings of the run that made a layer."""
        self._try(
            lambda: self._take(
                settings_from_dict(layer.metadata[PLUGIN]["settings"]), f"The settings of “{layer.name}”."
            )
        )

    def load_file(self, path: Path) -> None:
        """Take the settings that a file holds: a JSON file, a report, or an image that this program wrote."""
        from napari_blind_deconv.batch.settings_file import recorded_settings

        self._try(lambda: self._take(settings_from_dict(recorded_settings(path)), f"The settings of {path.name}."))

    def load_preset(self, name: str) -> None:
        """Take the settings under a name."""
        self._try(lambda: self._take(self.presets.settings(name), f"Preset “{name}”."))

    def save_preset(self, name: str) -> None:
        """Keep what the form shows under a name."""

        def save() -> None:
            self.presets.save(name, self._host.form.value())
            self._host.panel.mention(f"Saved as preset “{name.strip()}”.")

        self._try(save)

    def delete_preset(self, name: str) -> None:
        """Forget a name."""

        def delete() -> None:
            self.presets.delete(name)
            self._host.panel.mention(f"Preset “{name}” was deleted.")

        self._try(delete)

    @property
    def is_looking(self) -> bool:
        """Whether the image that a layer was made from is being looked for."""
        return self._looking is not None

    def run_again(self, layer: Any) -> None:
        """Run as the run that made a layer: the same image, settings, axes and voxels, hence the same pixels.

        The image is looked for among the layers by its pixels, else its file is opened, in a thread.
        """
        from napari_blind_deconv._napari.recipe import recipe_of

        if self._host.is_running or self.is_looking:
            self._refuse("a run is on; wait for its end, or cancel it")
            return
        self._try(lambda: self._look_for(recipe_of(layer)))

    def _look_for(self, recipe: "Recipe") -> None:
        from napari_blind_deconv._napari.recipe import found_source

        self._host.panel.mention(f"Looking for the image that “{recipe.result}” was made from …")
        layers = [getattr(layer, "__wrapped__", layer) for layer in self._viewer.layers]
        self._recipe, self._looking = recipe, calling(found_source, recipe, layers, ignore_errors=True)
        self._looking.returned.connect(self._found)
        self._looking.errored.connect(self._not_found)
        self._looking.start()

    def _found(self, layer: Image) -> None:
        recipe, self._recipe, self._looking = self._recipe, None, None
        if recipe is not None:
            self._try(lambda: self._run(recipe, layer))

    def _not_found(self, error: Exception) -> None:
        self._recipe = self._looking = None
        if not isinstance(error, InputError):
            raise error
        self._refuse(refusal_on_screen(error))

    def _run(self, recipe: "Recipe", layer: Image) -> None:
        from napari_blind_deconv._napari.rerun import job_again

        job = job_again(self._host, self._viewer, recipe, layer)
        self._host.control.start(job.frozen())

    def _refuse(self, sentence: str) -> None:
        self._host.panel.say(sentence, alarm=True)
        show_error(sentence)

    def _take(self, settings: Settings, words: str) -> None:
        self._host.form.set_value(settings)
        self._host.panel.mention(words)

    def _names(self) -> list[str]:
        try:
            return self.presets.names()
        except InputError as error:
            self._refuse(refusal_on_screen(error))
            return []

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except InputError as error:
            self._refuse(refusal_on_screen(error))

    def _submenu(self, menu: QMenu, title: str, actions: dict[str, Callable[[], None]]) -> None:
        submenu = menu.addMenu(title)
        submenu.setEnabled(bool(actions))
        for name, action in actions.items():
            # An ampersand would underline the next letter.
            submenu.addAction(name.replace("&", "&&"), action)

    def _ask_for_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Settings", str(preferences().folder or ""), FILES)
        if path:
            self.load_file(Path(path))

    def _ask_for_name(self) -> None:
        name, wanted = QInputDialog.getText(self, "Save as preset", "Name of these settings:")
        if wanted:
            self.save_preset(name)

    def release(self) -> None:
        """Forget what is being looked for."""
        if self._looking is not None:
            self._looking.returned.disconnect()
            self._looking.errored.disconnect()
            self._looking = None


def _has_settings(layer: Any) -> bool:
    notes = layer.metadata.get(PLUGIN)
    return isinstance(notes, dict) and isinstance(notes.get("settings"), dict) and bool(notes["settings"])
