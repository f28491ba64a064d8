"""Pixels cut off at the top of the range, at whatever level that is; and at the bottom."""

import numpy as np
from numpy.typing import NDArray

# Pixels at the extreme value at least, absolutely and as a share; how many times as many as at the values next to it.
_FEWEST, _SHARE, _TIMES = 8, 5e-5, 5.0
# Values next to the extreme one that are looked at, and the fewest distinct values of an image with grey levels.
_NEXT, _LEVELS = 8, 24


def saturated(image: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Pixels on a plateau at the image's maximum: as many at one value as no distribution of light would put there.

    Any level and any type: a full well, a camera of 11 bits, counts that were shifted or scaled. An image of few grey
    levels, such as a mask, has no plateau.

    Examples
    --------
    >>> ramp = np.arange(10000.0).reshape(1, 100, 100)
    >>> int(saturated(ramp).sum()), int(saturated(ramp.clip(max=9900)).sum())
    (0, 100)
    """
    return _plateau(image, image.max())


def cut_off_below(image: NDArray[np.floating]) -> NDArray[np.bool_]:
    """The same at the minimum, as after a background was subtracted and negative values set to zero."""
    return _plateau(-image, (-image).max())


def _plateau(image: NDArray[np.floating], top: float) -> NDArray[np.bool_]:
    at_top = image == top
    count = int(at_top.sum())
    none = np.zeros(image.shape, bool)
    if count < max(_FEWEST, _SHARE * image.size):
        return none
    sample = image.ravel()
    span = float(top - sample.min())
    # Only the values near the top: sorting them all would cost more than everything else.
    for part in (0.02, 0.2, 1.0):
        near = sample[(sample >= top - part * span) & (sample < top)]
        values, counts = np.unique(near, return_counts=True)
        if values.size >= _NEXT:
            break
    if values.size < _NEXT or (part == 1.0 and values.size < _LEVELS):
        return none
    return at_top if count > _TIMES * float(counts[-_NEXT:].max()) else none
