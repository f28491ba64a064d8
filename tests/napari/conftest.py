"""Windows with the plugin's widgets in them."""

import gc
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batches import settings
from gui import PLUGIN, quick, spots
from qtpy.compat import isalive

from napari_blind_deconv import io


@pytest.fixture(scope="session", autouse=True)
def _modules_are_no_garbage() -> Iterator[None]:
    """Have garbage collected among what tests make only: napari's fixture does so several times for each viewer."""
    for name in ("napari._qt.qt_main_window", "napari_blind_deconv._napari.deconvolve_widget"):
        import_module(name)
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def viewer(make_napari_viewer: Callable[..., Any]) -> Any:
    """A viewer in a real window."""
    return make_napari_viewer(show=True)


@pytest.fixture
def open_widget(viewer: Any) -> Iterator[Callable[[str], Any]]:
    """Open one of the plugin's widgets as the menu does; what still runs at the end is stopped."""
    opened = []

    def open_one(name: str) -> Any:
        _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, name)
        opened.append(widget)
        return widget

    yield open_one
    for widget in opened:
        if isalive(widget):
            widget.close_down()


@pytest.fixture
def widget(open_widget: Callable[[str], Any]) -> Any:
    """The deconvolution widget, set to a small and quick task."""
    widget = open_widget("Blind deconvolution")
    quick(widget)
    return widget


@pytest.fixture
def batch_folder(tmp_path: Path) -> Path:
    """Two images, a file between them that is none, and a PSF."""
    (tmp_path / "in").mkdir()
    for number in (0, 2):
        volume = io.Volume(spots((40 + number, 44)), "YX", (0.1, 0.1))
        io.write(tmp_path / f"in/s{number}.tif", volume, {})
    (tmp_path / "in/s1.tif").write_bytes(b"no image")
    taps = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32)
    io.write(tmp_path / "k.tif", io.Volume(taps, "YX"), {})
    return tmp_path


@pytest.fixture
def batch_widget(open_widget: Callable[[str], Any], batch_folder: Path) -> Any:
    """The batch widget, with quick settings and no images yet."""
    widget = open_widget("Batch")
    widget.form.settings.form.set_value(settings(batch_folder))
    return widget
