"""Windows, forms and plans do without PyTorch: it is imported by the first run, in its thread."""

import subprocess
import sys
from pathlib import Path

import pytest

# What a form needs seconds for, if it is imported.
HEAVY = ("torch", "scipy.stats", "scipy.signal", "skimage.metrics", "diffusers", "distributed", "zarr")

SCRIPT = f"""
import sys
import numpy as np
import napari

viewer = napari.Viewer(show=False)
viewer.add_image(np.random.default_rng(0).random((5, 40, 44)).astype("float32"), name="cells", scale=(0.3, 0.1, 0.1))
before = set(sys.modules)
from napari_blind_deconv import settings

for title in ("Deconvolution metrics", "Compare PSFs", "PSF from beads", "Batch", "Blind deconvolution"):
    _, widget = viewer.window.add_plugin_dock_widget("napari-blind-deconv", title)
for kind in settings.KERNEL_PRIORS:
    if kind == "known":
        continue
    values = settings.settings_to_dict(settings.Settings())
    values["kernel_prior"] = settings.default_of("kernel_prior", kind)
    widget.form.set_value(settings.settings_from_dict(values))
    assert settings.settings_to_dict(widget.form.value())["kernel_prior"]["kind"] == kind
    if kind != "microscope" and kind != "airy":
        widget.job().plan()
for family, kinds in settings.FAMILIES.items():
    for kind in kinds:
        settings.default_of(family, kind)
widget.copy_command()
loaded = [name for name in {HEAVY!r} if name in sys.modules and name not in before]
print("loaded", loaded)
viewer.close()
"""


@pytest.mark.slow
@pytest.mark.gui
def test_all_widgets_open_fill_plan_and_refuse_without_pytorch() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "loaded []" in done.stdout


def test_pytorch_is_named_once() -> None:
    """Whatever a form imports takes it from `_torch`, at the top of modules that only runs import it may stand."""
    package = Path(__file__).parents[2] / "src/napari_blind_deconv"
    families = ("kernel_priors", "image_priors", "estimation", "restoration", "forward", "_napari")
    direct = {
        str(path.relative_to(package))
        for family in families
        for path in (package / family).glob("*.py")
        if "\nimport torch\n" in path.read_text(encoding="utf-8")
    }
    assert direct == {"estimation/apart.py"}
