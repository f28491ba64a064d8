"""PSFs on other voxels, without light lost or won."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_blind_deconv._types import InputError

from .kernel import _unit
from .psf import spacing_of

Array = NDArray[np.float64]

MOST_TAPS: Final = 1 << 24
"""Of a resampled PSF, 128 MB; more come from voxel sizes in a wrong unit."""

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

    Raises
    ------
    InputError
        For voxel sizes as of `spacing_of`, and for voxels so fine that more than `MOST_TAPS` are needed.

    Examples
    --------
    >>> resample_psf([1.0, 2.0, 1.0], (0.1,), (0.3,)).round(3)
    array([1.])
    """
    taps = _unit(psf)
    old, new = spacing_of(taps, voxel_size_um), spacing_of(taps, to_um)
    _refuse_many(taps.shape, old, new)
    for axis, ratio in enumerate(old / new):
        taps = _along(np.moveaxis(taps, axis, -1), ratio, axis)
    return taps / taps.sum()


def _refuse_many(shape: tuple[int, ...], old: Array, new: Array) -> None:
    wanted = [2 * _half(count, ratio) + 1 for count, ratio in zip(shape, old / new, strict=True)]
    if math.prod(wanted) > MOST_TAPS:
        raise InputError(
            subject="voxel size",
            value=f"{tuple(old.tolist())} µm, on voxels of {tuple(new.tolist())} µm, makes {wanted} of {shape}",
            allowed=f"at most {MOST_TAPS} voxels in all",
            remedy="correct the unit of one of them, or compare on the coarser voxels",
        )


def _half(count: int, ratio: float) -> float:
    """New voxels on each side of the centre, so that all light is inside; infinite where numbers end."""
    farthest = (count // 2 + 0.5) * ratio
    return math.ceil(farthest - 0.5 - 1e-9) if math.isfinite(farthest) else math.inf


def _along(taps: Array, ratio: float, axis: int) -> Array:
    """The last axis resampled, and put back to where it came from."""
    count = taps.shape[-1]
    half = int(_half(count, ratio))
    wanted = np.arange(-half, half + 2) - 0.5
    running = np.concatenate([np.zeros((*taps.shape[:-1], 1)), np.cumsum(taps, axis=-1)], axis=-1)
    beyond = (np.arange(-_REST, count + _REST + 1) - count // 2 - 0.5) * ratio
    level = np.pad(running, [*[(0, 0)] * (taps.ndim - 1), (_REST, _REST)], mode="edge")
    at = scipy.interpolate.make_interp_spline(beyond, level, k=5, axis=-1)(np.clip(wanted, beyond[0], beyond[-1]))
    return np.moveaxis(np.maximum(np.diff(at, axis=-1), 0), -1, axis)
