"""One with a movie: vesicles that wander and bleach, a little out of focus."""

from pathlib import Path

import numpy as np

from walks import scenes
from walks.person import CannotError, Person


def walk(person: Person, folder: Path) -> None:
    """Open, let all frames share a round PSF, run, look at another frame, look at the metrics."""
    file = folder / "vesicles.tif"
    scenes.movie(file)
    person.drops(file)
    person.waits_for("the movie", lambda: len(person.viewer.layers) == 1)
    person.finds("deconv", "Blind deconvolution")
    widget = person.sees("Blind deconvolution")
    if widget.input.letters() != "TYX":
        raise CannotError(f"the axes are {widget.input.letters()}, the file says TYX")
    person.chooses(widget.form.kernel_prior.box, "A soft, round or oval spot")
    person.looks("01-opened", page=False)
    person.clicks(widget.panel.run)
    person.waits_for("the first preview", lambda: len(person.viewer.layers) > 1)
    person.looks("02-running", page=False)
    person.waits_for("the result", lambda: not widget.is_running, 600)
    restored = person.viewer.layers["vesicles restored"]
    observed = person.viewer.layers["vesicles"]
    if restored.data.shape != observed.data.shape:
        raise CannotError(f"the result has shape {restored.data.shape}, the movie {observed.data.shape}")
    person.viewer.dims.set_current_step(0, 6)
    person.looks("03-restored", page=False)
    sharper = [np.abs(np.diff(layer.data[6].astype(float), axis=-1)).mean() for layer in (observed, restored)]
    if not sharper[1] > sharper[0]:
        raise CannotError("the restored frame is no sharper than the observed one")
    person.clicks(widget.panel.metrics)
    person.waits(2.0)
    person.looks("04-metrics")
