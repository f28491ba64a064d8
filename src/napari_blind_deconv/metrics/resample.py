"""PSFs on other voxels, without light lost or won."""

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from .kernel import _unit
from .psf import spacing_of

Array = NDArray[np.float64]

_REST = 4  # edges beyond each end, where the running sum stands still


def resample_psf(psf: ArrayLike, voxel_size_um: Sequence[float], to_um: Sequence[float]) -> Array:
    """A PSF on other voxels about the same centre: odd size, unit sum.

    A tap is the light in a voxel, so it is the running sum of taps that is interpolated, by a quintic spline along axis
    after axis, and read at the edges of the new voxels: coarser voxels integrate. The spline's ringing below zero is
    cut off. What finer voxels would have resolved cannot come back.

    Parameters
    ----------
    psf
        Centre tap at ``n // 2``.
    voxel_size_um, to_um
        Voxels that it has, and those that it gets; positive, one length per axis.

    Examples
    --------
    >>> resample_psf([1.0, 2.0, 1.0], (0.1,), (0.3,)).round(3)
    array([1.])
    """
    taps = _unit(psf)
    for axis, (old, new) in enumerate(zip(spacing_of(taps, voxel_size_um), spacing_of(taps, to_um), strict=True)):
        taps = _along(np.moveaxis(taps, axis, -1), old / new, axis)
    return taps / taps.sum()


def _along(taps: Array, ratio: float, axis: int) -> Array:
    """The last axis resampled, and put back to where it came from."""
    count = taps.shape[-1]
    edges = (np.arange(count + 1) - count // 2 - 0.5) * ratio
    half = int(np.ceil(np.abs(edges).max() - 0.5 - 1e-9))
    wanted = np.arange(-half, half + 2) - 0.5
    running = np.concatenate([np.zeros((*taps.shape[:-1], 1)), np.cumsum(taps, axis=-1)], axis=-1)
    beyond = (np.arange(-_REST, count + _REST + 1) - count // 2 - 0.5) * ratio
    level = np.pad(running, [*[(0, 0)] * (taps.ndim - 1), (_REST, _REST)], mode="edge")
    at = scipy.interpolate.make_interp_spline(beyond, level, k=5, axis=-1)(np.clip(wanted, beyond[0], beyond[-1]))
    return np.moveaxis(np.maximum(np.diff(at, axis=-1), 0), -1, axis)
