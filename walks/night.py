"""One with many stacks for a night: a broken file among them, and a window that closes before the end (walk D)."""

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QLineEdit

from napari_blind_deconv.batch.page import FILES
from walks import scenes
from walks.person import CannotError, Person

STACKS, BROKEN = 5, 2


def walk(person: Person, folder: Path) -> None:
    """Fill in a batch, run, close the window, come back, continue, look at a result and at the report."""
    stacks, restored = folder / "stacks", folder / "restored"
    scenes.night(stacks, STACKS, broken=BROKEN)
    widget = _asks(person, stacks, restored)
    states = _states(widget)
    if states.count("to do") != STACKS - 1 or states[BROKEN] != "fails":
        raise CannotError(f"before the run the states are {states}")
    person.looks("01-before", page=False)
    person.clicks(widget.panel.run)
    person.waits_for("the first stack", lambda: "done" in _states(widget), 300)
    person.looks("02-running", page=False)
    person.leaves()
    morning = Person(person.name, person.pictures, every=person.every)
    try:
        _next_morning(morning, stacks, restored)
    finally:
        morning.leaves()


def _next_morning(person: Person, stacks: Path, restored: Path) -> None:
    widget = _asks(person, stacks, restored)
    if "done" not in _states(widget) or widget.panel.run.text() != "Continue":
        raise CannotError(f"{widget.panel.run.text()!r} is offered for the states {_states(widget)}")
    person.clicks(widget.panel.run)
    person.waits_for("the end", lambda: not widget.is_busy, 600)
    if _states(widget) != ["failed" if n == BROKEN else "done" for n in range(STACKS)]:
        raise CannotError(f"after the run the states are {_states(widget)}")
    person.looks("03-done")
    if not (restored / FILES[0]).is_file() or not widget.panel.report.isEnabled():
        raise CannotError("there is no report")


def _asks(person: Person, stacks: Path, restored: Path) -> Any:
    """Open both docks and fill in the batch."""
    person.finds("deconv", "Blind deconvolution")
    settings = person.sees("Blind deconvolution")
    person.chooses(settings.form.kernel_prior.box, "A soft, round or oval spot")
    person.finds("batch", "Batch")
    widget = person.sees("Batch")
    person.drops(stacks, on=widget.form.inputs.list.viewport())
    field = widget.form.output.findChild(QLineEdit)
    person.types(field, str(restored))
    person.waits_for("what is to do", lambda: not widget.is_busy and len(_states(widget)) == STACKS, 60)
    person.waits_for("all forecasts", lambda: "to do" in _states(widget) and not widget.is_busy, 60)
    return widget


def _states(widget: Any) -> list[str]:
    return [row.status for row in widget.panel.table.rows.rows]
