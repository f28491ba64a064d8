"""Refusals and warnings in the words of the widget: settings by the labels of its form."""

from types import MappingProxyType
from typing import Final

from napari_blind_deconv._napari.words import (
    FIELD_HINTS,
    FIELD_LABELS,
    RARE_FIELDS,
    field_name,
    kind_label,
)
from napari_blind_deconv._types import InputError, worded

_PLACES: Final = MappingProxyType(
    {
        "axes": "the meaning of its axes",
        "planes": "“separate planes” as the meaning of its axis",
        "psf": "a PSF layer or a PSF file",
        "voxel_size_um": "voxel size",
        "null": "“not known”",
        "kernel_prior": "“What do you know about the PSF?”",
        "overwrite": "“Replace other results”",
        "psf_from": "“Whose PSF”",
        "workers": "“Processes”",
        "max_memory_gb": "“Memory at most (GB)”",
    }
)
"""Setting or value that a refusal names: where the widget has it, other than under its label."""


def refusal_on_screen(error: InputError) -> str:
    """A refusal in the words of the widget: settings by their labels.

    Examples
    --------
    >>> refusal_on_screen(InputError(subject="kernel_size", value="(9,)", remedy="choose `kernel_prior=known`"))
    'PSF size (9,); choose “I have the PSF (known)”'
    """
    return error.worded(_named)


def on_screen(sentence: str) -> str:
    """A warning in the words of the widget.

    Examples
    --------
    >>> on_screen("27% of the PSF lies on its border; try a larger `kernel_size`")
    '27% of the PSF lies on its border; try a larger PSF size'
    """
    return worded(sentence, _named)


def _named(path: str) -> str:
    setting, chosen, kind = path.partition("=")
    if chosen:
        return f"“{kind_label(kind)}”"
    field = setting.rpartition(".")[2]
    known = field in FIELD_LABELS or field in FIELD_HINTS or field in RARE_FIELDS
    return _PLACES.get(setting) or (field_name(field) if known or "." in setting else path)
