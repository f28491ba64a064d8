"""All that is asked for of a batch, in one form: images, output folder, settings, whose PSF, and how it is written."""

from pathlib import Path
from typing import Any, Final

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from napari_blind_deconv._napari.batch_inputs import BatchInputs, FolderEditor
from napari_blind_deconv._napari.batch_settings import BatchSettings
from napari_blind_deconv._napari.batch_workers import WorkersChoice
from napari_blind_deconv._napari.editors import ChoiceEditor, FileEditor, FloatEditor, ListEditor, TextEditor
from napari_blind_deconv._napari.fold import Fold
from napari_blind_deconv._napari.form_rows import form_layout
from napari_blind_deconv._napari.optional_editors import OptionalEditor
from napari_blind_deconv._napari.preferences import preferences
from napari_blind_deconv._types import InputError
from napari_blind_deconv.batch import Batch, ReferenceFiles, Said, Workers

_FILE: Final = "file"
_SHARING: Final = (
    ("each", "each image its own"),
    ("first", "that of the first image"),
    ("all", "one of all images together"),
    (_FILE, "that of a file"),
)
_FORMATS: Final = (("ome-tiff", "OME-TIFF"), ("ome-zarr", "OME-Zarr"))
_RESULTS: Final = "restored"


class BatchForm(QWidget):
    """The form; ``batch()`` is what stands in it. It starts nothing, and reads no image.

    Parameters
    ----------
    viewer
        Of the window that it lies in.
    """

    changed = Signal()
    said = Signal(str)

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.inputs = BatchInputs(viewer)
        self.output = FolderEditor("folder of the results", "Folder of the results")
        self.settings = BatchSettings(viewer)
        self.sharing = ChoiceEditor(*zip(*_SHARING, strict=True))
        self.sharing_file = FileEditor("image, PSF, report or result", "Whose PSF", "All files (*)")
        self.format = ChoiceEditor(*zip(*_FORMATS, strict=True))
        self.maps, self.overwrite = QCheckBox("Maps of trust as well"), QCheckBox("Replace other results")
        self.axes = TextEditor("as in the files")
        self.voxels = ListEditor("as in the files")
        self.memory = OptionalEditor(FloatEditor(0.1, 1e5))
        self.memory.inner.set_value(8.0)
        self.memory.set_value(preferences().max_memory_gb)
        self.who = WorkersChoice()
        self._give_hints()
        self._arrange()
        for part in (self.inputs, self.settings):
            part.said.connect(self.said)
        for part in (self.inputs, self.settings, self.who):
            part.changed.connect(self._changed)
        for editor in (self.output, self.sharing, self.sharing_file, self.format, self.axes, self.voxels, self.memory):
            editor.changed.connect(self._changed)
        for box in (self.maps, self.overwrite):
            box.toggled.connect(self._changed)
        self._follow()

    def _give_hints(self) -> None:
        hints = {
            self.output: "Image, PSF and report of every file are written here, and the report of all of them",
            self.sharing: "Stacks of one microscope often share a PSF; one of all together is better known",
            self.sharing_file: "An image, whose PSF is then estimated; an earlier result, its report or its PSF",
            self.format: "Of the restored images and the maps; PSFs are always OME-TIFF",
            self.maps: "Residual, share of the prior, uncertainty: where not to trust the restored image",
            self.overwrite: "Allow results of other settings or images to be replaced; what is done is not done again",
            self.axes: "One letter per axis, such as ZYX, where files say it wrongly or not at all",
            self.voxels: "Lengths in z, y, x where files say them wrongly or not at all, such as 0.3, 0.1, 0.1",
            self.memory: "Of each process; images that need more are worked on in blocks",
        }
        for widget, hint in hints.items():
            widget.setToolTip(hint)

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addWidget(_heading("Images"))
        column.addWidget(self.inputs)
        column.addWidget(_heading("Settings"))
        column.addWidget(self.settings)
        body, more = QWidget(), QWidget()
        self._rows = form_layout(body)
        self._rows.addRow("Output folder", self.output)
        self._rows.addRow("Whose PSF", self.sharing)
        self._rows.addRow("File", self.sharing_file)
        self._rows.addRow("Format", self.format)
        self._rows.addRow("", self.maps)
        self._rows.addRow("", self.overwrite)
        column.addWidget(_heading("Results"))
        column.addWidget(body)
        rows = form_layout(more)
        rows.addRow("Axes", self.axes)
        rows.addRow("Voxel size (µm)", self.voxels)
        rows.addRow("Memory at most (GB)", self.memory)
        self.fold = Fold("Instead of what the files say", more)
        column.addWidget(self.fold)
        column.addWidget(more)
        column.addWidget(self.who)

    def batch(self) -> Batch:
        """What stands in the form.

        Raises
        ------
        InputError
            One sentence about the first thing that is missing or wrong.
        """
        names = self.inputs.names()
        if not names:
            raise InputError("there are no images yet; add files, a folder, or the open layers")
        settings = self.settings.value()
        if not self.output.value().strip():
            raise InputError("there is no output folder yet; choose one")
        psf = getattr(settings.kernel_prior, "psf", None)
        return Batch(
            names=names,
            output=Path(self.output.value().strip()),
            settings=settings,
            references=ReferenceFiles(psf=Path(psf) if psf else None),
            said=Said(self.axes.value().strip().upper() or None, self._lengths(), self.memory.value()),
            maps=self.maps.isChecked(),
            form=self.format.value(),
            overwrite=self.overwrite.isChecked(),
            psf_from=self._psf_from(),
            keep=() if self.settings.file is None else (self.settings.file,),
        )

    def workers(self) -> Workers | None:
        """Who works; nothing where this process does.

        Raises
        ------
        InputError
            As of `WorkersChoice.value`.
        """
        return self.who.value(self.settings.value().device, self.memory.value())

    def proposed(self) -> Workers | InputError | None:
        """The same for a forecast, which a refusal of them does not prevent."""
        try:
            return self.workers()
        except InputError as error:
            return error

    def _psf_from(self) -> str:
        chosen = str(self.sharing.value())
        if chosen != _FILE:
            return chosen
        path = self.sharing_file.value().strip()
        if not path:
            raise InputError("there is no file yet whose PSF to take; choose one")
        # A file may be called as one of the other choices is.
        return str(Path(path).absolute())

    def _lengths(self) -> tuple[float, ...] | None:
        lengths = self.voxels.value()
        for length in lengths:
            if not isinstance(length, (int, float)) or length <= 0:
                raise InputError(f"voxel size {length!r} is no length; give lengths in µm, such as 0.3, 0.1, 0.1")
        return tuple(float(length) for length in lengths) or None

    def _changed(self) -> None:
        self._suggest()
        self._follow()
        self.changed.emit()

    def _suggest(self) -> None:
        """Beside the first images, as long as nobody has chosen a folder."""
        names = self.inputs.names()
        if names and not self.output.value():
            self.output.blockSignals(True)
            self.output.set_value(str((preferences().folder or Path(names[0]).parent) / _RESULTS))
            self.output.blockSignals(False)

    def _follow(self) -> None:
        self._rows.setRowVisible(self.sharing_file, self.sharing.value() == _FILE)


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setStyleSheet("font-weight: bold;")
    return label
