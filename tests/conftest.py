"""What all tests share: how many examples are drawn, one thread, a generator, and where windows cannot open."""

import functools
import importlib
import importlib.metadata
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest
import torch

from tests import screens

GUI_TESTS = Path(__file__).parent / "napari"

# The binding is chosen once, for qtpy; pytest-qt has a name of its own for it.
if "QT_API" in os.environ:
    os.environ.setdefault("PYTEST_QT_API", os.environ["QT_API"])

hypothesis.settings.register_profile("default", max_examples=25, deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.register_profile("nightly", max_examples=500, deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """The arrays of tests are small: a second thread only waits for the first."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def generator() -> torch.Generator:
    """A source of randomness that starts anew in every test."""
    return torch.Generator().manual_seed(0)


def pytest_configure(config: pytest.Config) -> None:
    """Give every process that opens windows a screen of its own, before Qt looks for one."""
    screens.configure(config)


@functools.cache
def why_no_window() -> str | None:
    """Why no window can open here, or None where one can."""
    try:
        importlib.metadata.version("napari")
        importlib.import_module("qtpy.QtWidgets")
    except Exception as error:  # noqa: BLE001 - qtpy and the loader of shared libraries raise types of their own
        return f"napari or Qt is missing: {error}"
    own = sys.platform in {"darwin", "win32"} or os.environ.get("QT_QPA_PLATFORM") == "offscreen"
    if own or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return None
    return "no screen; `make test` brings a virtual one"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Keep windows on a real screen, where only one has the keyboard, in one process; else leave ``-n auto`` alone."""
    real = why_no_window() is None and screens.VIRTUAL not in os.environ
    return 0 if real and "not gui" not in config.option.markexpr else None


class FolderWithoutScreen(pytest.Dir):
    """Tests of windows, reported as skipped without being imported."""

    def collect(self) -> NoReturn:
        """Skip."""
        pytest.skip(str(why_no_window()), allow_module_level=True)


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Dir | None:
    """Skip the GUI's tests where no window can open."""
    return FolderWithoutScreen.from_parent(parent, path=path) if path == GUI_TESTS and why_no_window() else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what opens windows: every test that asks for Qt's application."""
    if "qapp" in getattr(item, "fixturenames", ()):
        item.add_marker("gui")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, so that no worker waits for one; what this machine cannot run is skipped."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    reasons = {
        "gui": why_no_window(),
        "gpu": None if torch.cuda.is_available() or torch.backends.mps.is_available() else "no accelerator",
    }
    for item in items:
        for marker, reason in reasons.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def one_step_descents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits of few figures end after a step, for what must hold after any number of them."""
    from napari_blind_deconv.kernel_priors import descent

    monkeypatch.setattr(descent, "_PATIENCE", 1)
    monkeypatch.setattr(descent, "_GAIN", math.inf)


@pytest.fixture(scope="module")
def session():
    """Two workers of this machine."""
    from napari_blind_deconv.batch import Workers, dask_session

    with dask_session.opened(Workers(count=2, max_memory_gb=2)) as opened:
        yield opened
