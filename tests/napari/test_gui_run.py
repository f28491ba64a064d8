"""Run and Cancel, by real clicks in a real window."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gui import PLUGIN, RUN_MS, click, finish, quick, results, run, spots
from napari.utils.notifications import notification_manager
from qtpy import API
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication


def names(viewer: Any) -> list[str]:
    return [layer.name for layer in viewer.layers]


@pytest.mark.smoke
def test_run_adds_the_restored_image_and_the_psf(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    run(qtbot, widget)
    restored, psf = results(viewer, "cells")
    assert sorted(names(viewer)) == ["cells", "cells PSF", "cells residual (σ)", "cells restored"]
    assert restored.data.shape == (48, 52)
    assert restored.data.dtype == np.float32
    assert psf.data.shape == (5, 5)
    assert psf.data.sum() == pytest.approx(1, abs=1e-4)
    assert "Done" in widget.panel.status.text()
    assert viewer.layers.selection.active is restored


def test_metadata_says_how_it_was_made(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    settings = widget.form.value()
    run(qtbot, widget)
    for layer, role in zip(results(viewer, "cells"), ("restored", "psf"), strict=True):
        notes = layer.metadata[PLUGIN]
        assert notes["role"] == role
        assert notes["source"] == "cells"
        assert notes["settings"] == notes["report"]["settings"]
        assert notes["settings"]["kernel_size"] == list(settings.kernel_size)
        assert notes["command"].startswith("blind-deconv run cells.tif ")


def endless(widget: Any) -> None:
    """Settings that would run for minutes, in short steps."""
    quick(widget, iterations=100_000)


def test_cancel_stops_a_run_without_end_and_leaves_nothing_behind(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    endless(widget)
    click(qtbot, widget.panel.run)
    assert widget.panel.run.text() == "Add to queue"
    qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=RUN_MS)  # both previews are there
    said = []
    widget.panel.cancel.clicked.connect(lambda: said.append(widget.panel.cancel.text()))
    click(qtbot, widget.panel.cancel)
    finish(qtbot, widget)
    assert said == ["Cancelling…"]
    assert names(viewer) == ["cells"]
    assert widget.panel.cancel.text() == "Cancel"
    assert widget.panel.run.isEnabled()
    assert not widget.panel.cancel.isEnabled()


def test_run_works_again_after_cancel(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    endless(widget)
    click(qtbot, widget.panel.run)
    qtbot.waitUntil(lambda: len(viewer.layers) > 1, timeout=RUN_MS)
    click(qtbot, widget.panel.cancel)
    finish(qtbot, widget)
    quick(widget)
    run(qtbot, widget)
    assert sorted(names(viewer)) == ["cells", "cells PSF", "cells residual (σ)", "cells restored"]


def test_progress_names_stage_step_and_time_left(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    endless(widget)
    click(qtbot, widget.panel.run)
    qtbot.waitUntil(lambda: "left" in widget.panel.status.text(), timeout=RUN_MS)
    qtbot.waitUntil(lambda: re.search(r"step \d.* left", widget.panel.status.text()) is not None, timeout=RUN_MS)
    assert widget.panel.bar.maximum() > widget.panel.bar.value() > 0
    click(qtbot, widget.panel.cancel)
    finish(qtbot, widget)


def test_a_preview_that_somebody_deleted_stays_away(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    endless(widget)
    click(qtbot, widget.panel.run)
    qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=RUN_MS)
    for name in names(viewer):
        if "preview" in name:
            viewer.layers.remove(name)
    qtbot.wait(500)
    assert names(viewer) == ["cells"]
    click(qtbot, widget.panel.cancel)
    finish(qtbot, widget)


def test_source_may_be_removed_while_it_runs(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    quick(widget, iterations=40)
    click(qtbot, widget.panel.run)
    viewer.layers.remove("cells")
    finish(qtbot, widget)
    assert sorted(names(viewer)) == ["cells PSF", "cells residual (σ)", "cells restored"]


@pytest.mark.smoke
def test_closing_the_dock_stops_the_run(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    endless(widget)
    click(qtbot, widget.panel.run)
    qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=RUN_MS)
    viewer.window.remove_dock_widget(widget)
    finish(qtbot, widget)
    assert names(viewer) == ["cells"]


def test_two_viewers_share_nothing(
    qtbot: Any, viewer: Any, widget: Any, make_napari_viewer: Callable[..., Any]
) -> None:
    other = make_napari_viewer(show=True)
    _, stranger = other.window.add_plugin_dock_widget(PLUGIN, "Blind deconvolution")
    quick(stranger, seed=5)
    other.add_image(spots((40, 40)), name="other")
    viewer.add_image(spots((48, 52)), name="cells")
    assert [layer.name for layer in stranger.input.layer_choice.layers()] == ["other"]
    assert widget.form.value().seed == 0
    click(qtbot, widget.panel.run)
    click(qtbot, stranger.panel.run)
    finish(qtbot, widget)
    finish(qtbot, stranger)
    assert sorted(names(viewer)) == ["cells", "cells PSF", "cells residual (σ)", "cells restored"]
    assert sorted(names(other)) == ["other", "other PSF", "other residual (σ)", "other restored"]
    stranger.close_down()


def test_a_known_psf_comes_from_a_layer(qtbot: Any, viewer: Any, widget: Any) -> None:
    from napari_blind_deconv.kernel_priors import Known
    from napari_blind_deconv.restoration import RichardsonLucyRestorer

    viewer.add_image(spots((48, 52)), name="cells")
    kernel = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32)
    viewer.add_image(kernel, name="measured")
    quick(widget, kernel_prior=Known(), kernel_size=None, restorer=RichardsonLucyRestorer())
    widget.psf_choice.set_value(viewer.layers["measured"])
    run(qtbot, widget)
    _, psf = results(viewer, "cells")
    np.testing.assert_allclose(psf.data, kernel / kernel.sum(), atol=1e-6)


def test_a_known_psf_comes_from_a_file(qtbot: Any, viewer: Any, widget: Any, tmp_path: Any) -> None:
    from napari_blind_deconv import io
    from napari_blind_deconv.kernel_priors import Known
    from napari_blind_deconv.restoration import RichardsonLucyRestorer

    kernel = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32)
    io.write(tmp_path / "psf.ome.tif", io.Volume(kernel, "YX"), {})
    viewer.add_image(spots((48, 52)), name="cells")
    prior = Known(psf=str(tmp_path / "psf.ome.tif"))
    quick(widget, kernel_prior=prior, kernel_size=None, restorer=RichardsonLucyRestorer())
    run(qtbot, widget)
    _, psf = results(viewer, "cells")
    np.testing.assert_allclose(psf.data, kernel / kernel.sum(), atol=1e-6)


@pytest.mark.smoke
def test_copy_as_command_puts_one_line_on_the_clipboard(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells", scale=(0.2, 0.2), units="um")
    click(qtbot, widget.panel.copy)
    line = QApplication.clipboard().text()
    assert line.startswith("blind-deconv run cells.tif --output restored --kernel-prior uniform ")
    assert "--voxel-size-um 0.2,0.2" in line
    assert "\n" not in line


def test_kinds_are_chosen_with_the_keyboard(qtbot: Any, viewer: Any, widget: Any) -> None:
    box = widget.form.kernel_prior.box
    box.setFocus()
    for _ in range(box.count()):
        qtbot.keyClick(box, Qt.Key.Key_Up)
    assert widget.form.kernel_prior.kind == box.itemData(0)


@pytest.mark.parametrize("kind", ["by-evidence", "blind-richardson-lucy"])
def test_defaults_of_every_estimator_run(qtbot: Any, viewer: Any, widget: Any, kind: str) -> None:
    from napari_blind_deconv.settings import ESTIMATORS

    viewer.add_image(spots((48, 52)), name="cells")
    quick(widget, estimator=ESTIMATORS[kind]())
    run(qtbot, widget)
    assert results(viewer, "cells")[0].data.shape == (48, 52)


def test_a_defect_is_shown_and_the_widget_lives_on(
    qtbot: Any, viewer: Any, widget: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_blind_deconv import pipeline

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the sky fell")
        yield

    viewer.add_image(spots((48, 52)), name="cells")
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "deconvolve_steps", broken)
        seen = len(notification_manager.records)
        with qtbot.captureExceptions() as raised:
            run(qtbot, widget)
    # A slot of napari 0.9 does not take the exception that PySide6 hands to it; PyQt6 leaves it out.
    assert [str(error) for _, error, _ in raised if API != "pyside6" or "create_worker" not in str(error)] == []
    assert "the sky fell" in widget.panel.status.text()
    assert len(notification_manager.records) > seen
    assert names(viewer) == ["cells"]
    run(qtbot, widget)
    assert len(viewer.layers) == 4
