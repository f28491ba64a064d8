"""Pixels at the top of their range: their light is lost, and a linear blur does not explain them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv.trust.check import Check, judged

_LIMIT = 1e-4  # of the pixels
_BITS = (8, 10, 12, 14, 16)


def saturated_share(image: NDArray[Any]) -> float:
    """Share of pixels at the top of an integer type's range, or of the range that 8 to 16 bits leave.

    Examples
    --------
    >>> saturated_share(np.array([0, 3, 4095, 4095], dtype=np.uint16)), saturated_share(np.array([0.5, 1.0]))
    (0.5, 0.0)
    """
    if image.dtype.kind not in "iu":
        return 0.0
    top = int(image.max())
    limits = {int(np.iinfo(image.dtype).max), *(2**bits - 1 for bits in _BITS)}
    return float((image == top).mean()) if top in limits else 0.0


def saturation_check(share: float) -> Check:
    """The share of saturated pixels."""
    return judged(
        "saturation",
        share,
        _LIMIT,
        doubt=f"{share:.2%} of the pixels are saturated; their light is lost and rings appear around them",
        fine="hardly any pixel is saturated" if share else "no pixel is saturated",
    )
