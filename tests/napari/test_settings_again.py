"""Settings from layers, files and presets, and the same run again: the same pixels, also by the command line."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gui import PLUGIN, RUN_MS, click, finish, quick, results, run, spots
from numpy.typing import NDArray
from qtpy.QtWidgets import QApplication

from napari_blind_deconv import InputError, Settings, cli, io
from napari_blind_deconv._napari.layers import role_of
from napari_blind_deconv._napari.presets import Presets, checked_name
from napari_blind_deconv._napari.recipe import recipe_of
from napari_blind_deconv.settings import settings_to_dict


@pytest.fixture(autouse=True)
def _own_presets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("napari_blind_deconv._napari.settings_menu.usual_path", lambda: tmp_path / "presets.json")


def colours() -> NDArray[Any]:
    grey = np.clip(spots((26, 28)) * 3, 0, 200).astype(np.uint8)
    return np.stack([grey, grey // 2, grey[::-1] // 3], -1)


STACK = {"scale": (0.3, 0.1, 0.1), "units": "um", "axis_labels": ("z", "y", "x")}
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "flat": (lambda: spots((26, 28)), {}),
    "stack": (lambda: spots((5, 22, 24)), STACK),
    "channels": (lambda: np.stack([spots((22, 24), b) for b in (1, 1.5, 2)]), {"axis_labels": ("c", "y", "x")}),
    "movie": (lambda: np.stack([spots((22, 24)), spots((22, 24))[::-1]]), {"axis_labels": ("t", "y", "x")}),
    "colours": (colours, {"rgb": True}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_window_terminal_and_run_again_give_the_same_pixels(
    kind: str, qtbot: Any, viewer: Any, widget: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, attributes = KINDS[kind]
    viewer.add_image(make(), name="cells", **attributes)
    [path] = viewer.layers.save(str(tmp_path / "cells.ome.tif"), plugin=PLUGIN)
    viewer.layers.clear()
    viewer.open(path, plugin=PLUGIN)
    quick(widget, kernel_size=(3,), seed=5)
    run(qtbot, widget)
    restored, psf = results(viewer, "cells")
    pixels, taps = np.array(restored.data), np.array(psf.data)
    # The copied line, as it stands, in a terminal.
    click(qtbot, widget.panel.copy)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(QApplication.clipboard().text())
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    found = io.read(tmp_path / "restored/cells_restored.ome.tif").data
    if kind == "colours":
        found = np.clip(np.rint(found), 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(pixels, found)
    np.testing.assert_array_equal(taps, io.read(tmp_path / "restored/cells_psf.ome.tif").data)
    # Saved, all closed, the form changed, opened again, run again.
    [saved] = viewer.layers["cells restored"].save(str(tmp_path / "result.ome.zarr"), plugin=PLUGIN)
    viewer.layers.clear()
    widget.form.set_value(Settings(seed=1))
    viewer.open(saved, plugin=PLUGIN)
    widget.menu.run_again(viewer.layers["cells restored"])
    qtbot.waitUntil(lambda: not widget.menu.is_looking, timeout=RUN_MS)
    finish(qtbot, widget)
    again = [layer for layer in viewer.layers if layer.name.startswith("cells restored")][-1]
    assert again.name == "cells restored [1]"
    np.testing.assert_array_equal(np.asarray(again.data), pixels)


def test_run_again_finds_a_renamed_image_by_its_pixels_and_refuses_another(
    qtbot: Any, viewer: Any, widget: Any
) -> None:
    image = viewer.add_image(spots((40, 44)), name="cells")
    viewer.add_image(spots((40, 44))[::-1], name="other")
    widget.input.choose(image)
    quick(widget, kernel_size=(3,))
    run(qtbot, widget)
    restored, _ = results(viewer, "cells")
    image.name, viewer.layers["other"].name = "renamed", "cells"
    widget.form.set_value(Settings())
    widget.menu.run_again(restored)
    qtbot.waitUntil(lambda: not widget.menu.is_looking, timeout=RUN_MS)
    finish(qtbot, widget)
    np.testing.assert_array_equal(viewer.layers["renamed restored"].data, restored.data)
    viewer.layers.remove(image)
    widget.menu.run_again(restored)
    qtbot.waitUntil(lambda: not widget.menu.is_looking, timeout=RUN_MS)
    assert "has other pixels by now" in widget.panel.status.text()
    assert not widget.is_running


def test_a_mask_that_is_gone_is_asked_for(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((40, 44)), name="cells")
    dust = np.zeros((40, 44), int)
    dust[:4, :4] = 1
    labels = viewer.add_labels(dust, name="dust")
    quick(widget, kernel_size=(3,))
    widget.masks.leave_out.set_value(widget.masks.leave_out.layers()[0])
    run(qtbot, widget)
    restored, _ = results(viewer, "cells")
    viewer.layers.remove(labels)
    widget.menu.run_again(restored)
    qtbot.waitUntil(lambda: not widget.menu.is_looking, timeout=RUN_MS)
    assert "“dust”" in widget.panel.status.text()
    assert not widget.is_running


def test_settings_come_from_layers_and_files(qtbot: Any, viewer: Any, widget: Any, tmp_path: Path) -> None:
    wanted = Settings(seed=11, kernel_size=(7,))
    notes = {"role": "restored", "settings": settings_to_dict(wanted)}
    viewer.add_image(spots((20, 22)), name="made & kept", metadata={PLUGIN: notes})
    widget.menu.fill()
    [load] = [action for action in widget.menu.menu().actions() if action.text() == "Load from a layer"]
    load.menu().actions()[0].trigger()
    assert widget.form.value() == wanted
    io.write(tmp_path / "image.ome.tif", io.Volume(spots((20, 22)), "YX"), notes)
    io.write_json(tmp_path / "report.json", notes)
    io.write_json(tmp_path / "bare.json", {"seed": 11, "kernel_size": [7]})
    for name in ("image.ome.tif", "report.json", "bare.json"):
        widget.form.set_value(Settings())
        widget.menu.load_file(tmp_path / name)
        assert widget.form.value() == wanted
    (tmp_path / "bad.json").write_text('{"seed": "x"}')
    widget.menu.load_file(tmp_path / "bad.json")
    assert "must" in widget.panel.status.text()
    assert widget.form.value() == wanted


def test_the_menu_goes_back_to_the_defaults(widget: Any) -> None:
    assert widget.form.value() != Settings()
    widget.menu.fill()
    [action] = [action for action in widget.menu.menu().actions() if action.text() == "Back to the defaults"]
    action.trigger()
    assert widget.form.value() == Settings()


def test_presets_are_saved_restored_and_deleted(viewer: Any, widget: Any, tmp_path: Path) -> None:
    quick(widget, seed=9)
    shown = widget.form.value()
    widget.menu.save_preset("quick")
    widget.menu.save_preset("../up")
    assert "must not contain" in widget.panel.status.text()
    widget.form.set_value(Settings())
    widget.menu.load_preset("quick")
    assert widget.form.value() == shown
    widget.menu.delete_preset("quick")
    assert Presets(tmp_path / "presets.json").names() == []


def test_a_layer_without_notes_says_so(viewer: Any) -> None:
    layer = viewer.add_image(spots((20, 22)), name="plain")
    with pytest.raises(InputError, match="does not say how it was made"):
        recipe_of(layer)


@pytest.mark.parametrize("name", ["", "  ", "a/b", "a\\b", "..", "x" * 61, "a\nb", "con:"])
def test_names_that_no_preset_may_have(name: str) -> None:
    with pytest.raises(InputError, match="name of a preset"):
        checked_name(name)


@pytest.mark.parametrize("content", ["[1]", '{"presets": 3}', "not json", '{"presets": {"a": {"seed": -1}}}'])
def test_a_file_of_presets_that_is_wrong_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "presets.json"
    path.write_text(content)
    with pytest.raises(InputError):
        Presets(path).settings("a")
    assert path.read_text() == content


def test_one_channel_and_a_trial_are_run_again_on_their_part(qtbot: Any, viewer: Any, widget: Any) -> None:
    two = np.stack([spots((40, 44)), spots((40, 44), 2.0)])
    image = viewer.add_image(two, name="cells", axis_labels=("c", "y", "x"))
    quick(widget, kernel_size=(3,))
    widget.input.channel.setCurrentIndex(2)
    run(qtbot, widget)
    viewer.add_shapes([[8, 6], [8, 37], [36, 37], [36, 6]], shape_type="rectangle", name="trial region")
    widget.input.choose(image)
    widget.try_region()
    finish(qtbot, widget)
    made = [layer for layer in viewer.layers if role_of(layer) == "restored"]
    assert [layer.data.shape[0] for layer in made] == [1, 1]
    assert made[0].data.shape != made[1].data.shape
    for layer in made:
        known = set(viewer.layers)
        widget.menu.run_again(layer)
        qtbot.waitUntil(lambda: not widget.menu.is_looking, timeout=RUN_MS)
        finish(qtbot, widget)
        [again] = [other for other in set(viewer.layers) - known if role_of(other) == "restored"]
        np.testing.assert_array_equal(again.data, layer.data)
        np.testing.assert_allclose(again.translate, layer.translate)


def test_nothing_breaks_where_layers_go_and_docks_close_meanwhile(qtbot: Any, viewer: Any, widget: Any) -> None:
    image = viewer.add_image(spots((40, 44)), name="cells")
    quick(widget, kernel_size=(3,))
    run(qtbot, widget)
    restored, _ = results(viewer, "cells")
    widget.menu.run_again(restored)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: not widget.menu.is_looking, timeout=RUN_MS)
    finish(qtbot, widget)
    assert "cells restored" in [layer.name for layer in viewer.layers]
    widget.before_after.beside.setChecked(True)
    widget.menu.run_again(restored)
    widget.close_down()
    assert not widget.menu.is_looking
    viewer.layers.clear()
    assert image not in viewer.layers
