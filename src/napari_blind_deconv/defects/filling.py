"""A stand-in for what is no data, from its neighbours, for steps that need every pixel."""

import numpy as np
import scipy
from numpy.typing import NDArray

_SMOOTH = 2.0


def filled(image: NDArray[np.float32], bad: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The image with its bad pixels replaced by a smooth mean of the good ones around them, frame by frame.

    Parameters
    ----------
    image
        Shape ``(batch, *space)``.
    bad
        Same shape. A frame that is bad altogether stays as it is.

    Examples
    --------
    >>> image = np.ones((1, 8, 8), np.float32); image[0, 4, 4] = 9
    >>> float(filled(image, image > 5).max())
    1.0
    """
    out = image.copy()
    for frame, holes in zip(out, bad, strict=True):
        if not holes.any() or holes.all():
            continue
        known = np.where(holes, 0, frame).astype(np.float64)
        good = (~holes).astype(np.float64)
        weight = scipy.ndimage.gaussian_filter(good, _SMOOTH)
        mean = scipy.ndimage.gaussian_filter(known, _SMOOTH)
        near = holes & (weight > 1e-3)
        frame[near] = mean[near] / weight[near]
        far = holes & ~near
        if far.any():
            nearest = scipy.ndimage.distance_transform_edt(holes & far, return_distances=False, return_indices=True)
            frame[far] = frame[tuple(nearest)][far]
    return out
