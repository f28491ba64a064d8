"""Noise of an observation, read where a blurred image has nothing left: the corners of its spectrum."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import rfftn

if TYPE_CHECKING:
    from torch import Tensor

# Frequencies above this on *every* axis (cycles per sample; Nyquist is 0.5) count as free of signal: optics and motion
# leave least there, and texture along one axis does not reach it.
_CORNER = 0.35
# Share of each axis over which the window rises and falls: enough against leakage of bright low frequencies, little
# enough that noise which follows the intensity (photon counts) is averaged over almost the whole image.
_TAPER = 0.25


def taper(n: int, share: float, like: Tensor) -> Tensor:
    """Cosine-tapered (Tukey) window of period ``n``: ``share`` of its length is ramp, 1 makes it Hann's.

    Examples
    --------
    >>> taper(4, 1.0, torch.ones(()))
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    position = torch.arange(n, dtype=like.dtype, device=like.device)
    distance = torch.minimum(position, n - position) / n
    ramp = (distance / (share / 2)).clamp(max=1)
    return 0.5 - 0.5 * torch.cos(math.pi * ramp)


def corner_sigma(observed: Tensor) -> float:
    """Standard deviation of the white noise in a blurred observation.

    The median of the windowed periodogram over the spectrum's corners, divided by ln 2, the median of a unit
    exponential: the median ignores the few frequencies where texture gets through. For photon counts it is the root of
    the mean variance, the effective noise of a stationary model; rounding to whole grey levels is part of it. On a
    sharp image with little noise the finest detail is taken for noise, and the answer is an upper bound.

    Parameters
    ----------
    observed
        The observation, any number of axes and any intensity scale. Axes shorter than 8 samples are taken as a batch.

    Returns
    -------
    float
        Noise sigma in the observation's units, 0 for a constant.

    Notes
    -----
    Within 12 % on 32 photographs under motion blur, 8 % on photon counts (decision 0009);
    compared there with the wavelet MAD (Donoho & Johnstone 1994, doi:10.1093/biomet/81.3.425) and patch eigenvalues
    (Chen et al. 2015, doi:10.1109/ICCV.2015.62).

    Examples
    --------
    >>> noise = 3 * torch.randn(256, 256, generator=torch.Generator().manual_seed(0))
    >>> 2.7 < corner_sigma(noise) < 3.3
    True
    """
    values = observed.movedim([a for a, n in enumerate(observed.shape) if n < 8], _leading(observed))
    values = values.to(torch.promote_types(values.dtype, torch.float32))
    shape = tuple(n for n in values.shape if n >= 8)
    if not shape:
        return float(values.std(correction=0))
    ndim = len(shape)
    window = torch.ones((), dtype=values.dtype, device=values.device)
    for n in shape:
        window = window[..., None] * taper(n, _TAPER, values)
    axes = tuple(range(-ndim, 0))
    mean = (values * window**2).sum(axes, keepdim=True) / (window**2).sum()
    periodogram = rfftn((values - mean) * window, ndim).abs() ** 2 / (window**2).sum()
    for axis, n in zip(axes, shape, strict=True):
        periodogram = periodogram.index_select(axis, _corner(n, axis == -1, values.device))
    # Frames may differ in light, and so in noise: their variances are averaged.
    return math.sqrt(float(periodogram.flatten(-ndim).median(-1).values.mean()) / math.log(2))


def _leading(observed: Tensor) -> list[int]:
    return list(range(sum(n < 8 for n in observed.shape)))


def _corner(n: int, half: bool, device: torch.device) -> Tensor:
    """Places of the highest frequencies along an axis of ``n`` samples, of which a real transform keeps half."""
    lowest = math.ceil(_CORNER * n)
    return torch.arange(lowest, n // 2 + 1 if half else n - lowest + 1, device=device)
