"""Runs that wait for each other, and a run that is stopped and kept: by real clicks in a real window."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gui import PLUGIN, RUN_MS, click, finish, quick, spots
from napari.utils import progress
from qtpy.QtWidgets import QPushButton

from napari_blind_deconv._napari.keeping import Keeping, covered
from napari_blind_deconv._napari.results import result_layers
from napari_blind_deconv._types import Progress


def names(viewer: Any) -> list[str]:
    return [layer.name for layer in viewer.layers]


def choose(widget: Any, name: str) -> None:
    box = widget.input.layer_choice
    box.setCurrentIndex(next(i for i in range(box.count()) if box.itemText(i) == name))


def queued(viewer: Any, widget: Any, count: int, qtbot: Any) -> list[str]:
    """A run without end, and runs of so many images that wait for it."""
    images = [f"image {number}" for number in range(count + 1)]
    for number, name in enumerate(images):
        viewer.add_image(spots((40 + number, 44)), name=name)
    for name in images:
        choose(widget, name)
        quick(widget, iterations=100_000 if name == images[0] else 2)
        click(qtbot, widget.panel.run)
    assert len(widget.panel.queue) == count
    return images


def removals(widget: Any) -> list[QPushButton]:
    return [row.findChild(QPushButton, "remove") for row in widget.panel.queue.rows]


def test_runs_follow_each_other_in_the_order_in_which_they_were_added(qtbot: Any, viewer: Any, widget: Any) -> None:
    first, *others = queued(viewer, widget, 3, qtbot)
    order: list[str] = []
    viewer.layers.events.inserted.connect(lambda event: order.append(event.value.name))
    click(qtbot, widget.panel.cancel)
    finish(qtbot, widget)
    restored = [name for name in names(viewer) if name.endswith("restored")]
    assert restored == [f"{name} restored" for name in others]
    assert f"{first} restored" not in restored
    assert not widget.panel.queue.isVisible()
    assert widget.panel.run.text() == "Run"


@pytest.mark.parametrize("place", [0, 2])
def test_any_that_waits_can_be_taken_out(qtbot: Any, viewer: Any, widget: Any, place: int) -> None:
    _, *others = queued(viewer, widget, 3, qtbot)
    click(qtbot, removals(widget)[place])
    assert len(widget.panel.queue) == 2
    click(qtbot, widget.panel.cancel)
    finish(qtbot, widget)
    left = [name for number, name in enumerate(others) if number != place]
    assert [name for name in names(viewer) if name.endswith("restored")] == [f"{name} restored" for name in left]


def test_cancel_all_leaves_nothing_behind(qtbot: Any, viewer: Any, widget: Any) -> None:
    images = queued(viewer, widget, 2, qtbot)
    click(qtbot, widget.panel.queue.cancel_all)
    finish(qtbot, widget)
    assert names(viewer) == images
    assert len(widget.panel.queue) == 0


def test_what_waits_is_what_was_chosen_when_it_was_added(qtbot: Any, viewer: Any, widget: Any) -> None:
    _, other = queued(viewer, widget, 1, qtbot)
    quick(widget, iterations=7, kernel_size=(9,))
    viewer.layers.remove(other)
    click(qtbot, widget.panel.cancel)
    finish(qtbot, widget)
    settings = viewer.layers[f"{other} restored"].metadata[PLUGIN]["settings"]
    assert (settings["iterations"], settings["kernel_size"]) == (2, [5])


def test_closing_the_dock_ends_the_queue_and_its_thread(qtbot: Any, viewer: Any, widget: Any) -> None:
    before = threading.active_count()
    images = queued(viewer, widget, 2, qtbot)
    viewer.window.remove_dock_widget(widget)
    finish(qtbot, widget)
    assert names(viewer) == images
    qtbot.waitUntil(lambda: threading.active_count() <= before + 1, timeout=RUN_MS)


def test_a_refused_run_lets_the_next_one_begin(qtbot: Any, viewer: Any, widget: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("napari_blind_deconv._napari.run_control.show_error", lambda _: None)
    viewer.add_image(spots((40, 44)) * 0, name="nothing")
    viewer.add_image(spots((40, 44)), name="cells")
    for name in ("nothing", "cells"):
        choose(widget, name)
        click(qtbot, widget.panel.run)
    finish(qtbot, widget)
    assert "cells restored" in names(viewer)
    assert "nothing restored" not in names(viewer)


def kernel(side: int) -> Any:
    """A flat PSF."""
    return np.full((side, side), 1 / side**2, np.float32)


def test_stop_and_keep_gives_the_image_as_it_is_and_says_so(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    quick(widget, iterations=100_000)
    click(qtbot, widget.panel.run)
    qtbot.waitUntil(widget.panel.keep.isVisible, timeout=RUN_MS)
    click(qtbot, widget.panel.keep)
    finish(qtbot, widget)
    assert sorted(names(viewer)) == ["cells", "cells PSF", "cells restored"]
    report = viewer.layers["cells restored"].metadata[PLUGIN]["report"]
    assert 0 < report["stopped"]["step"] < report["stopped"]["total"]
    assert "stopped by hand at step" in widget.panel.status.text()
    assert not widget.panel.keep.isVisible()


def test_stop_and_keep_keeps_the_channels_that_are_done_and_says_which(qtbot: Any, viewer: Any, widget: Any) -> None:
    image = np.stack([spots((48, 52)) for _ in range(3)])
    viewer.add_image(image, name="cells", axis_labels=("c", "y", "x"))
    quick(widget, iterations=100_000)
    job = widget.job()
    assert job.source.axes == "CYX"
    keeping, steps = Keeping(job), [np.full((48, 52), value, np.float32) for value in (1, 2)]
    assert not keeping.has_image
    for channel, values in enumerate(steps):
        keeping.see(Progress("restoring", 5 * channel + 5, 15, values, kernel(3 + 2 * channel), channel=channel))
    keeping.see(Progress("restoring", 11, 15, np.zeros((4, 4), np.float32), kernel(3), channel=2))
    found = keeping.result(2.0)
    np.testing.assert_array_equal(found.image, np.stack(steps))
    assert found.kernel.shape == (2, 5, 5)
    [warning] = found.report["warnings"]
    assert "channel 1 was restored, channel 2 is not finished; channel 3 was not begun" in warning
    part = covered(job.source, found)
    assert part.shape == (2, 48, 52)
    *_, restored = result_layers(part, found)
    assert restored[0].shape == (2, 48, 52)


def test_stop_and_keep_of_channels_in_a_window(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(np.stack([spots((48, 52)) for _ in range(3)]), name="cells", axis_labels=("c", "y", "x"))
    quick(widget, iterations=100_000)
    click(qtbot, widget.panel.run)
    qtbot.waitUntil(widget.panel.keep.isVisible, timeout=60_000)
    click(qtbot, widget.panel.keep)
    finish(qtbot, widget)
    assert viewer.layers["cells restored"].data.shape == (1, 48, 52)
    assert "channels 2 to 3 were not begun" in widget.panel.status.text()


def test_the_activity_dock_shows_a_run_and_can_cancel_it(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    quick(widget, iterations=100_000)
    click(qtbot, widget.panel.run)
    qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=RUN_MS)
    [shown] = [bar for bar in progress._all_instances if "cells" in bar.desc]
    shown.cancel()
    finish(qtbot, widget)
    assert names(viewer) == ["cells"]
    assert shown not in progress._all_instances


def test_time_falls_between_steps(qtbot: Any, viewer: Any, open_widget: Callable[[str], Any]) -> None:
    widget = open_widget("Blind deconvolution")
    panel = widget.panel
    from napari_blind_deconv._types import Progress
    from napari_blind_deconv.pipeline.time_left import TimeLeft

    panel.show_running(TimeLeft([("preparing", 20.0)]))
    panel.show_progress(Progress("preparing", 0, 0, message="reading the noise"))
    assert "left" not in panel.status.text()
    qtbot.wait(1100)
    panel.show_progress(Progress("preparing", 0, 0, message="reading the noise"))
    said = {panel.status.text()}

    def has_fallen_twice() -> bool:
        said.add(panel.status.text())
        return len(said) >= 3

    qtbot.waitUntil(has_fallen_twice, timeout=RUN_MS)
    assert all("reading the noise, about " in words for words in said)
    panel.show_idle()
