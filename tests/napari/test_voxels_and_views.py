"""Voxel size on one click, before and after, and what is preferred."""

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import napari.settings
import npe2
import numpy as np
import pytest
import tifffile
from gui import PLUGIN, RUN_MS, click, quick, results, run, spots
from napari.layers import Image, Labels

from napari_blind_deconv import InputError, Settings
from napari_blind_deconv._napari.before_after import grid_of, pair_of
from napari_blind_deconv._napari.command import command_of
from napari_blind_deconv._napari.layers import source_of
from napari_blind_deconv._napari.preferences import Preferences, preferences
from napari_blind_deconv._napari.results import kernel_layer
from napari_blind_deconv._napari.voxels_to_layer import lying_on, use


def test_a_squashed_stack_and_what_lies_on_it_get_the_voxels_of_the_file(
    qtbot: Any, viewer: Any, widget: Any, tmp_path: Path
) -> None:
    path = tmp_path / "stack.tif"
    pixels = np.round(spots((6, 32, 36)) + 10).astype(np.uint16)
    tifffile.imwrite(
        path, pixels, imagej=True, resolution=(10, 10), metadata={"axes": "ZYX", "unit": "um", "spacing": 0.4}
    )
    viewer.open(str(path), plugin="napari")
    quick(widget, kernel_size=(3,))
    run(qtbot, widget)
    restored, psf = results(viewer, "stack")
    image = viewer.layers["stack"]
    place = image.world_to_data(psf.data_to_world((1, 1, 1)))
    other = viewer.add_image(spots((9, 8)), name="other")
    widget.input.choose(image)
    assert widget.input.use_voxels.isVisibleTo(widget.input)
    viewer.dims.set_current_step(0, 4)
    click(qtbot, widget.input.use_voxels)
    assert viewer.dims.current_step[0] == 4
    for layer in (image, restored, psf):
        np.testing.assert_allclose(layer.scale, (0.4, 0.1, 0.1))
        assert [str(unit) for unit in layer.units] == ["micrometer"] * 3
    assert image.world_to_data(viewer.dims.point)[0] == pytest.approx(4, abs=0.51)
    np.testing.assert_allclose(restored.translate, image.translate)
    np.testing.assert_allclose(image.world_to_data(psf.data_to_world((1, 1, 1))), place, atol=1e-9)
    np.testing.assert_allclose(other.scale, 1)
    assert not widget.input.use_voxels.isVisibleTo(widget.input)
    assert widget.input.lengths() == pytest.approx((0.4, 0.1, 0.1))
    assert not widget.input.voxel_size.isEnabled()


@pytest.mark.parametrize("seed", range(4))
def test_layers_keep_their_places_on_the_pixels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    place = {"rotate": turn, "translate": rng.normal(size=3), "scale": rng.uniform(0.5, 2, 3)}
    image = Image(np.zeros((2, 4, 5, 6)), name="a", rotate=np.eye(4), scale=(3, *place["scale"]))
    image.rotate = np.block([[np.eye(1), np.zeros((1, 3))], [np.zeros((3, 1)), turn]])
    image.translate = (7, *place["translate"])
    labels = Labels(np.zeros((4, 5, 6), int), **place)
    beside = Image(np.zeros((4, 5, 6)), metadata={PLUGIN: {"source": "a"}}, **place)
    beside.translate = place["translate"] + rng.normal(size=3)
    stranger = Image(np.zeros((4, 5, 7)), **place)
    others = lying_on(image, [image, labels, beside, stranger])
    assert others == [labels, beside]
    corner = np.array([1.0, 2, 3, 4])
    before = [image.world_to_data((0, *layer.data_to_world(corner[1:]))) for layer in others]
    use(image, {1: 0.3, 2: 0.1, 3: 0.2}, others)
    after = [image.world_to_data((0, *layer.data_to_world(corner[1:]))) for layer in others]
    np.testing.assert_allclose(np.array(after)[:, 1:], np.array(before)[:, 1:], atol=1e-9)
    assert str(image.units[0]) == "pixel"
    np.testing.assert_allclose(image.scale, (3, 0.3, 0.1, 0.2))


@pytest.fixture
def pair(viewer: Any, widget: Any) -> tuple[Any, Any]:
    """An image and what was made of it, and a layer that has nothing to do with them."""
    image = viewer.add_image(spots((20, 22)), name="cells", contrast_limits=(1, 5))
    viewer.add_labels(np.ones((20, 22), int), name="labels")
    notes = {"role": "restored", "source": "cells"}
    restored = viewer.add_image(2 * spots((20, 22)), name="cells restored", metadata={PLUGIN: notes})
    return image, restored


def test_before_is_seen_while_the_button_is_pressed(viewer: Any, widget: Any, pair: tuple[Any, Any]) -> None:
    image, _ = pair
    row = widget.before_after
    assert row.isVisibleTo(widget)
    image.visible = False
    row.before.pressed.emit()
    assert [layer.visible for layer in viewer.layers] == [True, False, False]
    row.before.released.emit()
    assert [layer.visible for layer in viewer.layers] == [False, True, True]
    viewer.layers.remove(image)
    assert not row.isVisibleTo(widget)


