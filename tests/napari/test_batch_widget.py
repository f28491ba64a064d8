"""The batch widget, by real clicks in a real window: the same functions as in a terminal, and nothing of its own."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batches import cells, finish, images, look, rows, settings, undisturbed
from gui import RUN_MS, click, spots
from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices

from napari_blind_deconv import io
from napari_blind_deconv._napari import batch_work
from napari_blind_deconv.batch import read_journal


@pytest.fixture
def folder(batch_folder: Path) -> Path:
    return batch_folder


@pytest.fixture
def widget(batch_widget: Any) -> Any:
    return batch_widget


def test_states_and_forecast_come_before_the_run(qtbot: Any, widget: Any, folder: Path) -> None:
    assert "no images yet" in widget.panel.status.text()
    look(qtbot, widget, folder / "in")
    assert rows(widget) == [("s0.tif", "to do"), ("s1.tif", "fails"), ("s2.tif", "to do")]
    file, state, memory, time, disk = cells(widget, 0)
    assert (file, state) == ("s0", "to do")
    assert memory.endswith(" GB")
    assert time.endswith(" s")
    assert disk.endswith(" MB")
    assert cells(widget, 1)[1].startswith("will fail: s1.tif is not a TIFF file")
    assert "2 to do, 1 will fail: about" in widget.panel.status.text()
    assert "of memory at most" in widget.panel.status.text()
    assert "of disk" in widget.panel.status.text()
    assert not (folder / "restored").exists()


def threads(monkeypatch: pytest.MonkeyPatch) -> dict[str, threading.Thread]:
    """Which thread calls which function of the batch."""
    found: dict[str, threading.Thread] = {}

    def watched(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*arguments: Any, **options: Any) -> Any:
            found[name] = threading.current_thread()
            return call(*arguments, **options)

        return noting

    for name in ("prepared", "states", "forecasts", "run"):
        monkeypatch.setattr(batch_work, name, watched(name, getattr(batch_work, name)))
    return found


def test_whole_run_by_clicks(
    qtbot: Any, viewer: Any, widget: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work = threads(monkeypatch)
    widget.form.maps.setChecked(True)
    look(qtbot, widget, folder / "in")
    click(qtbot, widget.panel.run)
    assert not widget.panel.run.isEnabled()
    assert not widget.form.isEnabled()
    finish(qtbot, widget)
    assert rows(widget) == [("s0.tif", "done"), ("s1.tif", "failed"), ("s2.tif", "done")]
    assert cells(widget, 1)[1] == "failed: s1.tif is not a TIFF file, despite its name; export it as TIFF"
    assert "2 of 3 done, 1 failed" in widget.panel.status.text()
    assert widget.panel.run.text() == "Try again"
    assert images(folder / "restored") == undisturbed(folder, "other", maps=True)
    # The window never waits for a disk: all of it was done elsewhere.
    assert set(at_work) == {"prepared", "states", "forecasts", "run"}
    assert threading.main_thread() not in at_work.values()

    # A double click opens the result as layers, as a run in the window would have added them.
    table = widget.panel.table
    place = table.visualRect(table.rows.index(2, 1)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: len(viewer.layers) > 0 and not widget.is_busy, timeout=RUN_MS)
    assert [layer.name for layer in viewer.layers] == ["s2", "s2 PSF", "s2 residual (σ)", "s2 restored"]
    np.testing.assert_array_equal(
        viewer.layers["s2 restored"].data, io.read(folder / "restored/s2_restored.ome.tif").data
    )
    np.testing.assert_allclose(viewer.layers["s2 restored"].scale, (0.1, 0.1))
    assert not viewer.layers["s2 residual (σ)"].visible

    # Report and folder are opened as local files.
    asked: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: asked.append(url) or True)
    click(qtbot, widget.panel.folder)
    click(qtbot, widget.panel.report)
    assert [Path(url.toLocalFile()) for url in asked] == [folder / "restored", folder / "restored/report.html"]
    assert (folder / "restored/report.html").is_file()
    click(qtbot, widget.panel.look)
    finish(qtbot, widget)
    assert rows(widget) == [("s0.tif", "done"), ("s1.tif", "fails"), ("s2.tif", "done")]
    assert widget.panel.report.isEnabled()


def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let a run wait at the first step of its second file until it is told to go on."""
    go_on, whole = threading.Event(), batch_work.run

    def slow(*arguments: Any, **options: Any) -> Any:
        ends = 0
        with batch_work.closing(whole(*arguments, **options)) as events:
            for event in events:
                yield event
                ends += hasattr(event, "report")
                if ends == 1 and not hasattr(event, "report"):
                    go_on.wait(RUN_MS / 1000)

    monkeypatch.setattr(batch_work, "run", slow)
    return go_on


