"""The picture of the widget in the documentation: a real window, a sample run to its end, the metrics beside it.

Run it where there is a screen, real or virtual::

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/widget_screenshot.py docs/images/widget.png
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import napari
from qtpy.QtWidgets import QApplication

from napari_blind_deconv.image_priors import Diffusion
from napari_blind_deconv.synthesis import SAMPLES

PLUGIN = "napari-blind-deconv"
LONGEST_RUN_SECONDS = 600.0


def wait(done: Callable[[], bool], seconds: float) -> None:
    """Let the window live until something is done, or for so many seconds."""
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def take_picture(path: Path, sample: str) -> None:
    """Open a sample, deconvolve it with the settings that suit it and the diffusion prior, and save the window."""
    viewer = napari.Viewer(title="napari")
    viewer.window.resize(1400, 980)
    viewer.open_sample(PLUGIN, sample)
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Blind deconvolution")
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
    path.parent.mkdir(parents=True, exist_ok=True)
    viewer.screenshot(str(path), canvas_only=False, flash=False)
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
