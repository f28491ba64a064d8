"""What a run or a measurement worked on is let go, though napari keeps its workers in a list of tasks for good."""

import gc
import weakref
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import pytest
from gui import click, finish, quick, run, spots

from napari_blind_deconv._napari.workers import calling, going_through


class Arrays:
    """Something large that can be watched."""


def gone(watched: "weakref.ref[Any]") -> bool:
    """Whether nobody holds it any more."""
    gc.collect()
    return watched() is None


def test_worker_that_called_a_function_forgets_its_arguments(qtbot: Any) -> None:
    held = Arrays()
    watched = weakref.ref(held)
    worker = calling(lambda arrays: type(arrays).__name__, held)
    del held
    assert watched() is not None
    with qtbot.waitSignals([worker.returned, worker.finished]) as answers:
        worker.start()
    assert answers.all_signals_and_args[0].args == ("Arrays",)
    qtbot.waitUntil(lambda: gone(watched))


@pytest.mark.parametrize("ending", ["to its end", "quit", "an error"])
def test_worker_that_went_through_a_generator_forgets_what_it_holds(qtbot: Any, ending: str) -> None:
    held, closed = Arrays(), []
    watched = weakref.ref(held)

    def steps(arrays: Arrays) -> Generator[str, None, str]:
        made = [arrays]
        try:
            for number in range(3 if ending == "to its end" else 10**6):
                yield f"{number} of {len(made)}"
                if ending == "an error":
                    raise ValueError(ending)
            return "end"
        finally:
            closed.append(ending)

    worker = going_through(steps, held)
    del held
    answers: list[Any] = []
    worker.returned.connect(answers.append)
    worker.errored.connect(lambda error: answers.append(str(error)))
    worker.yielded.connect(lambda _: worker.quit() if ending == "quit" else None)
    with qtbot.waitSignal(worker.finished):
        worker.start()
    assert closed == [ending]
    assert answers == {"to its end": ["end"], "quit": [], "an error": ["an error"]}[ending]
    qtbot.waitUntil(lambda: gone(watched))


@pytest.mark.parametrize("cancelled", [False, True])
def test_image_of_a_run_is_let_go_with_its_layers(
    qtbot: Any, viewer: Any, open_widget: Callable[[str], Any], cancelled: bool
) -> None:
    widget, dock = open_widget("Blind deconvolution"), open_widget("Deconvolution metrics")
    image = spots((48, 52))
    watched = weakref.ref(image)
    viewer.add_image(image, name="cells")
    del image
    quick(widget, iterations=100_000 if cancelled else 2)
    if cancelled:
        click(qtbot, widget.panel.run)
        qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=20_000)
        click(qtbot, widget.panel.cancel)
        finish(qtbot, widget)
    else:
        run(qtbot, widget)
    qtbot.waitUntil(lambda: dock.is_settled, timeout=20_000)
    viewer.layers.clear()
    viewer.add_image(np.ones((9, 9)), name="other")
    qtbot.waitUntil(lambda: dock.is_settled and gone(watched), timeout=20_000)
