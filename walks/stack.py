"""The biologist: a z-stack in three colours, wide-field, 63x/1.4 oil, and no PSF (walk A)."""

from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtWidgets import QLineEdit

from walks import scenes
from walks.person import PLUGIN, CannotError, Person


def walk(person: Person, folder: Path) -> None:
    """Open, choose the microscope, run, cancel, run one channel, doubt, save, open again, run again."""
    file = folder / "experiment3.tif"
    scenes.channels(file)
    person.drops(file)
    person.waits_for("her layer", lambda: len(person.viewer.layers) == 1)
    person.finds("deconv", "Blind deconvolution")
    widget = person.sees("Blind deconvolution")
    if widget.input.lengths() != scenes.VOXEL_UM or widget.input.letters() != "ZCYX":
        raise CannotError(f"the voxel size is {widget.input.lengths()}, the file says {scenes.VOXEL_UM}")
    person.clicks(widget.input.use_voxels)
    person.looks("01-open")
    _says_what_she_knows(person, widget)
    person.looks("02-microscope")
    _starts(person, widget)
    person.clicks(widget.panel.cancel)
    person.waits_for("the end of the cancelled run", lambda: not widget.is_running)
    if len(person.viewer.layers) != 1:
        raise CannotError("a cancelled run has left layers")
    person.chooses(widget.input.channel, "channel 2 only")
    _starts(person, widget)
    person.looks("03-running")
    person.waits_for("the result", lambda: not widget.is_running, 600)
    person.looks("04-result")
    restored = _made(person, "restored")
    person.clicks(widget.panel.metrics)
    person.waits(3.0)
    person.looks("05-metrics")
    _saves_and_runs_again(person, widget, restored, folder)


def _says_what_she_knows(person: Person, widget: Any) -> None:
    """63x/1.4 oil, a wavelength for each channel, and glycerol around the sample."""
    prior = widget.form.kernel_prior
    person.chooses(prior.box, "I know my microscope")
    form = prior.forms["microscope"]
    person.chooses(form.presets["Objective"], "63x/1.4 oil")
    emissions = form.editors["emissions_um"]
    if emissions.value() is None:
        person.clicks(emissions.automatic)
        person.types(emissions.inner.findChild(QLineEdit), ", ".join(f"{wave:g}" for wave in scenes.EMISSIONS_UM))
    sample = form.editors["sample_index"]
    person.chooses(sample.box, "fixed at")
    person.types(sample.low, "1.47")
    person.waits_for("what a run would take", lambda: "Ready: about" in widget.panel.forecast.text(), 10)


def _starts(person: Person, widget: Any) -> None:
    person.clicks(widget.panel.run)
    person.waits_for("the first preview", lambda: any("preview" in layer.name for layer in person.viewer.layers), 300)


def _made(person: Person, role: str) -> Any:
    """The layer of a role that the last run has made."""
    found = [layer for layer in person.viewer.layers if layer.metadata.get(PLUGIN, {}).get("role") == role]
    if not found:
        raise CannotError(f"there is no {role} layer; there are {[layer.name for layer in person.viewer.layers]}")
    return found[-1]


def _saves_and_runs_again(person: Person, widget: Any, restored: Any, folder: Path) -> None:
    """Save both layers into one file, open it next week, and run again from there: the same pixels."""
    layers, file = person.viewer.layers, folder / "restored.ome.tif"
    layers.selection = {restored, _made(person, "psf")}
    # The dialog for the name is the system's.
    layers.save(str(file), selected=True, plugin=PLUGIN)
    pixels, scale = np.array(restored.data), tuple(restored.scale)
    layers.clear()
    person.drops(folder / "experiment3.tif")
    person.waits_for("her layer", lambda: len(layers) == 1)
    person.clicks(widget.input.use_voxels)
    person.viewer.open(file, plugin=PLUGIN)
    again = _made(person, "restored")
    if tuple(again.scale) != scale or not np.array_equal(again.data, pixels):
        raise CannotError("what was saved comes back with other pixels or voxels")
    layers.selection = {again}
    person.looks("06-saved")
    known = set(layers)
    widget.menu.fill()
    [action] = [a for a in widget.menu.menu().actions() if a.text().startswith("Run again")]
    action.trigger()
    person.waits_for("the run to begin", lambda: widget.is_running)
    person.waits_for("the result", lambda: not widget.is_running, 600)
    [new] = [layer for layer in set(layers) - known if layer.metadata[PLUGIN]["role"] == "restored"]
    if not np.array_equal(new.data, pixels):
        raise CannotError("the same settings gave other pixels")
