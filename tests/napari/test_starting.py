"""What a first run imports, when, and for how long the window waits for it."""

import subprocess
import sys

import pytest

from napari_blind_deconv._napari import starting

OPENED = """
import sys
import numpy as np
import napari

viewer = napari.Viewer(show=False)
viewer.add_image(np.random.default_rng(0).random((40, 44)).astype("float32"), name="cells")
before = set(sys.modules)
_, widget = viewer.window.add_plugin_dock_widget("napari-blind-deconv", "Blind deconvolution")
new = {name for name in sys.modules if name not in before}
package = "napari_blind_deconv."
print("loaded", sorted({
    *(name for name in new if name.split(".")[0] in {"torch", "tifffile", "PIL", "yaozarrs", "zarr", "pyqtgraph"}),
    *(name for name in new if name.startswith((package + "batch", package + "io.files", package + "testbed"))),
}))
editors = widget.form.editors
print("made", sorted(editors), *(sorted(one.forms) for one in editors.values() if hasattr(one, "forms")))
before = widget.form.raw()
widget.form.fold.setChecked(True)
print("same", widget.form.raw() == before, len(widget.form.editors) == len(before))
viewer.close()
"""


@pytest.mark.gui
def test_the_widget_opens_without_formats_and_with_what_it_shows() -> None:
    done = subprocess.run([sys.executable, "-c", OPENED], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "loaded []" in done.stdout
    assert "made ['image_prior', 'kernel_prior', 'kernel_size'] ['uniform'] ['sparse-gradients']" in done.stdout
    assert "same True True" in done.stdout


LOADED = """
import sys, threading
from napari_blind_deconv._napari.starting import started

seen = list(started())
assert {"torch", "scipy.optimize", "napari_blind_deconv.pipeline.recipe"} <= set(sys.modules)
assert len({words for words, _ in seen}) > 1
spent = [seconds for _, seconds in seen]
assert spent == sorted(spent) and 0 <= spent[0] < spent[-1], spent
assert list(started()) == []
import torch
assert float(torch.ones(3).sum()) == 3
print("good", threading.active_count())
"""


def test_what_a_first_run_imports_is_said_piece_by_piece_and_once() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.strip() == "good 1", done.stderr[-2000:]


GIVEN_UP = """
import sys, time
from napari_blind_deconv._napari.starting import started

steps = started()
next(steps)
begun = time.monotonic()
steps.close()
assert "torch" not in sys.modules or not hasattr(sys.modules["torch"], "fft")
print("at once", time.monotonic() - begun < 1)
"""


def test_a_start_that_is_given_up_waits_for_no_import() -> None:
    done = subprocess.run([sys.executable, "-c", GIVEN_UP], capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.strip() == "at once True", done.stderr[-2000:]


def test_a_package_that_is_missing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting._torch, "is_loaded", lambda: False)
    monkeypatch.setattr(starting, "_STEPS", {"loading nothing": ("napari_blind_deconv.no_such_module",)})
    with pytest.raises(ImportError, match="no_such_module"):
        list(starting.started())
