"""What is asked for in the batch widget: images, settings, results; and that all of it is in reach."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batches import finish, look, rows, settings
from gui import RUN_MS, click, spots
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

from napari_blind_deconv import io
from napari_blind_deconv.settings import Settings


@pytest.fixture
def folder(batch_folder: Path) -> Path:
    return batch_folder


@pytest.fixture
def widget(batch_widget: Any) -> Any:
    return batch_widget


def test_what_goes_in_comes_from_layers_drops_and_names(qtbot: Any, viewer: Any, widget: Any, folder: Path) -> None:
    viewer.open(folder / "in/s0.tif", plugin="napari")
    viewer.add_image(spots((20, 20)), name="made here")
    click(qtbot, widget.form.inputs.layers)
    assert widget.form.inputs.names() == (str(folder / "in/s0.tif"),)
    assert widget.panel.status.text() == (
        "layer “made here” was not opened from a file; save with File > Save Selected Layers, and add the files"
    )
    assert widget.form.output.value() == str(folder / "in/restored")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(folder / "in")), QUrl.fromLocalFile(str(folder / "in/s0.tif"))])
    names = widget.form.inputs.list
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    names.dropEvent(QDropEvent(QPointF(5, 5), copy, mime, left, Qt.KeyboardModifier.NoModifier))
    assert len(widget.form.inputs.names()) == 2
    names.item(1).setText(str(folder / "in/*2.tif"))
    names.takeItem(0)
    look(qtbot, widget, folder / "k.tif")
    assert rows(widget)[0] == ("s2.tif", "to do")
    names.setCurrentRow(1)
    qtbot.keyClick(names, Qt.Key.Key_Delete)
    assert len(widget.form.inputs.names()) == 1
    finish(qtbot, widget)


def test_settings_come_from_the_other_widget_and_from_files(
    qtbot: Any, viewer: Any, open_widget: Callable[[str], Any], folder: Path
) -> None:
    other = open_widget("Blind deconvolution")
    other.form.set_value(Settings(seed=7))
    widget = open_widget("Batch")
    assert widget.form.settings.value() == Settings(seed=7)
    other.form.set_value(Settings(seed=8))
    click(qtbot, widget.form.settings.widget)
    assert widget.form.settings.value().seed == 8
    viewer.add_image(np.ones((3, 3)), name="taps")
    other.form.set_value(settings(folder))
    other.psf_choice.set_value(viewer.layers["taps"])
    click(qtbot, widget.form.settings.widget)
    assert "PSF layer “taps” was not opened from a file" in widget.panel.status.text()
    io.write_json(folder / "settings.json", {"seed": 9, "kernel_size": [7, 7]})
    widget.form.settings.take_file(folder / "settings.json")
    assert widget.form.settings.value() == Settings(seed=9, kernel_size=(7, 7))
    widget.form.inputs.list.add([str(folder / "in")])
    assert widget.form.batch().keep == (folder / "settings.json",)
    widget.form.settings.take_file(folder / "in/s0.tif")
    assert "contains no settings" in widget.panel.status.text()
    finish(qtbot, widget)


def test_the_form_says_what_is_missing_or_cannot_be_combined(qtbot: Any, widget: Any, folder: Path) -> None:
    look(qtbot, widget, folder / "in")
    sharing = widget.form.sharing
    with qtbot.waitSignal(widget.looked, timeout=RUN_MS):
        sharing.set_value("all")
    assert widget.panel.status.text().startswith(
        "“Whose PSF” 'all' cannot be combined with “I have the PSF (known)”; choose another “What do you know"
    )
    with qtbot.waitSignal(widget.looked, timeout=RUN_MS):
        sharing.set_value("file")
    assert "no file yet whose PSF to take" in widget.panel.status.text()
    sharing.set_value("each")
    with qtbot.waitSignal(widget.looked, timeout=RUN_MS):
        widget.form.voxels.box.setText("0.1, x")
    assert widget.panel.status.text().startswith("voxel size 'x' is no length")
    assert widget.panel.table.rows.rowCount() == 0


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_is_cut_off_in_a_small_window(qtbot: Any, viewer: Any, widget: Any, folder: Path, theme: str) -> None:
    viewer.theme = theme
    viewer.window._qt_window.resize(1024, 700)
    look(qtbot, widget, folder / "in")

    def buttons_are_wide_enough() -> None:
        for button in widget.findChildren(type(widget.panel.run)):
            if button.isVisible():
                assert button.width() >= button.fontMetrics().horizontalAdvance(button.text()) + 6, button.text()

    qtbot.waitUntil(buttons_are_wide_enough, timeout=RUN_MS)
    click(qtbot, widget.form.who.fold)
    box = widget.form.who.who.box
    table, arrow = widget.panel.table, 30

    def rest_is_in_sight() -> None:
        widest = max(box.fontMetrics().horizontalAdvance(box.itemText(n)) for n in range(box.count()))
        assert widest <= box.width() - arrow
        assert sum(table.columnWidth(c) for c in range(5) if not table.isColumnHidden(c)) <= table.viewport().width()

    qtbot.waitUntil(rest_is_in_sight, timeout=RUN_MS)
    assert viewer.window._qt_window.height() <= 700
    # With Tab alone the keyboard gets from the list of images to Run.
    widget.form.inputs.list.setFocus()
    for _ in range(60):
        focused = widget.window().focusWidget()
        if focused is widget.panel.run:
            break
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    assert widget.window().focusWidget() is widget.panel.run
