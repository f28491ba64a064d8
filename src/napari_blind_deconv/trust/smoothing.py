"""Means over the neighbourhood, the image mirrored at its border."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import scipy

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from torch import Tensor


def gaussian_taps(n: int, sigma: float, like: Tensor) -> Tensor:
    """A Gaussian of unit sum, no longer than an axis of ``n`` samples can mirror."""
    radius = min(math.ceil(3 * sigma), n - 1)
    place = torch.arange(-radius, radius + 1, dtype=like.dtype, device=like.device)
    taps = torch.exp(-0.5 * (place / sigma) ** 2)
    return taps / taps.sum()


def smoothed(values: Tensor, ndim: int, sigma: float) -> Tensor:
    """Values after a Gaussian of ``sigma`` samples along each of the last ``ndim`` axes.

    Examples
    --------
    >>> bool(torch.allclose(smoothed(torch.ones(1, 9, 7), 2, 2.0), torch.ones(1, 9, 7)))
    True
    """
    # SciPy's filter is several times as fast where there is no GPU; its "mirror" is the "reflect" of torch.
    through = _line_by_scipy if values.device.type == "cpu" and not values.requires_grad else _line_by_torch
    out = values
    for axis in range(-ndim, 0):
        taps = gaussian_taps(out.shape[axis], sigma, out)
        out = through(out, taps, axis) if len(taps) > 1 else out
    return out


def _line_by_scipy(values: Tensor, taps: Tensor, axis: int) -> Tensor:
    return torch.from_numpy(scipy.ndimage.correlate1d(values.numpy(), taps.numpy(), axis, mode="mirror"))


def _line_by_torch(values: Tensor, taps: Tensor, axis: int) -> Tensor:
    lines, radius = values.movedim(axis, -1), len(taps) // 2
    flat = torch.nn.functional.pad(lines.reshape(-1, 1, lines.shape[-1]), (radius, radius), mode="reflect")
    return torch.nn.functional.conv1d(flat, taps[None, None]).reshape(lines.shape).movedim(-1, axis)
