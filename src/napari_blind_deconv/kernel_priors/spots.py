"""Sums of sharp spots: the kernel of a diffuser or a lenslet array, from places and intensities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipy

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from torch import Tensor


def spots(places: Tensor, intensities: Tensor, shape: Sequence[int], width: float | Tensor) -> Tensor:
    """Σ w_i spot(r - r_i), each spot a Gaussian integrated over the pixel.

    Parameters
    ----------
    places
        r_i in pixels from the centre tap, ``(spots, ndim)``.
    intensities
        w_i, positive, ``(spots,)``.
    shape
        Odd shape of the kernel. What leaves it is lost.
    width
        Standard deviation of a spot, in pixels, > 0.

    Returns
    -------
    Tensor
        Unit sum, differentiable in places and intensities.

    Examples
    --------
    >>> kernel = spots(torch.tensor([[0.0, -2.0], [0.0, 2.0]]), torch.tensor([1.0, 3.0]), (5, 7), 0.3)
    >>> bool(kernel[2, 5] > 2 * kernel[2, 1] > 0.3)
    True
    """
    kernel = single(places, shape, width).flatten(1)
    kernel = (intensities @ kernel).reshape(*shape)
    return kernel / kernel.sum().clamp(min=1e-12)


def single(places: Tensor, shape: Sequence[int], width: float | Tensor) -> Tensor:
    """Every spot on its own, unit sum but for what leaves the support, ``(spots, *shape)``."""
    out = torch.ones_like(places[:, 0])
    for axis, n in enumerate(shape):
        edges = torch.arange(n + 1, dtype=places.dtype, device=places.device) - n // 2 - 0.5
        profile = torch.erf((edges - places[:, axis, None]) / (width * math.sqrt(2))).diff(dim=-1) / 2
        out = out[..., None] * profile.reshape(len(places), *[1] * axis, n)
    return out


def refined_peaks(values: Tensor, most: int, fraction: float) -> tuple[Tensor, Tensor]:
    """Local maxima above a fraction of the highest one, to sub-pixel precision, highest first.

    Returns
    -------
    tuple
        Places in pixels from the centre, ``(peaks, ndim)``, and heights.
    """
    padded = torch.nn.functional.pad(values, [1, 1] * values.ndim, value=-math.inf)
    around = padded
    for axis in range(values.ndim):
        n = values.shape[axis]
        around = torch.stack([around.narrow(axis, i, n) for i in range(3)]).amax(0)
    peaks = (values >= around) & (values > fraction * values.max())
    index = peaks.nonzero()
    heights = values[peaks]
    order = heights.argsort(descending=True)[:most]
    index, heights = index[order], heights[order]
    places = []
    for axis, n in enumerate(values.shape):
        lower, upper = (_neighbour(values, index, axis, step) for step in (-1, 1))
        curvature = (2 * heights - lower - upper).clamp(min=1e-12)
        places.append(index[:, axis] - n // 2 + ((upper - lower) / (2 * curvature)).clamp(-0.5, 0.5))
    return torch.stack(places, -1).to(values), heights


def in_one_piece(kernel: Tensor, *, above: float, wider_than: float) -> bool:
    """Whether most of a kernel's light lies in one connected piece that is wider than a spot.

    Parameters
    ----------
    kernel
        Any shape, any sum.
    above
        Share of the highest tap below which taps do not connect.
    wider_than
        Length of the piece's longest side, in pixels, up to which it is a spot.

    Examples
    --------
    >>> apart = spots(torch.tensor([[0.0, -4.0], [0.0, 4.0]]), torch.ones(2), (5, 15), 0.5)
    >>> chain = spots(torch.tensor([[0.0, -2.0], [0.0, 0.0], [0.0, 2.0]]), torch.ones(3), (5, 15), 0.5)
    >>> [in_one_piece(kernel, above=0.1, wider_than=4) for kernel in (apart, chain)]
    [False, True]
    """
    taps = kernel.detach().cpu().numpy()
    labels, count = scipy.ndimage.label(taps > above * taps.max(), np.ones([3] * taps.ndim))
    if count == 0:
        return False
    light = scipy.ndimage.sum_labels(taps, labels, range(1, count + 1))
    sides = [s.stop - s.start for s in scipy.ndimage.find_objects(labels)[int(np.argmax(light))]]
    return float(light.max()) > 0.5 * float(taps.sum()) and max(sides) > wider_than


def _neighbour(values: Tensor, index: Tensor, axis: int, step: int) -> Tensor:
    """Values a step along an axis from each index; 0 outside."""
    moved = index.clone()
    moved[:, axis] += step
    inside = (moved[:, axis] >= 0) & (moved[:, axis] < values.shape[axis])
    moved[:, axis] = moved[:, axis].clamp(0, values.shape[axis] - 1)
    return values[tuple(moved.T)] * inside
