"""Small images, quick settings, and clicks."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_blind_deconv.estimation import BlindRichardsonLucy
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.settings import Settings

PLUGIN = "napari-blind-deconv"
RUN_MS = 180_000
"""How long to wait for a state, also on a machine that others use."""


def spots(shape: tuple[int, ...], blur: float = 1.5) -> NDArray[np.float32]:
    """Random spots under a Gaussian blur, with a little noise."""
    rng = np.random.default_rng(0)
    scene = (rng.random(shape) > 0.985) * rng.uniform(50, 100, shape)
    soft = ndimage.gaussian_filter(scene, blur) + rng.normal(0, 0.05, shape)
    return soft.astype(np.float32)


def quick(widget: Any, **settings: Any) -> None:
    """Settings that finish in a second on a small image; they may clash, as those of a form."""
    usual = {
        "kernel_size": (5,),
        "iterations": 2,
        "image_prior": NoPrior(),
        "estimator": BlindRichardsonLucy(rounds=2, kernel_steps=1, image_steps=1),
        "device": "cpu",
    }
    widget.form.set_value(Settings())
    for name, value in (usual | settings).items():
        widget.form.editors[name].set_value(value)


def click(qtbot: Any, button: Any) -> None:
    """A real click."""
    from qtpy.QtCore import Qt  # the helpers are imported where there is no Qt, too

    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def at_rest(qtbot: Any, figure: Callable[[], int]) -> int:
    """What a figure of a layout comes to; a layout takes some turns of the event loop, more on a busy machine."""
    seen: list[int] = []

    def rests() -> bool:
        seen.append(figure())
        return len(seen) >= 5 and len({*seen[-5:]}) == 1

    qtbot.waitUntil(rests, timeout=RUN_MS)
    return seen[-1]


def finish(qtbot: Any, widget: Any) -> None:
    """Wait until nothing runs any more."""
    qtbot.waitUntil(lambda: not widget.is_running, timeout=RUN_MS)


def run(qtbot: Any, widget: Any) -> None:
    """Click Run and wait for the end."""
    click(qtbot, widget.panel.run)
    finish(qtbot, widget)


def results(viewer: Any, name: str) -> tuple[Any, Any]:
    """The restored image and the PSF that a run added."""
    return viewer.layers[f"{name} restored"], viewer.layers[f"{name} PSF"]