def test_stop_and_continue_give_the_same_bytes(
    qtbot: Any, widget: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    io.write(folder / "in/s1.tif", io.Volume(spots((40, 41)), "YX", (0.1, 0.1)), {})
    look(qtbot, widget, folder / "in")
    with monkeypatch.context() as patch:
        go_on = held(patch)
        click(qtbot, widget.panel.run)
        qtbot.waitUntil(lambda: rows(widget)[1] == ("s1.tif", "running"), timeout=RUN_MS)
        assert widget.panel.table.columnSpan(1, 1) > 1
        click(qtbot, widget.panel.stop)
        assert widget.panel.stop.text() == "Stopping…"
        assert not widget.panel.stop.isEnabled()
        go_on.set()
        finish(qtbot, widget)
    assert rows(widget) == [("s0.tif", "done"), ("s1.tif", "to do"), ("s2.tif", "to do")]
    assert widget.panel.status.text() == ("Stopped: 1 of 3 done. There are 2 images left: Continue does the rest.")
    assert [path.name for path in (folder / "restored").iterdir() if path.name.startswith(".")] == []
    assert widget.panel.run.text() == "Continue"
    click(qtbot, widget.panel.run)
    finish(qtbot, widget)
    assert [status for _, status in rows(widget)] == ["done"] * 3
    assert images(folder / "restored") == undisturbed(folder, "other")
    begun = [entry["input"] for entry in read_journal(folder / "restored") if entry["event"] == "started"]
    assert begun.count(str(folder / "in/s0.tif")) == 1


def test_closing_the_dock_stops_the_run_and_lets_the_folder_go(
    qtbot: Any, viewer: Any, widget: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(qtbot, widget, folder / "in/s0.tif", folder / "in/s2.tif")
    with monkeypatch.context() as patch:
        go_on = held(patch)
        click(qtbot, widget.panel.run)
        qtbot.waitUntil(lambda: ("s2.tif", "running") in rows(widget), timeout=RUN_MS)
        viewer.window.remove_dock_widget(widget)
        go_on.set()
        finish(qtbot, widget)
    assert not (folder / "restored/s2_restored.ome.tif").exists()
    # The lock is free, and the same command continues.
    assert undisturbed_names(folder) == ["s0_restored.ome.tif", "s2_restored.ome.tif"]


def undisturbed_names(folder: Path) -> list[str]:
    (folder / "in/s1.tif").unlink()
    return sorted(name for name in undisturbed(folder, "restored") if "restored" in name)


def test_results_in_the_way_are_refused_until_they_may_be_replaced(qtbot: Any, widget: Any, folder: Path) -> None:
    undisturbed(folder, "restored")
    with qtbot.waitSignal(widget.looked, timeout=RUN_MS):
        widget.form.settings.form.set_value(settings(folder, steps=3))
    look(qtbot, widget, folder / "in")
    assert rows(widget) == [("s0.tif", "refused"), ("s1.tif", "fails"), ("s2.tif", "refused")]
    assert cells(widget, 0)[1] == "refused: a result is there, with other settings or references"
    assert "allow it to be replaced with “Replace other results”" in widget.panel.status.text()
    before = images(folder / "restored")
    click(qtbot, widget.panel.run)
    finish(qtbot, widget)
    assert "is there already" in widget.panel.status.text()
    assert images(folder / "restored") == before
    with qtbot.waitSignal(widget.looked, timeout=RUN_MS):
        widget.form.overwrite.setChecked(True)
    finish(qtbot, widget)
    assert rows(widget)[0] == ("s0.tif", "to do")
