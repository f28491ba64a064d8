"""Windows with the plugin's widgets in them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gui import PLUGIN, quick


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
        widget.close_down()


@pytest.fixture
def widget(open_widget: Callable[[str], Any]) -> Any:
    """The deconvolution widget, set to a small and quick task."""
    widget = open_widget("Blind deconvolution")
    quick(widget)
    return widget
