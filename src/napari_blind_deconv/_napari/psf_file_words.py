"""What a file that is chosen as PSF is, in a few words."""

from pathlib import Path

from napari_blind_deconv import io
from napari_blind_deconv._napari.component_form import ComponentForm, VariantEditor
from napari_blind_deconv._napari.layers import shape_in_words
from napari_blind_deconv._napari.refusals import refusal_on_screen
from napari_blind_deconv._napari.tones import ALARM, QUIET, set_tone
from napari_blind_deconv._napari.wrapped_label import WrappedLabel
from napari_blind_deconv._types import InputError


class PsfFileWords(WrappedLabel):
    """A line below the field of a PSF file, on what the file is.

    Parameters
    ----------
    priors
        The choice of a kernel prior; the form of a known PSF gets this as its last row, as soon as it is made.
    """

    def __init__(self, priors: VariantEditor) -> None:
        super().__init__()
        self.setParent(priors)
        self.setVisible(False)
        priors.form_made.connect(self._form_made)
        for kind, form in priors.forms.items():
            self._form_made(kind, form)

    def _form_made(self, kind: str, form: ComponentForm) -> None:
        if kind == "known":
            form.rows.addRow("", self)
            self._field = form.editors["psf"]
            self._field.changed.connect(self._follow)
            self._follow()

    def _follow(self) -> None:
        path = self._field.value()
        words, wrong = psf_file_words(Path(path)) if path else ("", False)
        self.setText(words)
        self.setVisible(bool(words))
        set_tone(self, ALARM if wrong else QUIET)


def psf_file_words(path: Path) -> tuple[str, bool]:
    """What a file says of itself, and whether that speaks against its being a PSF.

    Parameters
    ----------
    path
        Of the file; only its head is read.
    """
    try:
        header = io.header(path)
    except InputError as error:
        return refusal_on_screen(error), True
    if wrong := io.no_psf_in_words(header.description, path.name):
        return wrong, True
    known = [length for length in header.voxel_size_um or () if length is not None]
    voxels = f"voxels of {', '.join(f'{length:g}' for length in known)} µm" if known else "voxels as in the image"
    role = io.role_of(header.description) or "no word on what it is"
    return f"{path.name}: {role}, {shape_in_words(header.shape)}, {voxels}", False
