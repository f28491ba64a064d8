"""The metrics dock: the same numbers as the metrics, with words, and always those of the layers on screen."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gui import click, run, spots
from napari._app_model import get_app_model
from qtpy.QtWidgets import QApplication

from napari_blind_deconv.metrics import METRICS, describe_kernel, score_image, score_kernel


@pytest.fixture
def dock(open_widget: Callable[[str], Any]) -> Any:
    return open_widget("Deconvolution metrics")


def settle(qtbot: Any, dock: Any, change: Callable[[], Any]) -> dict[str, Any]:
    """Make a change and wait for the table that follows; its rows by name."""
    change()
    qtbot.waitUntil(lambda: dock.is_settled, timeout=20_000)
    return {row.name: row for row in dock.rows}


def text(dock: Any) -> str:
    return str(dock.table.toPlainText())


def test_values_are_those_of_the_metrics(qtbot: Any, viewer: Any, dock: Any) -> None:
    truth = spots((64, 64), blur=0.7)
    image = truth + np.random.default_rng(1).normal(0, 1, truth.shape).astype(np.float32)
    kernel, true_kernel = (np.random.default_rng(seed).random((7, 7)).astype(np.float32) for seed in (2, 3))
    viewer.add_image(image, name="image")
    viewer.add_image(truth, name="truth")
    viewer.add_image(kernel, name="kernel")
    viewer.add_image(true_kernel, name="true kernel")

    def choose() -> None:
        for choice, name in zip(dock.choices.values(), ("image", "kernel", "truth", "true kernel"), strict=True):
            choice.set_value(viewer.layers[name])

    rows = settle(qtbot, dock, choose)
    expected = score_image(image, truth) | score_kernel(kernel, true_kernel)
    for name, metric in METRICS.items():
        assert float(rows[metric.label].value) == pytest.approx(expected[name], rel=5e-3, abs=5e-3)
    assert rows["PSNR (dB)"].grade is not None
    entropy = describe_kernel(kernel)["entropy_nats"]
    assert rows["PSF entropy"].value == f"{entropy:.2f} nats"
    assert rows["PSF width (y, x)"].value.endswith("px")
    assert f"PSNR (dB): {rows['PSNR (dB)'].value}" in text(dock)
    assert rows["PSNR (dB)"].grade in text(dock)


def test_results_are_chosen_and_described_without_a_reference(qtbot: Any, viewer: Any, dock: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells", scale=(0.2, 0.1), units="um")
    rows = settle(qtbot, dock, lambda: run(qtbot, widget))
    assert dock.choices["restored"].value().name == "cells restored"
    assert dock.choices["psf"].value().name == "cells PSF"
    assert "PSNR (dB)" not in rows
    assert dock.rows[0].name == "PSF width (y, x)"
    assert dock.rows[0].value.endswith("µm")
    notes = viewer.layers["cells restored"].metadata["napari-blind-deconv"]
    assert float(rows["Noise (sigma)"].value) == pytest.approx(notes["report"]["noise_sigma"], rel=5e-3)
    # On top, and word for word as in the widget.
    said = widget.panel.status.text().splitlines()
    assert text(dock).splitlines()[: len(dock.found.doubts)] == dock.found.doubts
    assert said[-len(dock.found.doubts) :] == dock.found.doubts
    assert len(dock.found.doubts) == 2 + len(notes["report"]["warnings"]) > 2


def test_references_of_a_sample_are_found(qtbot: Any, viewer: Any, dock: Any, widget: Any) -> None:
    viewer.open_sample("napari-blind-deconv", "fluorescence")
    rows = settle(qtbot, dock, lambda: run(qtbot, widget))
    assert dock.choices["truth"].value().name == "fluorescence truth"
    assert dock.choices["true PSF"].value().name == "fluorescence true PSF"
    assert float(rows["PSNR (dB)"].value) > 0
    assert rows["PSNR (dB)"].meaning.startswith("blurred: ")


def test_table_follows_the_data(qtbot: Any, viewer: Any, dock: Any) -> None:
    kernel = np.ones((5, 5), np.float32)
    layer = viewer.add_image(kernel, name="kernel")
    before = settle(qtbot, dock, lambda: dock.choices["psf"].set_value(layer))
    delta = np.zeros((5, 5), np.float32)
    delta[2, 2] = 1
    after = settle(qtbot, dock, lambda: setattr(layer, "data", delta))
    assert before["PSF entropy"].value == "3.22 nats"
    assert after["PSF entropy"].value == "0.00 nats"
    gone = settle(qtbot, dock, lambda: viewer.layers.remove(layer))
    assert "PSF entropy" not in gone


def test_shapes_that_do_not_fit_are_said(qtbot: Any, viewer: Any, dock: Any) -> None:
    viewer.add_image(spots((48, 52)), name="a")
    viewer.add_image(spots((48, 50)), name="b")

    def choose() -> None:
        dock.choices["restored"].set_value(viewer.layers["a"])
        dock.choices["truth"].set_value(viewer.layers["b"])

    rows = settle(qtbot, dock, choose)
    assert rows["PSNR (dB)"].value == "–"
    assert "shape" in rows["PSNR (dB)"].meaning


def test_table_is_copied_for_a_spreadsheet(qtbot: Any, viewer: Any, dock: Any) -> None:
    layer = viewer.add_image(np.ones((5, 5), np.float32), name="kernel")
    settle(qtbot, dock, lambda: dock.choices["psf"].set_value(layer))
    click(qtbot, dock.copy)
    assert "PSF entropy\t3.22 nats" in QApplication.clipboard().text()


def metrics_docks(viewer: Any) -> list[Any]:
    return [w for name, w in viewer.window.dock_widgets.items() if name.startswith("Deconvolution metrics")]


def test_the_widget_opens_the_dock_below_the_picture(qtbot: Any, viewer: Any, widget: Any) -> None:
    from qtpy.QtCore import Qt

    click(qtbot, widget.panel.metrics)
    [inner] = metrics_docks(viewer)
    dock = inner.parent()
    assert dock.parent().dockWidgetArea(dock) == Qt.DockWidgetArea.BottomDockWidgetArea
    dock.hide()
    click(qtbot, widget.panel.metrics)
    assert metrics_docks(viewer) == [inner]
    assert inner.isVisible()
    inner.close_down()


def test_menu_and_button_show_one_dock(qtbot: Any, viewer: Any, widget: Any) -> None:
    commands = get_app_model().commands
    commands.execute_command("napari-blind-deconv.metrics").result()
    [inner] = metrics_docks(viewer)
    click(qtbot, widget.panel.metrics)
    assert metrics_docks(viewer) == [inner]
    assert inner.isVisible()
    # The menu's item shows and hides.
    commands.execute_command("napari-blind-deconv.metrics").result()
    assert metrics_docks(viewer) == [inner]
    assert not inner.isVisible()
    inner.close_down()


def test_closed_dock_listens_no_longer(qtbot: Any, viewer: Any, dock: Any) -> None:
    viewer.window.remove_dock_widget(dock)
    viewer.add_image(spots((48, 52)), name="cells")
    assert dock.choices["restored"].layers() == []


def noise(sigma: float, growth: list[list[float]] | None) -> dict[str, Any]:
    curve = [[k / 32, 2.0 - k / 16] for k in range(1, 17)]
    return {"words": f"noise of {sigma}, as given", "sigma": sigma, "curve": curve, "growth": growth}


def test_the_noise_is_said_in_the_words_of_the_report_and_drawn(qtbot: Any, viewer: Any, dock: Any) -> None:
    left_out = {"share": 0.02, "words": "2 % of the pixels left out: 12 hot or dead"}
    report = {"noise_sigma": 2.5, "noise": noise(2.5, [[0.0, 1.0], [9.0, 4.0]]), "left_out": left_out}
    notes = {"role": "restored", "source": "cells", "report": report}
    layer = viewer.add_image(spots((48, 52)), name="a", metadata={"napari-blind-deconv": notes})
    rows = settle(qtbot, dock, lambda: dock.choices["restored"].set_value(layer))
    assert rows["Noise (sigma)"].meaning == "Noise of 2.5, as given"
    assert rows["Left out"].value == "2 %"
    assert list(dock.plots.plots) == ["Noise power", "Noise variance"]
    x, y = dock.plots.plots["Noise variance"].listDataItems()[0].getData()
    assert (x.tolist(), y.tolist()) == ([0, 9], [1, 4])
    viewer.theme = "light"
    several = {"noise_sigma": [1.0, 2.0], "noise": [noise(1.0, None), noise(2.0, None)]}
    layer.metadata["napari-blind-deconv"]["report"] = several
    rows = settle(qtbot, dock, dock.refresh)
    assert rows["Noise (sigma), channel 2"].meaning == "Noise of 2.0, as given"
    assert len(dock.plots.plots["Noise power"].listDataItems()) == 2
    assert "Noise variance" not in dock.plots.plots
    layer.metadata["napari-blind-deconv"]["report"] = {"noise_sigma": 3.0}  # of an earlier version
    assert settle(qtbot, dock, dock.refresh)["Noise (sigma)"].meaning == "In the image's intensity unit"
