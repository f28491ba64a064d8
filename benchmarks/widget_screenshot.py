"""The picture of the widget in the documentation: a real window, a sample run to its end, the metrics beside it.

Run it where there is a screen, real or virtual::

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/widget_screenshot.py docs/images/widget.png
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import napari
from napari._app_model import get_app_model
from PIL import Image
from qtpy.QtWidgets import QApplication, QDockWidget

from napari_blind_deconv.image_priors import Diffusion
from napari_blind_deconv.synthesis import SAMPLES

PLUGIN = "napari-blind-deconv"
COMMANDS = {
    "Blind deconvolution": f"{PLUGIN}.deconvolve",
    "Batch": f"{PLUGIN}.batch",
    "Deconvolution metrics": f"{PLUGIN}.metrics",
    "Compare PSFs": f"{PLUGIN}.compare_psfs",
    "PSF from beads": f"{PLUGIN}.measure_psf",
}
LONGEST_RUN_SECONDS = 600.0


def wait(done: Callable[[], bool], seconds: float) -> None:
    """Let the window live until something is done, or for so many seconds."""
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def opened(viewer: Any, title: str) -> tuple[Any, Any]:
    """Open a widget as napari's menu does; its dock, and itself."""
    get_app_model().commands.execute_command(COMMANDS[title]).result()
    [widget] = [w for name, w in viewer.window.dock_widgets.items() if name.startswith(f"{title} (")]
    dock = widget.parent()
    while not isinstance(dock, QDockWidget):
        dock = dock.parent()
    return dock, widget


def save_window(viewer: Any, path: Path) -> None:
    """Save a picture of the window; 256 colours are enough for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = viewer.screenshot(canvas_only=False, flash=False)
    Image.fromarray(pixels[..., :3]).quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def take_picture(path: Path, sample: str) -> None:
    """Open a sample, deconvolve it with the settings that suit it and the diffusion prior, and save the window."""
    viewer = napari.Viewer(title="napari")
    viewer.window.resize(1400, 980)
    viewer.open_sample(PLUGIN, sample)
    _, widget = opened(viewer, "Blind deconvolution")
    widget.open_metrics()
    [metrics] = [w for name, w in viewer.window.dock_widgets.items() if name.startswith("Deconvolution metrics")]
    wait(lambda: False, 1.0)
    viewer.reset_view()
    widget.form.set_value(replace(SAMPLES[sample]().settings, image_prior=Diffusion()))
    widget.run()
    wait(lambda: not widget.is_running, LONGEST_RUN_SECONDS)
    updated: list[bool] = []
    metrics.updated.connect(lambda: updated.append(True))
    wait(lambda: bool(updated), 30.0)
    wait(lambda: False, 1.0)
    save_window(viewer, path)
    viewer.close()


def main() -> None:
    """Read the command line and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, nargs="?", default=Path("docs/images/widget.png"))
    parser.add_argument("--sample", default="fluorescence", choices=["fluorescence", "photograph"])
    arguments = parser.parse_args()
    take_picture(arguments.path, arguments.sample)


if __name__ == "__main__":
    main()
