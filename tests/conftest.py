"""What all tests share: how many examples are drawn, one thread, a generator, and where windows cannot open."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import torch

GUI_TESTS = Path(__file__).parent / "napari"

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


def why_no_qt() -> str | None:
    """Why Qt cannot be imported here, or None where it can."""
    try:
        importlib.import_module("napari")
        importlib.import_module("qtpy.QtWidgets")
    except Exception as error:  # noqa: BLE001 - qtpy and the loader of shared libraries raise types of their own
        return f"napari or Qt cannot be imported: {error}"
    return None


def why_no_screen() -> str | None:
    """Why no window can open here, or None where one can."""
    if sys.platform in {"darwin", "win32"} or os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        return None
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return None
    return "no screen: run them by `make test`, or under xvfb-run"


class ModuleWithoutQt(pytest.Module):
    """A test module that is reported as skipped instead of being imported."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        """Skip."""
        pytest.skip(str(why_no_qt()), allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Skip the GUI's test modules where Qt cannot be imported."""
    if GUI_TESTS in module_path.parents and why_no_qt():
        return ModuleWithoutQt.from_parent(parent, path=module_path)
    return None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what opens windows: every test that asks for Qt's application."""
    if "qapp" in getattr(item, "fixturenames", ()):
        item.add_marker("gui")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run, and say why."""
    reasons = {
        "gui": why_no_qt() or why_no_screen(),
        "gpu": None if torch.cuda.is_available() or torch.backends.mps.is_available() else "no accelerator",
    }
    for item in items:
        for marker, reason in reasons.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
