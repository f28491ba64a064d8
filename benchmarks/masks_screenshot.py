"""The picture of masks and noise in the documentation: labels to leave out, a shape to find the PSF in, and the dock.

Run it where there is a screen, real or virtual::

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/masks_screenshot.py docs/images/masks.png
"""

import argparse
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtCore import Qt
from scipy import ndimage
from widget_screenshot import LONGEST_RUN_SECONDS, opened, save_window, wait

from napari_blind_deconv.kernel_priors import Gaussian
from napari_blind_deconv.settings import Settings
from napari_blind_deconv.synthesis import SAMPLES

RIM = [(25, 20), (25, 215), (140, 235), (225, 200), (225, 35), (120, 10)]


def window_with_layers(theme: str, size: tuple[int, int]) -> Any:
    """A viewer with an image that a camera's software has smoothed, a label on one nucleus, and a polygon."""
    viewer = napari.Viewer(title="napari")
    viewer.theme = theme
    viewer.window.resize(*size)
    sample = SAMPLES["fluorescence"]()
    image = ndimage.gaussian_filter(sample.observed, 0.7)
    y, x = np.ogrid[: image.shape[0], : image.shape[1]]
    painted = ((y - 10) ** 2 / 30**2 + (x - 58) ** 2 / 26**2 < 1).astype(int)
    placed = {"scale": sample.voxel_size_um, "units": "um"}
    viewer.add_image(image, name="cells", colormap="green", **placed)
    viewer.add_labels(painted, name="nucleus", **placed)
    look = {"face_color": "transparent", "edge_color": "#ffd866", "edge_width": 2}
    viewer.add_shapes([np.array(RIM)], shape_type="polygon", name="in focus", **look, **placed)
    return viewer


def take_picture(path: Path, theme: str = "dark", size: tuple[int, int] = (1400, 980), scrolled: float = 0.0) -> None:
    """Choose the layers under Advanced, run, bring the noise into view, and save the window."""
    viewer = window_with_layers(theme, size)
    _, widget = opened(viewer, "Blind deconvolution")
    dock, metrics = opened(viewer, "Deconvolution metrics")
    widget.input.choose(viewer.layers["cells"])
    widget.form.set_value(Settings(kernel_prior=Gaussian(), kernel_size=(15,)))
    widget.masks.leave_out.set_value(viewer.layers["nucleus"])
    widget.masks.region.set_value(viewer.layers["in focus"])
    wait(lambda: False, 1.0)
    dock.parent().resizeDocks([dock], [340], Qt.Orientation.Vertical)
    widget.run()
    wait(lambda: not widget.is_running, LONGEST_RUN_SECONDS)
    wait(lambda: metrics.is_settled, 30.0)
    for name in ("in focus", "nucleus"):
        viewer.layers.move(viewer.layers.index(name), len(viewer.layers))
    viewer.layers.selection.active = viewer.layers["cells restored"]
    widget.form.fold.setChecked(True)
    wait(lambda: False, 1.0)
    for area in (widget.scroll, metrics.table):
        bar = area.verticalScrollBar()
        bar.setValue(int(scrolled * bar.maximum()))
    widget.scroll.ensureWidgetVisible(widget.masks.region, 0, 40)
    viewer.reset_view()
    wait(lambda: False, 1.0)
    save_window(viewer, path)
    viewer.close()


def main() -> None:
    """Read the command line and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, nargs="?", default=Path("docs/images/masks.png"))
    parser.add_argument("--theme", default="dark", choices=["dark", "light"])
    parser.add_argument("--size", type=int, nargs=2, default=(1400, 980))
    parser.add_argument("--scrolled", type=float, default=0.0, help="How far the docks are scrolled, 0 to 1.")
    arguments = parser.parse_args()
    take_picture(arguments.path, arguments.theme, tuple(arguments.size), arguments.scrolled)


if __name__ == "__main__":
    main()
