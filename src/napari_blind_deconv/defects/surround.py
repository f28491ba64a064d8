"""What is dark around a field of view: beyond an eyepiece or a field stop there is no light that could be cut off."""

import numpy as np
import scipy
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

# Side of the neighbourhood that is nearly all at the lowest value, and the share of it that is.
_SIDE, _EMPTY = 7, 0.8
# Smallest share of the picture that is a surround, and of the field: what is left has to be seen as one.
_SHARE, _FIELD = 2e-3, 0.05
# Stops are round, or have few corners: the field is as large as its convex hull, but for this share.
_DENT = 0.06
# Dark pixels within a field, as a share of those around it, beyond which the field was cut off, too.
_DARK = 0.04
# Depths in px at which a field is lit, as its edge is sharp; how brightly, beside the field as a whole; and how deep a
# field is at least, as in a smaller one the skirt of a spot rises as steeply.
_RIM, _LIT, _DEEP = (8.0, 14.0), 0.65, 48.0


def surround(image: NDArray[np.floating], low: Mask) -> Mask:
    """Which pixels at the lowest value lie around a field of view.

    A stop leaves one convex field with a sharp edge, and next to nothing beyond it. A background that was subtracted
    too far is cut off along a line of equal light: there the image is dim on either side, and dark parts between
    bright ones are cut off as well.

    Parameters
    ----------
    image
        Shape ``(batch, *space)``, finite; the surround is that of all frames and planes.
    low
        What is at the lowest value, same shape.

    Returns
    -------
    numpy.ndarray
        Part of ``low``: nothing where there is no such field.

    Examples
    --------
    >>> y, x = np.indices((128, 128)) - 64
    >>> disk = (np.hypot(y, x) < 60).astype(float)[None]
    >>> int(surround(disk, disk == 0).sum()) == int((disk == 0).sum())
    True
    """
    none = np.zeros_like(low)
    if image.ndim < 3 or min(image.shape[-2:]) < 3 * _SIDE or not low.any():
        return none
    above = tuple(range(image.ndim - 2))
    share = scipy.ndimage.uniform_filter(low.mean(above), _SIDE, mode="nearest")
    outside = _at_border(share > _EMPTY)
    field = _largest(~outside)
    if outside.mean() < _SHARE or field.mean() < _FIELD or not _is_convex(field):
        return none
    light = image.mean(above) - float(image.min())
    depth = scipy.ndimage.distance_transform_edt(_padded(field))[1:-1, 1:-1]
    rim = (depth >= _RIM[0]) & (depth <= _RIM[1]) & (_distance(outside) <= 2 * _RIM[1])
    if not rim.any() or depth.max() < _DEEP or float(np.median(light[rim])) < _LIT * float(np.median(light[field])):
        return none
    # The edge of the field is as soft as the lens is, and noisy.
    around = low & (_distance(outside) <= _SIDE)
    within = low & ~around
    # Of a few dark pixels within the field nothing is to be said either.
    return none if within.sum() > _DARK * around.sum() else low


def _at_border(found: Mask) -> Mask:
    """The parts that reach the border, those that are worth a word."""
    labels, count = scipy.ndimage.label(found)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    return np.isin(labels, [i for i in np.unique(rim) if i and sizes[i] >= _SHARE * found.size])


def _largest(found: Mask) -> Mask:
    labels, count = scipy.ndimage.label(found)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    return np.asarray(labels == 1 + int(sizes.argmax())) if count else found


def _is_convex(field: Mask) -> bool:
    """Whether a field fills its convex hull; its holes count as light."""
    filled = scipy.ndimage.binary_fill_holes(field)
    points = np.argwhere(filled & ~scipy.ndimage.binary_erosion(filled))
    if len(points) < 3:
        return False
    # The corners of the pixels, so that the hull of a rectangle has its area.
    corners = np.concatenate([points + np.array(shift) / 2 for shift in ((-1, -1), (-1, 1), (1, -1), (1, 1))])
    return float(filled.sum()) >= (1 - _DENT) * float(scipy.spatial.ConvexHull(corners).volume)


def _padded(field: Mask) -> Mask:
    """With the frame's border as light: a field may be larger than the picture."""
    return np.pad(field, 1, mode="edge")


def _distance(outside: Mask) -> NDArray[np.float64]:
    """How far pixels are from a surround, in px."""
    return np.asarray(scipy.ndimage.distance_transform_edt(~outside))
