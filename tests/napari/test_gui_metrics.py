"""The metrics dock: the same numbers as the metrics, with words, and always those of the layers on screen."""

import csv
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gui import PLUGIN, RUN_MS, click, run, spots
from napari._app_model import get_app_model
from qtpy.QtWidgets import QApplication

from napari_blind_deconv.metrics import METRICS, describe_kernel, score_image, score_kernel


@pytest.fixture
def dock(open_widget: Callable[[str], Any]) -> Any:
    return open_widget("Deconvolution metrics")


def settle(qtbot: Any, dock: Any, change: Callable[[], Any]) -> dict[str, Any]:
    """Make a change and wait for the table that follows; its rows by name."""
    change()
    qtbot.waitUntil(lambda: dock.is_settled, timeout=RUN_MS)
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


def test_references_are_folded_away_until_there_is_one(qtbot: Any, viewer: Any, dock: Any) -> None:
    truth = dock.choices["truth"]
    assert not truth.isVisible()
    assert dock.choices["psf"].isVisible()
    click(qtbot, dock.panel.fold)
    assert truth.isVisible()
    click(qtbot, dock.panel.fold)
    layer = viewer.add_image(spots((24, 26)), name="sharp", metadata={PLUGIN: {"role": "truth", "source": "cells"}})
    assert truth.isVisible()
    assert truth.value() is layer


def test_misfit_and_evidence_are_drawn_while_a_run_goes_on(qtbot: Any, viewer: Any, dock: Any, widget: Any) -> None:
    from napari_blind_deconv._napari.run_curves import curves_of

    viewer.add_image(spots((48, 52)), name="cells")
    seen: list[set[str]] = []
    curves_of(viewer).changed.connect(lambda: seen.append(set(curves_of(viewer).curves)))
    run(qtbot, widget)
    report = viewer.layers["cells restored"].metadata[PLUGIN]["report"]
    [size] = [check for check in report["trust"] if check["check"] == "residual_size"]
    # The last step is always measured, and as the check measures it that ends the run.
    assert curves_of(viewer).curves["misfit"][-1][1] == pytest.approx(size["value"], rel=1e-4)
    assert seen[0] == set()
    curves_of(viewer).curves = {"evidence_nats": [(1, -3.0), (2, 4.0)], "misfit": [(3, 1.2), (4, 1.1)]}
    curves_of(viewer).changed.emit()
    qtbot.waitUntil(lambda: "Evidence (nats)" in dock.plots.plots, timeout=RUN_MS)
    x, y = dock.plots.plots["Misfit / expected"].listDataItems()[0].getData()
    assert (x.tolist(), y.tolist()) == ([3, 4], [1.2, 1.1])


def test_table_and_curves_are_saved_whole_or_not_at_all(qtbot: Any, viewer: Any, dock: Any, tmp_path: Path) -> None:
    report = {"warnings": ["=the PSF is cut", "try a larger `kernel_size`"]}
    notes = {"role": "psf", "source": "cells", "report": report}
    viewer.add_image(spots((15, 15)), name="cells PSF", metadata={PLUGIN: notes})
    qtbot.waitUntil(lambda: dock.is_settled and bool(dock.rows), timeout=RUN_MS)
    dock.save_table(tmp_path / "t")
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["meaning"] for row in rows[:2]] == ["'=the PSF is cut", "try a larger PSF size"]
    assert [row["value"] for row in rows[2:]] == [row.value for row in dock.rows]
    for end, begins in ((".png", b"\x89PNG"), (".svg", b"<?xml")):
        dock.save_figure(tmp_path / f"f{end}")
        assert (tmp_path / f"f{end}").read_bytes().startswith(begins)
    (tmp_path / "folder.csv").mkdir()
    dock.save_table(tmp_path / "folder.csv")
    assert dock.panel.notes.text().startswith("Not saved: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.png", "f.svg", "folder.csv", "t.csv"]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_is_drawn_over_anything_else(qtbot: Any, viewer: Any, dock: Any, theme: str) -> None:
    long = "very " * 60 + "long"
    check = {"check": "delta", "value": 0.1, "limit": 0.9, "verdict": "ok", "sentence": long}
    report = {"noise_sigma": 1.0, "noise": noise(1.0, [[0.0, 1.0], [9.0, 4e6]]), "trust": [check], "warnings": [long]}
    notes = {"role": "psf", "source": "cells", "report": report}
    viewer.window.resize(1024, 700)
    viewer.theme = theme
    viewer.add_image(spots((5, 15, 15)), name="p" * 200, metadata={PLUGIN: notes})
    qtbot.waitUntil(lambda: dock.is_settled and bool(dock.plots.plots), timeout=RUN_MS)
    for width, height in ((330, 300), (384, 635), (1000, 240)):
        # Never below what a dock gives it.
        dock.resize(width, max(height, dock.minimumSizeHint().height()))
        qtbot.waitUntil(lambda: everything_has_its_place(dock), timeout=RUN_MS)


def everything_has_its_place(dock: Any) -> None:
    assert dock.minimumSizeHint().height() <= 400
    parts = [dock.panel, dock.table, dock.plots]
    assert not any(a.geometry().intersects(b.geometry()) for a, b in itertools.combinations(parts, 2))
    drawn = [plot.sceneBoundingRect() for plot in dock.plots.plots.values()]
    assert drawn
    for a, b in itertools.combinations(drawn, 2):
        overlap = a.intersected(b)
        assert min(overlap.width(), overlap.height()) < 2
    # The text is one document, which scrolls, and is never wider than its place.
    assert dock.table.document().size().width() <= dock.table.viewport().width() + 1
