"""What holds for the package as a whole: what an import costs, the manifest, the examples, the size of files."""

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import napari_blind_deconv

ROOT = Path(__file__).parents[1]
PACKAGE = Path(napari_blind_deconv.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
GUI = {"PyQt5", "PyQt6", "PySide6", "magicgui", "napari", "pyqtgraph", "qtpy", "superqt", "vispy"}
CLUSTER = {"dask", "distributed"}
FILES = {"numcodecs", "tifffile", "yaozarrs", "zarr"}


def module_name(source: Path) -> str:
    parts = source.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@pytest.mark.parametrize(
    ("module", "kept_out"),
    [
        ("napari_blind_deconv", GUI | CLUSTER | FILES | {"torch", "scipy", "skimage", "pydantic"}),
        ("napari_blind_deconv.settings", GUI | CLUSTER | FILES),
        ("napari_blind_deconv.pipeline", GUI | CLUSTER | FILES),
        ("napari_blind_deconv.cli", GUI | CLUSTER),
    ],
)
def test_import_leaves_out(module, kept_out):
    code = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert module.partition(".")[0] in loaded
    assert not loaded & kept_out


def test_public_names_exist_and_are_listed():
    for name in napari_blind_deconv.__all__:
        assert getattr(napari_blind_deconv, name).__doc__
    assert set(dir(napari_blind_deconv)) == set(napari_blind_deconv.__all__)
    with pytest.raises(AttributeError, match="deconvolute"):
        _ = napari_blind_deconv.deconvolute


def manifest():
    return pytest.importorskip("npe2").PluginManifest.from_file(PACKAGE / "napari.yaml")


def test_manifest_is_valid_and_its_link_shows_it():
    contributions = manifest().contributions
    declared = {command.id for command in contributions.commands}
    used = {widget.command for widget in contributions.widgets} | {s.command for s in contributions.sample_data}
    assert used <= declared
    assert (ROOT / "napari.yaml").read_text() == (PACKAGE / "napari.yaml").read_text()


@pytest.mark.gui
def test_everything_in_the_manifest_can_be_imported():
    for command in manifest().contributions.commands:
        module, _, name = command.python_name.partition(":")
        assert callable(getattr(importlib.import_module(module), name)), command.id


@pytest.mark.parametrize("module", [module_name(s) for s in SOURCES if "_napari" not in s.parts])
def test_examples_in_docstrings(module):
    names = {"np": np, "torch": torch}
    outcome = doctest.testmod(importlib.import_module(module), extraglobs=names, optionflags=doctest.ELLIPSIS)
    assert outcome.failed == 0


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_examples_on_pages(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    assert blocks
    namespace = {"__name__": "__example__"}
    for block in blocks:
        exec(compile(block, page, "exec"), namespace)


def test_files_are_short():
    lengths = {module_name(s): len(s.read_text().splitlines()) for s in SOURCES}
    assert {name: n for name, n in lengths.items() if n > 300} == {}


def test_no_file_knows_somebodys_machine():
    foreign = re.compile(r"""(?<![\w.}/:-])/(?:home|mnt|root|Users|work)/\w""")
    folders = [ROOT / name for name in ("src", "tests", "docs", "benchmarks", ".ci")]
    files = [file for folder in folders for file in folder.rglob("*") if "__pycache__" not in file.parts]
    files += ROOT.iterdir()
    named = []
    for file in filter(Path.is_file, files):
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if foreign.search(text):
            named.append(str(file.relative_to(ROOT)))
    assert named == []
