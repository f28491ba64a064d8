"""How much memory a run will take, before it takes it."""

from collections.abc import Sequence
from math import prod

# Measured peaks over 512² to 64 x 256 x 256 pixels lie at 0.5 to 0.9 of this model.
_FIXED_GB = 0.7
_BYTES_PER_PIXEL = 16
_BYTES_PER_CANVAS_PIXEL = 250
_USUAL_SUPPORT = 31


def estimated_memory_gb(
    shape: Sequence[int], axes: str, *, planes: bool = False, kernel_size: Sequence[int] | None = None
) -> float:
    """What a run takes at its peak, in GB, on the safe side.

    One channel is worked on at a time, on a canvas larger than the image by the PSF; its time points, and planes, are
    worked on together.

    Parameters
    ----------
    shape, axes
        Of the whole image.
    planes
        Whether z-planes share a 2-D PSF.
    kernel_size
        One size, or one per axis of the PSF; None: 31 pixels.

    Examples
    --------
    >>> estimated_memory_gb((512, 512), "YX") < 1
    True
    """
    space = [a for a in "ZYX" if a in axes and not (planes and a == "Z")]
    sizes = list(kernel_size or [_USUAL_SUPPORT])
    support = dict(zip(space, sizes * len(space) if len(sizes) == 1 else sizes, strict=False))
    lengths = dict(zip(axes, shape, strict=False))
    canvas = prod(n + support.get(a, 1) - 1 for a, n in lengths.items() if a != "C")
    return _FIXED_GB + (_BYTES_PER_PIXEL * prod(shape) + _BYTES_PER_CANVAS_PIXEL * canvas) / 1e9
