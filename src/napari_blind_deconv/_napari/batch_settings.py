"""The settings of a batch: a form, filled from the widget "Blind deconvolution" or from a file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_blind_deconv._napari.deconvolve_widget import DeconvolveWidget
from napari_blind_deconv._napari.fold import Fold
from napari_blind_deconv._napari.layer_choice import unwrapped
from napari_blind_deconv._napari.psf_file_words import psf_file_words
from napari_blind_deconv._napari.refusals import refusal_on_screen
from napari_blind_deconv._napari.settings_form import SettingsForm
from napari_blind_deconv._napari.words import kind_label
from napari_blind_deconv._types import InputError
from napari_blind_deconv.batch.settings_file import recorded_settings
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.settings import Settings, settings_from_dict

_FILES = "Settings, reports, results (*.json *.tif *.tiff);;All files (*)"


class BatchSettings(QWidget):
    """One truth: the form. What it holds is said in a line above it.

    Parameters
    ----------
    viewer
        In whose window the widget "Blind deconvolution" is looked for.
    """

    changed = Signal()
    said = Signal(str)
    """Why settings were not taken, or what was not taken with them."""

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self.file: Path | None = None
        self.form = SettingsForm()
        self.widget, self.open = QPushButton("As in Blind deconvolution"), QPushButton("From a file…")
        self.widget.setToolTip("Take the settings that the widget “Blind deconvolution” of this window shows now")
        self.open.setToolTip("Take the settings of a JSON file, of a report, or of an image that this program restored")
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.fold = Fold("All settings", self.form)
        column, buttons = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        buttons.addWidget(self.widget, 3)
        buttons.addWidget(self.open, 2)
        column.addLayout(buttons)
        column.addWidget(self.words)
        column.addWidget(self.fold)
        column.addWidget(self.form)
        self.widget.clicked.connect(self.take_widget)
        self.open.clicked.connect(self._ask_for_file)
        self.form.changed.connect(self._changed)
        self._tell()
        if self._neighbour() is not None:
            self.take_widget()

    def value(self) -> Settings:
        """The settings; errors as of the form."""
        settings = self.form.value()
        if isinstance(settings.kernel_prior, Known) and not settings.kernel_prior.psf:
            raise InputError("there is no PSF yet; choose a PSF file under “All settings”")
        return settings

    def take_widget(self) -> None:
        """Take the settings of the other widget; a PSF layer is taken by its file."""
        neighbour = self._neighbour()
        if neighbour is None:
            self.said.emit("the widget “Blind deconvolution” is not open in this window; open it, or choose below")
            return
        try:
            settings, left = _settings_of(neighbour)
        except InputError as error:
            self.said.emit(refusal_on_screen(error))
            return
        self.file = None
        self.form.set_value(settings)
        if left:
            self.said.emit(f"{left} of “Blind deconvolution” are not taken: they belong to one image")

    def take_file(self, path: Path) -> None:
        """Take the settings that a file holds."""
        try:
            settings = settings_from_dict(recorded_settings(path))
        except InputError as error:
            self.said.emit(refusal_on_screen(error))
            return
        self.file = path
        self.form.set_value(settings)

    def _ask_for_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Settings", "" if self.file is None else str(self.file), _FILES)
        if path:
            self.take_file(Path(path))

    def _neighbour(self) -> DeconvolveWidget | None:
        docked = (unwrapped(widget) for widget in self._viewer.window.dock_widgets.values())
        return next((widget for widget in docked if isinstance(widget, DeconvolveWidget)), None)

    def _changed(self) -> None:
        self._tell()
        self.changed.emit()

    def _tell(self) -> None:
        try:
            settings = self.form.value()
        except InputError as error:
            self.words.setText(refusal_on_screen(error))
            return
        kinds = (settings.kernel_prior.kind, settings.image_prior.kind)
        sentences = [f"PSF: {kind_label(kinds[0])}.", f"Image: {kind_label(kinds[1])}."]
        if isinstance(settings.kernel_prior, Known) and settings.kernel_prior.psf:
            sentences[0] = f"PSF: {psf_file_words(Path(settings.kernel_prior.psf))[0]}."
        self.words.setText(" ".join(sentences))


def _settings_of(widget: DeconvolveWidget) -> tuple[Settings, str]:
    """The settings of the other widget, and what of it is not taken."""
    settings = widget.form.value()
    layer = widget.psf_choice.value()
    if isinstance(settings.kernel_prior, Known) and layer is not None:
        if not layer.source.path:
            raise InputError(
                subject=f"PSF layer “{layer.name}”",
                value="was not opened from a file",
                remedy="save it with File > Save Selected Layers, and choose that as PSF file",
            )
        settings = replace(settings, kernel_prior=Known(psf=str(layer.source.path)))
    drawn = [widget.masks.leave_out.value(), widget.masks.region.value()]
    return settings, "the mask and the region" if any(layer is not None for layer in drawn) else ""
