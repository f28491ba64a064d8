"""The student: a colour picture through an eyepiece, shaken, and nothing known (walk B)."""

from pathlib import Path

from walks import scenes
from walks.person import CannotError, Person


def walk(person: Person, folder: Path) -> None:
    """Drop the picture, press Run, look."""
    file = folder / "eyepiece.png"
    scenes.phone(file)
    person.drops(file)
    person.waits_for("the picture", lambda: len(person.viewer.layers) == 1)
    person.finds("deconv", "Blind deconvolution")
    widget = person.sees("Blind deconvolution")
    person.looks("01-opened")
    person.clicks(widget.panel.run)
    person.waits_for("the first preview", lambda: len(person.viewer.layers) > 1)
    person.looks("02-running", page=False)
    person.waits_for("the result", lambda: not widget.is_running, 600)
    person.looks("03-restored")
    layer = person.viewer.layers["eyepiece restored"]
    if not layer.rgb or layer.data.dtype != person.viewer.layers["eyepiece"].data.dtype:
        raise CannotError("the result is no colour picture of the same kind")
