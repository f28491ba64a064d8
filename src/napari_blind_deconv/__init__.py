"""Blind deconvolution of images, volumes and movies: p(x, k | y) ∝ p(y | x, k) p(x) p(k).

The public names are imported on first use, so that ``import napari_blind_deconv`` costs nothing: it loads neither
torch nor Qt.

Examples
--------
>>> import numpy as np
>>> from napari_blind_deconv import Settings, deconvolve
>>> observed = np.random.default_rng(0).random((48, 48)).astype("float32")
>>> result = deconvolve(observed, Settings(kernel_size=(7,), iterations=2))
>>> result.image.shape, result.kernel.shape
((48, 48), (7, 7))
"""

from typing import TYPE_CHECKING

from napari_blind_deconv._on_first_use import on_first_use

if TYPE_CHECKING:
    from napari_blind_deconv._types import InputError, Progress, Result
    from napari_blind_deconv.pipeline import deconvolve, deconvolve_steps
    from napari_blind_deconv.settings import Settings

__all__ = ["InputError", "Progress", "Result", "Settings", "deconvolve", "deconvolve_steps"]

_HOME = {
    "InputError": "_types",
    "Progress": "_types",
    "Result": "_types",
    "Settings": "settings",
    "deconvolve": "pipeline",
    "deconvolve_steps": "pipeline",
}


__getattr__ = on_first_use(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted(__all__)
