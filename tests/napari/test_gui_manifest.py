"""What napari finds of the plugin: widgets, menu, sample data, writer."""

import subprocess
import sys
from typing import Any

import npe2
import numpy as np
import pytest
from gui import PLUGIN, RUN_MS, spots

SAMPLE_KEYS = ["fluorescence", "photograph", "stack"]


@pytest.fixture(scope="module")
def manifest() -> npe2.PluginManifest:
    return npe2.PluginManifest.from_distribution(PLUGIN)


def test_every_command_can_be_imported(manifest: npe2.PluginManifest) -> None:
    manifest.validate_imports()


WIDGETS = {
    f"{PLUGIN}.deconvolve": "Blind deconvolution",
    f"{PLUGIN}.batch": "Batch",
    f"{PLUGIN}.metrics": "Deconvolution metrics",
    f"{PLUGIN}.compare_psfs": "Compare PSFs",
    f"{PLUGIN}.measure_psf": "PSF from beads",
}


def test_widgets_and_samples(manifest: npe2.PluginManifest) -> None:
    contributions = manifest.contributions
    assert {w.command: w.display_name for w in contributions.widgets} == WIDGETS
    assert sorted(s.key for s in contributions.sample_data) == SAMPLE_KEYS
    assert manifest.categories == ["Image Processing"]


def test_menu_of_layer_filters_leads_to_every_widget(manifest: npe2.PluginManifest) -> None:
    menus, submenus = manifest.contributions.menus, manifest.contributions.submenus
    [entry] = menus["napari/layers/filter"]
    [submenu] = [s for s in submenus if s.id == entry.submenu]
    assert submenu.label == "Blind deconvolution"
    assert {item.command for item in menus[submenu.id]} == set(WIDGETS)


def test_listing_the_plugin_loads_neither_torch_nor_qt() -> None:
    code = (
        "import sys, npe2\n"
        f"npe2.PluginManifest.from_distribution({PLUGIN!r})\n"
        "print(sorted({'torch', 'qtpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.smoke
def test_every_widget_opens_beside_an_image_and_closes(qtbot: Any, viewer: Any, open_widget: Any) -> None:
    viewer.add_image(spots((40, 44)), name="cells", scale=(0.1, 0.1), units="um")
    for name in WIDGETS.values():
        widget = open_widget(name)
        qtbot.waitUntil(widget.isVisible, timeout=RUN_MS)
        assert not widget.grab().isNull()
    viewer.window.remove_dock_widget("all")
    assert [layer.name for layer in viewer.layers] == ["cells"]


@pytest.mark.parametrize("key", SAMPLE_KEYS)
def test_sample_opens_with_its_truth_hidden(viewer: Any, key: str) -> None:
    viewer.open_sample(PLUGIN, key)
    shown = [layer for layer in viewer.layers if layer.visible]
    assert len(viewer.layers) == 3
    assert len(shown) == 1
    truth, kernel = (layer for layer in viewer.layers if not layer.visible)
    assert truth.data.shape == shown[0].data.shape
    assert kernel.data.sum() == pytest.approx(1, abs=1e-4)
    assert kernel.ndim == shown[0].ndim == (3 if key == "stack" else 2)


def test_sample_of_microscopy_has_its_voxel_size(viewer: Any) -> None:
    viewer.open_sample(PLUGIN, "stack")
    layer = viewer.layers[0]
    assert [str(unit) for unit in layer.units] == ["micrometer"] * 3
    np.testing.assert_allclose(layer.scale, (0.3, 0.1, 0.1))
    assert layer.axis_labels == ("z", "y", "x")


@pytest.mark.parametrize("key", SAMPLE_KEYS)
def test_sample_brings_its_settings_unless_somebody_chose_others(viewer: Any, open_widget: Any, key: str) -> None:
    from napari_blind_deconv.settings import Settings
    from napari_blind_deconv.synthesis import SAMPLES

    widget = open_widget("Blind deconvolution")
    viewer.open_sample(PLUGIN, key)
    suits = SAMPLES["volume" if key == "stack" else key]().settings
    assert widget.form.value() == suits
    assert "suit this sample" in widget.panel.forecast.text()
    viewer.layers.clear()
    assert widget.form.value() == Settings()
    widget.form.editors["seed"].set_value(5)
    viewer.open_sample(PLUGIN, key)
    assert widget.form.value() == Settings(seed=5)
    assert widget.panel.forecast.text().startswith("Ready")


def test_the_palette_finds_the_widget_and_does_not_run_what_cannot_be_called(viewer: Any) -> None:
    palette = viewer.window._qt_window._command_palette
    palette.update_context(viewer.window._qt_window)
    # The command, or in older napari the item of the menu.
    opening = {f"{PLUGIN}.deconvolve", f"{PLUGIN}:Blind deconvolution"}
    for words in ("deconv", "blind deconvolution"):
        palette._list.update_for_text(words)
        found = [command.id for command in palette._list.iter_command()]
        own = [name for name in found if name.startswith(PLUGIN)]
        assert opening & {*own[:10]}, words
        # napari calls a command without arguments, so that a writer would end in a traceback.
        last = {f"{PLUGIN}.{name}" for name in ("get_reader", "write_tiff", "write_zarr")} & {*own}
        assert {*own[len(own) - len(last) :]} == last
        for name in last:
            palette._list._selected_index = found.index(name)
            assert not palette._list.can_execute()
        palette._list._selected_index = found.index((opening & {*own}).pop())
        assert palette._list.can_execute()
