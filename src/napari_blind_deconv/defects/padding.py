"""Regions that hold one value and reach the border: what stitching, rotation, deskewing or a round field leave."""

import numpy as np
import scipy
from numpy.typing import NDArray

# Side of the block that must be constant to count, and the smallest share of a frame that is worth a word.
_BLOCK, _SHARE = 7, 2e-3
# A padding ends in a jump: what is beside it differs by more grey levels than this.
_JUMP = 1.5
# Outside a padding its value is rare: in at most this share of the pixels around it.
_AROUND, _RARE = 6, 0.3


def padded(image: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Pixels of constant regions that touch the border of their frame.

    A dark background of few photons is full of zeros, too, but does not end at an edge: around a padding its value is
    rare, around a patch of background it is not.

    Parameters
    ----------
    image
        Shape ``(batch, *space)``, finite.
    """
    out = np.zeros(image.shape, bool)
    for frame, mask in zip(image, out, strict=True):
        for value in _border_values(frame):
            region = _region(frame == value)
            if region.any() and _ends_in_a_jump(frame, region, value):
                mask |= region
    return out


def blank_frames(image: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which frames ``(batch,)`` hold a single value: black frames, empty colour samples, an opaque alpha channel."""
    axes = tuple(range(1, image.ndim))
    return np.asarray(image.max(axes) == image.min(axes))


def _border_values(frame: NDArray[np.floating]) -> list[float]:
    """Values that are frequent on the border."""
    border = np.ones(frame.shape, bool)
    border[tuple(slice(1, -1) for _ in frame.shape)] = False
    values, counts = np.unique(frame[border], return_counts=True)
    most = counts.argsort()[::-1][:2]
    return [float(values[i]) for i in most if counts[i] >= _BLOCK]


def _ends_in_a_jump(frame: NDArray[np.floating], region: NDArray[np.bool_], value: float) -> bool:
    """Whether most of what is beside a region lies clearly off its value; a calm ground of few grey levels fades."""
    if region.all():
        return True
    sample = np.unique(frame.ravel()[:: max(1, frame.size // 65536)])
    step = float(np.median(np.diff(sample))) if sample.size > 1 else 0.0
    beside = scipy.ndimage.binary_dilation(region, iterations=2) & ~region & (frame != value)
    return bool(beside.any()) and float(np.median(np.abs(frame[beside] - value))) > _JUMP * step


def _region(same: NDArray[np.bool_]) -> NDArray[np.bool_]:
    block = tuple(_BLOCK if n >= 3 * _BLOCK else min(n, 3) for n in same.shape)
    core = scipy.ndimage.minimum_filter(same, block, mode="nearest")
    if not core.any():
        return core
    solid = scipy.ndimage.maximum_filter(core, block, mode="nearest") & same
    labels, count = scipy.ndimage.label(solid)
    touching = np.unique(np.concatenate([np.take(labels, (0, -1), axis).ravel() for axis in range(same.ndim)]))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    kept = [i for i in touching if i and sizes[i] >= _SHARE * same.size]
    region = np.isin(labels, kept)
    if not kept or region.all():
        return region & ~region
    around = scipy.ndimage.binary_dilation(region, iterations=_AROUND) & ~region
    if float(same[around].mean()) >= _RARE:
        return region & ~region
    # Corners that taper off are narrower than the block.
    return np.asarray(scipy.ndimage.binary_propagation(region, mask=same))
