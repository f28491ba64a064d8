"""The biologist: a z-stack in three colours, wide-field, 63x/1.4 oil, and no PSF (walk A)."""

from pathlib import Path

from walks import scenes
from walks.person import CannotError, Person


def walk(person: Person, folder: Path) -> None:
    """Open, choose the microscope, run, watch, doubt, save, open again, run again."""
    file = folder / "experiment3.tif"
    scenes.channels(file)
    person.drops(file)
    person.waits_for("her layer", lambda: len(person.viewer.layers) == 1)
    person.finds("deconv", "Blind deconvolution")
    widget = person.sees("Blind deconvolution")
    person.looks("01-opened")
    if widget.input.lengths() != scenes.VOXEL_UM:
        raise CannotError(f"the voxel size is {widget.input.lengths()}, the file says {scenes.VOXEL_UM}")
    prior = widget.form.kernel_prior
    person.chooses(prior.box, "I know my microscope")
    form = prior.forms["microscope"]
    person.chooses(form.presets["Objective"], "63x/1.4 oil")
    person.chooses(form.presets["Dye"], "Alexa Fluor 488")
    person.looks("02-microscope")
    person.clicks(widget.panel.run)
    person.waits_for("the first preview", lambda: len(person.viewer.layers) > 1, 300)
    person.looks("03-running")
    person.waits_for("the result", lambda: not widget.is_running, 600)
    person.looks("04-restored")
