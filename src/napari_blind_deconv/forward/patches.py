"""Small windows of an observation and their power spectra: where little is seen but noise, noise can be read.

Windows of 16 samples (8 along short axes) overlap by half. A plane is taken out of each under a Hann window, so that a
slope of the image does not leak into the noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import scipy

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import hann

if TYPE_CHECKING:
    from torch import Tensor

# Side of a window, and of one along an axis shorter than _LONG.
_SIDE, _SHORT_SIDE, _LONG = 16, 8, 64
# Windows at most, and samples in all of them: ten thousand tell a spectrum to a few per cent and cost a fraction of a
# second; those of a volume have more samples each.
_MOST, _MOST_SAMPLES = 8192, 1 << 22
# Share of a window's samples that must be data.
_DATA = 0.9


@dataclass(frozen=True)
class Patches:
    """Windows of one observation.

    Attributes
    ----------
    power
        Periodogram of every window on its full grid of frequencies, unit mean for unit white noise,
        ``(windows, *sides)``.
    mean
        Mean intensity of every window.
    frame
        Frame that it lies in.
    """

    power: Tensor
    mean: Tensor
    frame: Tensor

    @classmethod
    def of(cls, observed: Tensor, weights: Tensor | None = None) -> Patches:
        """Windows of ``(batch, *space)``; those where data are missing (``weights`` 0) are left out."""
        ndim = observed.ndim - 1
        sides = window_sides(observed.shape[1:])
        steps = _steps(observed.shape, sides)
        windows, kept = _unfolded(observed, sides, steps), None
        if weights is not None:
            share = _unfolded(weights.to(observed).expand_as(observed), sides, steps).flatten(-ndim).mean(-1)
            kept = share.flatten() >= _DATA
        frames, count = windows.shape[0], math.prod(windows.shape[1 : 1 + ndim])
        frame = torch.arange(frames, device=observed.device).repeat_interleave(count)
        flat = windows.reshape(-1, *sides)
        if kept is not None and bool(kept.any()):
            flat, frame = flat[kept], frame[kept]
        window = hann(sides, observed)
        mean = (flat * window).flatten(1).sum(1) / window.sum()
        spectrum = torch.fft.fftn(_without_plane(flat, window) * window, dim=tuple(range(-ndim, 0)))
        return cls((spectrum.real**2 + spectrum.imag**2) / window.square().sum(), mean, frame)

    def __len__(self) -> int:
        return len(self.power)

    def __getitem__(self, chosen: Tensor) -> Patches:
        return Patches(self.power[chosen], self.mean[chosen], self.frame[chosen])

    @property
    def axes(self) -> list[Tensor]:
        """Frequencies along each side, cycles per sample, as they lie in ``power``."""
        return [torch.fft.fftfreq(n, device=self.power.device, dtype=self.power.dtype) for n in self.power.shape[1:]]

    @property
    def radius(self) -> Tensor:
        """Length of every frequency, cycles per sample."""
        return torch.stack(torch.meshgrid(*self.axes, indexing="ij")).square().sum(0).sqrt()

    def ring(self, low: float, high: float) -> Tensor:
        """Which frequencies lie between two radii."""
        radius = self.radius
        return (radius >= low) & (radius < high)

    def corners(self, lowest: float) -> Tensor:
        """Which frequencies are at least ``lowest`` on every axis."""
        return torch.stack(torch.meshgrid(*self.axes, indexing="ij")).abs().amin(0) >= lowest

    def energy(self, band: Tensor) -> Tensor:
        """Mean power of every window in a band."""
        return self.power.flatten(1) @ (band.to(self.power) / band.sum()).flatten()

    def over(self, level: Tensor) -> Patches:
        """The same, the power of every window in units of a level of its own."""
        return Patches(self.power / level.reshape(-1, *(1,) * (self.power.ndim - 1)), self.mean, self.frame)

    def spread(self, band: Tensor) -> float:
        """How much more windows differ in power in a band than windows of stationary noise do: 1 in noise.

        The ratio of the 90th to the 10th percentile, over that of a gamma distribution with the band's own variance.
        """
        energies = self.energy(band)
        ends = torch.quantile(energies, torch.tensor([0.1, 0.9]).to(energies))
        shape = 1 / _relative_variance(self.power.shape[1:], band)
        expected = scipy.special.gammaincinv(shape, 0.9) / scipy.special.gammaincinv(shape, 0.1)
        return float(ends[1] / ends[0].clamp(min=torch.finfo(energies.dtype).tiny)) / float(expected)


def window_sides(space: Sequence[int]) -> tuple[int, ...]:
    """Sides of the windows of an image of this shape."""
    return tuple(min(n, _SIDE if n >= _LONG else _SHORT_SIDE) for n in space)


def _steps(shape: Sequence[int], sides: Sequence[int]) -> tuple[int, ...]:
    """Half a window, or more where there would be too many."""
    steps = [max(1, s // 2) for s in sides]
    most = min(_MOST, _MOST_SAMPLES // math.prod(sides))
    while shape[0] * math.prod((n - s) // d + 1 for n, s, d in zip(shape[1:], sides, steps, strict=True)) > most:
        steps = [d + max(1, s // 4) for d, s in zip(steps, sides, strict=True)]
        if all(d >= n for d, n in zip(steps, shape[1:], strict=True)):
            break
    return tuple(steps)


def _unfolded(values: Tensor, sides: Sequence[int], steps: Sequence[int]) -> Tensor:
    for axis, (side, step) in enumerate(zip(sides, steps, strict=True), start=1):
        values = values.unfold(axis, side, step)
    return values


def _without_plane(windows: Tensor, window: Tensor) -> Tensor:
    """Windows less their mean and slopes, by least squares under the window."""
    ndim = window.ndim
    axes = tuple(range(-ndim, 0))
    out = windows - (windows * window).sum(axes, keepdim=True) / window.sum()
    for axis in axes:
        n = window.shape[axis]
        line = torch.arange(n, dtype=windows.dtype, device=windows.device) - n / 2
        line = line.reshape([-1 if a == axis else 1 for a in axes])
        power = (window * line.square()).sum().clamp(min=1e-12)
        out = out - line * (out * window * line).sum(axes, keepdim=True) / power
    return out


def _relative_variance(sides: Sequence[int], band: Tensor) -> float:
    """Variance over squared mean of white noise's mean power in a band: neighbouring ordinates share a window."""
    window = hann(sides, torch.ones((), dtype=torch.float64, device=band.device))
    shared = torch.fft.fftn(window.square()).abs().square()
    shared = shared / shared.flatten()[0]
    chosen = band.to(torch.float64)
    pairs = torch.fft.ifftn(torch.fft.fftn(chosen).abs() ** 2).real
    # Every ordinate appears twice, with its conjugate.
    return 2 * float((pairs * shared).sum()) / float(chosen.sum()) ** 2
