"""Type → the editor of a value that is no component."""

from typing import Any, Final, Literal, get_args, get_origin

from napari_blind_deconv._napari.editors import (
    ChoiceEditor,
    Editor,
    FileEditor,
    FloatEditor,
    IntEditor,
    ListEditor,
    TextEditor,
    ToggleEditor,
)
from napari_blind_deconv._napari.quantity_editors import QuantityListEditor, is_quantity
from napari_blind_deconv._napari.share_editor import ShareEditor
from napari_blind_deconv._napari.words import CHOICE_LABELS, EXAMPLES, FILES

_LISTED: Final = "0.3, 0, -0.5 to 0.5, ?"


def plain_editor(annotation: Any, name: str, bounds: tuple[float, float]) -> Editor:
    """The editor for a type that is no union and no component, of numbers within bounds."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ChoiceEditor(arguments, [CHOICE_LABELS.get(choice, str(choice)) for choice in arguments])
    if origin in {tuple, list}:
        return QuantityListEditor(EXAMPLES.get(name, _LISTED)) if is_quantity(arguments[0]) else ListEditor()
    if annotation is bool:
        return ToggleEditor()
    if annotation is float and bounds == (0, 1):
        return ShareEditor()
    if annotation in {int, float}:
        return (IntEditor if annotation is int else FloatEditor)(*bounds)
    return FileEditor(*FILES[name]) if name in FILES else TextEditor()
