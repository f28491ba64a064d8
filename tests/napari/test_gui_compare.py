"""The comparison of PSFs: the core's own figures of the layers on screen, in µm, to be taken home."""

import csv
import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gui import PLUGIN, RUN_MS, click
from numpy.typing import NDArray
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QApplication

from napari_blind_deconv.metrics import PsfTable, compare_psfs


@pytest.fixture
def dock(open_widget: Callable[[str], Any]) -> Any:
    return open_widget("Compare PSFs")


def bell(shape: tuple[int, ...], *sigmas: float) -> NDArray[np.float32]:
    """A Gaussian of these standard deviations in voxels."""
    axes = np.meshgrid(*[np.arange(n) - n // 2 for n in shape], indexing="ij")
    taps = np.exp(-sum((a / s) ** 2 for a, s in zip(axes, sigmas, strict=True)) / 2)
    return np.asarray(taps / taps.sum(), np.float32)


JANUARY, JUNE = bell((9, 15, 15), 2, 1.5, 1.5), bell((9, 15, 17), 2, 1.5, 2.5)
TODAY = bell((7, 13, 11), 1.5, 1.2, 1.2)
SIZES = ((0.2, 0.1, 0.1), (0.2, 0.1, 0.1), (0.3, 0.13, 0.13))
NAMES = ["PSF January", "PSF June", "cells PSF"]


def three(viewer: Any) -> list[Any]:
    return [
        viewer.add_image(taps, name=name, scale=size, units="um")
        for name, taps, size in zip(NAMES, (JANUARY, JUNE, TODAY), SIZES, strict=True)
    ]


def settle(qtbot: Any, dock: Any, change: Callable[[], Any] = lambda: None) -> Any:
    """Make a change and wait for what follows from it."""
    change()
    qtbot.waitUntil(lambda: dock.is_settled, timeout=RUN_MS)
    return dock.found


def on_screen(dock: Any) -> dict[str, list[str]]:
    view = dock.view
    rows = [
        [view.item(r, c).text() if view.item(r, c) else "" for c in range(view.columnCount())]
        for r in range(view.rowCount())
    ]
    return {row[0]: row[1:] for row in rows}


def tick(qtbot: Any, dock: Any, number: int) -> None:
    """A click into the box before a name."""
    rect = dock.panel.psfs.visualItemRect(dock.panel.psfs.item(number))
    place = QPoint(rect.left() + 10, rect.center().y())
    qtbot.mouseClick(dock.panel.psfs.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_psfs_are_ticked_and_compared_as_the_core_does(qtbot: Any, viewer: Any, dock: Any) -> None:
    viewer.add_image(np.ones((32, 32), np.float32), name="cells")
    three(viewer)
    found = settle(qtbot, dock)
    assert found.table == compare_psfs([JANUARY, JUNE, TODAY], NAMES, SIZES)
    shown = on_screen(dock)
    assert shown[""] == ["PSF January (reference)", "PSF June", "cells PSF"]
    widths = [row.figures.fwhm[2] for row in found.table.rows]
    assert [float(text) for text in shown["FWHM x (µm)"]] == pytest.approx(widths, rel=5e-3)
    assert [float(text) for text in shown["KE / ‖k‖"]] == pytest.approx([r.ke_rel for r in found.table.rows], rel=5e-3)
    assert "cells PSF: resampled" in dock.panel.notes.text()
    assert "Strehl ratio" not in shown


def test_figure_has_every_psf_on_every_plot(qtbot: Any, viewer: Any, dock: Any) -> None:
    three(viewer)
    settle(qtbot, dock)
    plots = dict(dock.plots.plots)
    sections = plots.pop("sections")
    assert set(plots) == {"radial", "axial", "mtf", "axial_mtf"}
    for plot in plots.values():
        assert len(plot.listDataItems()) == 3
        assert all(item.yData.max() == pytest.approx(1, abs=1e-6) for item in plot.listDataItems())
    assert "µm" in plots["radial"].getAxis("bottom").labelText
    images = [item for item in sections.addedItems if hasattr(item, "image")]
    assert len(images) == 6
    assert all(item.image.max() == pytest.approx(1) for item in images)


def test_planes_have_no_curves_along_z(qtbot: Any, viewer: Any, dock: Any) -> None:
    viewer.add_image(bell((11, 11), 2, 1), name="a PSF")
    viewer.add_image(bell((11, 13), 1, 2), name="b PSF")
    found = settle(qtbot, dock)
    assert set(dock.plots.plots) == {"radial", "mtf", "sections"}
    assert found.table.unit == "px"
    assert "FWHM y (px)" in on_screen(dock)


def test_ticks_and_reference_are_chosen_by_hand(qtbot: Any, viewer: Any, dock: Any) -> None:
    three(viewer)
    viewer.add_image(bell((9, 15, 15), 2, 2, 2), name="beads", scale=SIZES[0], units="um")
    assert len(settle(qtbot, dock).table.rows) == 3
    found = settle(qtbot, dock, lambda: tick(qtbot, dock, 3))
    assert [row.name for row in found.table.rows] == [*NAMES, "beads"]
    found = settle(qtbot, dock, lambda: dock.panel.choose_reference("PSF June"))
    assert found.table.rows[1].ke == 0
    assert found.table.rows[0].ke > 0
    found = settle(qtbot, dock, lambda: tick(qtbot, dock, 0))
    assert [row.name for row in found.table.rows] == ["PSF June", "cells PSF", "beads"]
    assert found.table.reference == 0


def test_comparison_follows_the_layers(qtbot: Any, viewer: Any, dock: Any) -> None:
    _, june, today = three(viewer)
    before = settle(qtbot, dock).table
    moved = settle(qtbot, dock, lambda: setattr(june, "scale", (0.2, 0.2, 0.2))).table
    assert moved.rows[1].figures.fwhm[2] == pytest.approx(2 * before.rows[1].figures.fwhm[2], rel=1e-6)
    same = settle(qtbot, dock, lambda: setattr(june, "data", JANUARY)).table
    assert same.rows[1].figures.size == JANUARY.shape
    renamed = settle(qtbot, dock, lambda: setattr(june, "name", "PSF of July")).table
    assert renamed.rows[1].name == "PSF of July"
    fewer = settle(qtbot, dock, lambda: viewer.layers.remove(today)).table
    assert len(fewer.rows) == 2
    settle(qtbot, dock, viewer.layers.clear)
    assert dock.found.table is None
    assert not dock.panel.copy.isEnabled()
    assert "Tick" in dock.panel.notes.text()


def test_channels_are_psfs_of_their_own(qtbot: Any, viewer: Any, dock: Any) -> None:
    viewer.add_image(np.stack([JANUARY, JUNE[..., :15]]), name="cells PSF", axis_labels=("c", "z", "y", "x"))
    found = settle(qtbot, dock)
    assert [row.name for row in found.table.rows] == ["cells PSF, channel 1", "cells PSF, channel 2"]
    assert found.table.rows[1].mnc < 1


def test_ideal_psf_gives_strehl_ratios(qtbot: Any, viewer: Any, dock: Any) -> None:
    january, *_ = three(viewer)
    settle(qtbot, dock)
    found = settle(qtbot, dock, lambda: dock.panel.ideal.set_value(january))
    assert found.table.rows[0].figures.strehl == pytest.approx(1)
    assert on_screen(dock)["Strehl ratio"][0] == "1"


def test_what_cannot_be_compared_is_said(qtbot: Any, viewer: Any, dock: Any) -> None:
    viewer.add_image(bell((11, 11), 2, 1), name="plane PSF")
    viewer.add_image(JANUARY, name="volume PSF")
    found = settle(qtbot, dock)
    assert found.table is None
    assert "volume PSF has 3 axes" in dock.panel.notes.text()
    settle(qtbot, dock, lambda: tick(qtbot, dock, 1))
    assert len(dock.found.table.rows) == 1
    settle(qtbot, dock, lambda: setattr(viewer.layers[0], "data", np.zeros((9, 9), np.float32)))
    assert "plane PSF" in dock.panel.notes.text()


def test_image_is_no_psf(qtbot: Any, viewer: Any, dock: Any) -> None:
    viewer.add_image(np.zeros((4097, 4097), np.uint8), name="slide")
    settle(qtbot, dock, lambda: tick(qtbot, dock, 0))
    assert "too large for a PSF" in dock.panel.notes.text()


def test_table_is_copied_and_saved(qtbot: Any, viewer: Any, dock: Any, tmp_path: Path) -> None:
    three(viewer)
    table: PsfTable = settle(qtbot, dock).table
    click(qtbot, dock.panel.copy)
    rows = [line.split("\t") for line in QApplication.clipboard().text().splitlines()]
    assert {row[0]: row[1:] for row in rows[:-1]} == on_screen(dock)
    dock.save_table(tmp_path / "psfs")
    with (tmp_path / "psfs.csv").open(encoding="utf-8-sig", newline="") as file:
        read = list(csv.DictReader(file))
    assert [row["name"] for row in read] == NAMES
    assert [float(row["fwhm_x"]) for row in read] == [row.figures.fwhm[2] for row in table.rows]
    assert [float(row["ke"]) for row in read] == [row.ke for row in table.rows]
    assert {row["reference"] for row in read} == {"PSF January"}
    dock.save_table(tmp_path / "psfs.csv" / "inside.csv")
    assert "Not saved" in dock.panel.notes.text()


@pytest.mark.parametrize("name", ["psfs.csv", "psfs.png"])
def test_what_cannot_be_saved_leaves_the_old_file(
    qtbot: Any, viewer: Any, dock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    three(viewer)
    settle(qtbot, dock)
    path = tmp_path / name
    path.write_bytes(b"before")

    def full(self: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    (dock.save_table if name.endswith("csv") else dock.save_figure)(path)
    assert path.read_bytes() == b"before"
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert "Not saved" in dock.panel.notes.text()


def test_a_picture_of_an_unknown_kind_is_refused(qtbot: Any, viewer: Any, dock: Any, tmp_path: Path) -> None:
    three(viewer)
    settle(qtbot, dock)
    dock.save_figure(tmp_path / "psfs.abc")
    assert not list(tmp_path.iterdir())
    assert ".png" in dock.panel.notes.text()


def test_figure_is_saved_black_on_white(qtbot: Any, viewer: Any, dock: Any, tmp_path: Path) -> None:
    three(viewer)
    settle(qtbot, dock)
    dock.save_figure(tmp_path / "psfs.png")
    image = QImage(str(tmp_path / "psfs.png")).convertToFormat(QImage.Format.Format_Grayscale8)
    shades = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), np.uint8)
    assert image.width() >= 1800
    assert np.median(shades) == 255
    assert 0.02 < (shades < 200).mean() < 0.5
    dock.save_figure(tmp_path / "psfs.png" / "inside.png")
    assert "Not saved" in dock.panel.notes.text()


def test_a_wide_dock_stands_side_by_side(qtbot: Any, viewer: Any, dock: Any) -> None:
    three(viewer)
    settle(qtbot, dock)
    dock.resize(420, 900)
    qtbot.waitUntil(lambda: dock.plots.geometry().top() >= dock.view.geometry().bottom(), timeout=RUN_MS)
    area = Qt.DockWidgetArea.BottomDockWidgetArea
    outer = next(d for d in viewer.window._wrapped_dock_widgets.values() if d.isAncestorOf(dock))
    outer.parent().addDockWidget(area, outer)
    qtbot.waitUntil(lambda: dock.plots.geometry().left() >= dock.view.geometry().right(), timeout=RUN_MS)


def test_closed_dock_listens_no_longer(qtbot: Any, viewer: Any, dock: Any) -> None:
    viewer.window.remove_dock_widget(dock)
    three(viewer)
    assert dock.panel.psfs.count() == 0


def test_estimate_of_the_widget_is_compared(qtbot: Any, viewer: Any, dock: Any) -> None:
    notes = {"role": "psf", "voxel_size_um": list(SIZES[2])}
    viewer.add_image(TODAY, name="estimate", metadata={PLUGIN: notes})
    viewer.add_image(JANUARY, name="being made", metadata={PLUGIN: {"role": "preview"}})
    found = settle(qtbot, dock)
    assert [row.name for row in found.table.rows] == ["estimate"]
    assert found.table.rows[0].figures.voxel_size_um == pytest.approx(SIZES[2])
