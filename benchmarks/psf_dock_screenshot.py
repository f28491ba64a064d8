"""The pictures of the docks for PSFs in the documentation: beads measured, and three PSFs compared.

Two stacks of beads are made with the microscope's own model, in June with some coma and astigmatism, and measured; a
PSF on other voxels stands for an estimate. Run it where there is a screen, real or virtual::

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/psf_dock_screenshot.py docs/images
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import napari
import numpy as np
import torch
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from scipy import signal
from widget_screenshot import opened, save_window, wait

from napari_blind_deconv.kernel_priors import Microscope

STEPS, OTHER_STEPS = (0.2, 0.08, 0.08), (0.25, 0.1, 0.1)
SHAPE, STACK = (25, 33, 33), (41, 256, 256)
LONGEST_SECONDS = 120.0


def microscope(zernike_rad: Sequence[float], depth_um: float = 0.0, na: float = 1.3) -> Microscope:
    return Microscope(
        na=na, emission_um=0.52, immersion_index=1.515, depth_um=depth_um, zernike_rad=tuple(map(float, zernike_rad))
    )


def psf(prior: Microscope, steps: Sequence[float]) -> NDArray[np.float32]:
    return prior.in_voxels(steps).sample(SHAPE, torch.Generator()).numpy().astype(np.float32)


def beads(prior: Microscope, seed: int) -> NDArray[np.float32]:
    """Beads at random places, a pair and one at the border among them, in photons."""
    rng = np.random.default_rng(seed)
    scene = np.zeros(STACK)
    places = rng.integers((14, 24, 24), (27, 232, 232), (12, 3))
    for place in [*places, (20, 120, 120), (20, 124, 125), (20, 60, 3)]:
        scene[tuple(place)] += rng.uniform(4e4, 8e4)
    return rng.poisson(np.maximum(signal.fftconvolve(scene, psf(prior, STEPS), mode="same"), 0) + 20).astype(np.float32)


def measure(viewer: Any, widget: Any, name: str) -> None:
    widget.input.layer_choice.set_value(viewer.layers[name])
    widget.measure()
    wait(lambda: not widget.is_running, LONGEST_SECONDS)


def take_pictures(folder: Path) -> None:
    """Measure two stacks of beads, compare them with an estimate, and save the window after either step."""
    viewer = napari.Viewer(title="napari")
    viewer.window.resize(1400, 900)
    shown = {"scale": STEPS, "units": "um", "axis_labels": ("z", "y", "x"), "colormap": "green"}
    viewer.add_image(beads(microscope([]), 0), name="January", **shown)
    viewer.add_image(beads(microscope([0, 0, 0.6, 0.8]), 1), name="June", visible=False, **shown)
    dock, widget = opened(viewer, "PSF from beads")
    viewer.layers["January"].contrast_limits = (20, 400)
    viewer.layers["January"].gamma = 0.6
    wait(lambda: False, 1.0)
    measure(viewer, widget, "June")
    for name in ("June measured PSF", "June found"):
        viewer.layers[name].visible = False
    measure(viewer, widget, "January")
    viewer.reset_view()
    wait(lambda: False, 1.0)
    save_window(viewer, folder / "beads.png")

    viewer.window.remove_dock_widget(dock)
    estimate = psf(microscope([], depth_um=8.0), OTHER_STEPS)
    viewer.add_image(estimate, name="today's PSF", **{**shown, "scale": OTHER_STEPS, "colormap": "magma"})
    viewer.layers["today's PSF"].translate = (0, 14, 21)
    dock, compare = opened(viewer, "Compare PSFs")
    dock.parent().addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
    dock.show()
    wait(lambda: False, 1.0)
    dock.parent().resizeDocks([dock], [430], Qt.Orientation.Vertical)
    compare.panel.choose_reference("January measured PSF")
    wait(lambda: False, 1.0)
    wait(lambda: compare.is_settled, LONGEST_SECONDS)
    viewer.reset_view()
    wait(lambda: False, 1.0)
    save_window(viewer, folder / "compare-psfs.png")
    compare.save_figure(folder / "compare-psfs-figure.png")
    viewer.close()


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs/images"))
    take_pictures(parser.parse_args().folder)


if __name__ == "__main__":
    main()
