"""A PSF as a small picture."""

from typing import Any

import numpy as np
from napari.utils.colormaps import ensure_colormap
from numpy.typing import NDArray


def kernel_picture(kernel: Any, height: int) -> NDArray[np.uint8]:
    """A PSF enlarged by whole pixels: brightest along z, and for a volume also brightest along y, side by side.

    Parameters
    ----------
    kernel
        Axes (…, z, y, x) or (y, x); of several channels the first is shown.
    height
        Largest height in screen pixels.

    Returns
    -------
    ndarray of shape (height, width, 4)
        Red, green, blue and opacity, 0 to 255.
    """
    taps = np.asarray(kernel, dtype=np.float32)
    while taps.ndim > 3:
        taps = taps[0]
    views = [taps] if taps.ndim == 2 else [taps.max(0), taps.max(1)]
    pictures = [_enlarged(view / max(float(taps.max()), 1e-12), height) for view in views]
    tallest = max(picture.shape[0] for picture in pictures)
    padded = [np.pad(p, ((0, tallest - p.shape[0]), (0, 8 * (len(views) > 1)), (0, 0))) for p in pictures]
    return np.ascontiguousarray(np.concatenate(padded, axis=1))


def _enlarged(view: NDArray[np.float32], height: int) -> NDArray[np.uint8]:
    factor = max(1, height // max(view.shape))
    colours = ensure_colormap("magma").map(view.ravel()).reshape(*view.shape, 4)
    large = np.repeat(np.repeat(colours, factor, axis=0), factor, axis=1)
    return np.asarray(np.rint(large * 255), dtype=np.uint8)