def test_two_stand_side_by_side_with_one_contrast_and_everything_comes_back(
    viewer: Any, widget: Any, pair: tuple[Any, Any]
) -> None:
    image, restored = pair
    row, limits = widget.before_after, restored.contrast_limits
    row.beside.setChecked(True)
    row.contrast.setChecked(True)
    assert grid_of(viewer).enabled
    assert grid_of(viewer).actual_shape(list(viewer.layers)) == (1, 2)
    order = list(viewer.layers)
    assert [grid_of(viewer).position(order.index(layer), order)[1] for layer in pair] == [0, 1]
    assert [layer.visible for layer in viewer.layers] == [True, False, True]
    assert restored.contrast_limits == image.contrast_limits
    viewer.layers.selection.active = image
    assert grid_of(viewer).enabled
    viewer.layers.remove(image)
    assert not grid_of(viewer).enabled
    assert restored.contrast_limits == limits
    assert all(layer.visible for layer in viewer.layers)


def test_only_a_result_with_its_image_is_a_pair(viewer: Any) -> None:
    viewer.add_image(spots((20, 22)), name="cells")
    assert pair_of(viewer.layers) is None
    viewer.add_image(spots((20, 23)), name="x", metadata={PLUGIN: {"role": "restored", "source": "cells"}})
    assert pair_of(viewer.layers) is None
    viewer.add_image(spots((20, 22)), name="y", metadata={PLUGIN: {"role": "restored", "source": "cells"}})
    assert [layer.name for layer in pair_of(viewer.layers) or ()] == ["cells", "y"]


def test_defaults_of_preferences_are_those_of_the_manifest() -> None:
    shown = npe2.PluginManifest.from_distribution(PLUGIN).contributions.configurations
    declared = {name: one.default or None for part in shown.values() for name, one in part.properties.items()}
    assert declared == dataclasses.asdict(Preferences())
    allowed = Settings.__dataclass_fields__["device"].type
    assert set(shown["runs"].properties["device"].enum or ()) == {*getattr(allowed, "__args__", ())}


@pytest.mark.skipif(not hasattr(napari.settings, "get_plugin_settings"), reason="napari keeps none before 0.9")
def test_napari_keeps_and_checks_preferences(tmp_path: Path) -> None:
    from napari.settings._plugin_config_generator import plugin_configuration_generator

    npe2.PluginManager.instance().discover()
    make = plugin_configuration_generator()[PLUGIN]
    stored = make(config_path=tmp_path / "a.yaml")
    stored.runs.max_memory_gb = 2.5
    # Beside napari's own file, under the plugin's name, as `preferences` expects it.
    assert (tmp_path / "a.yaml").is_file()
    assert "'{key}.yaml'" in inspect.getsource(napari.settings.get_plugin_settings)
    assert make(config_path=tmp_path / "a.yaml").runs.max_memory_gb == 2.5
    for wrong in (-1, "much"):
        with pytest.raises(ValueError, match="max_memory_gb"):
            stored.runs.max_memory_gb = wrong
    with pytest.raises(ValueError, match="device"):
        stored.runs.device = "abacus"


def test_what_is_preferred_reaches_forms_plans_and_commands(
    monkeypatch: pytest.MonkeyPatch, viewer: Any, open_widget: Callable[[str], Any], tmp_path: Path
) -> None:
    runs, files = SimpleNamespace(device="cpu", max_memory_gb=1.5), SimpleNamespace(folder=f" {tmp_path} ")
    stored = SimpleNamespace(runs=runs, files=files, display_name="")
    monkeypatch.setattr("napari_blind_deconv._napari.preferences._stored", lambda: stored)
    assert preferences() == Preferences("cpu", 1.5, tmp_path)
    viewer.add_image(spots((20, 22)), name="cells")
    widget = open_widget("Blind deconvolution")
    assert widget.form.value() == Settings(device="cpu")
    assert widget.panel.forecast.text().startswith("Ready")
    job = widget.job()
    assert job.plan().limit <= 1.5e9
    assert "--max-memory-gb 1.5" in command_of(job)
    batch = open_widget("Batch")
    assert batch.form.memory.value() == 1.5
    runs.max_memory_gb = 1e-3
    with pytest.raises(InputError, match="max_memory_gb"):
        widget.job().plan()


def test_a_flat_psf_is_seen_beside_its_image_in_three_dimensions(qtbot: Any, viewer: Any) -> None:
    image = viewer.add_image(np.zeros((4, 60, 64)), name="film", axis_labels=("t", "y", "x"), contrast_limits=(0, 1))
    bell = np.exp(-((np.arange(9) - 4) ** 2) / 6)
    data, attributes, _ = kernel_layer(source_of(image, "TYX", None, planes=False), np.outer(bell, bell), "PSF")
    viewer.add_image(data, **attributes)
    viewer.dims.ndisplay = 3
    viewer.reset_view()

    def is_round() -> None:
        lit = viewer.screenshot(canvas_only=True, flash=False)[..., 0] > 60
        rows, columns = (np.flatnonzero(lit.any(axis)) for axis in (1, 0))
        assert rows.size > 10
        assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=3)

    # The canvas is drawn once the window has its size.
    qtbot.waitUntil(is_round, timeout=RUN_MS)
