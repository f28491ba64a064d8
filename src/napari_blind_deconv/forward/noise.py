"""The noise of an observation: how strong it is, how its power falls with frequency, how it grows with the light.

Cameras count photons, so that the variance follows the light; and what software does to an image afterwards
(resampling, smoothing, registration, compression) colours the noise, most of it towards low frequencies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import frequencies

if TYPE_CHECKING:
    from torch import Tensor

# Variances are kept above this share of the mean one: the darkest pixel is not free of noise.
_DARKEST = 0.05


@dataclass(frozen=True)
class Noise:
    """N(f) and the variance of a pixel, in the unit of the observation.

    Attributes
    ----------
    sigma
        Root of the variance, mean over pixels.
    spectrum
        Power at the frequencies of a periodic grid, ``fftfreq(n)`` cycles per sample along each side, relative: mean
        one over the grid. A single number stands for white noise of any number of axes.
    gain
        Growth of the variance per unit of intensity; 0 where it does not follow the light.
    dark
        Variance at intensity 0, which may be below zero where that is below the camera's offset.
    doubt
        How well the spectrum is known: standard deviation of its logarithm. 0 for white noise of a level that is given.
    origin
        Where it was read: ``corners``, ``patches`` or ``given``.
    compressed
        Whether blocks of a lossy compression were recognised: what it leaves is neither even nor white.

    Examples
    --------
    >>> noise = Noise.white(0.1)
    >>> float(noise.on((8, 8))[0, 0]), round(float(noise.variance(torch.ones(1))), 3)
    (1.0, 0.01)
    """

    sigma: float
    spectrum: Tensor = field(repr=False)
    gain: float = 0.0
    dark: float | None = None
    doubt: float = 0.0
    origin: str = "given"
    compressed: bool = False

    @classmethod
    def white(cls, sigma: float, origin: str = "given") -> Noise:
        """Noise of the same power at every frequency."""
        return cls(sigma, torch.ones(()), origin=origin)

    @property
    def is_white(self) -> bool:
        """Whether all frequencies have the same power."""
        return self.spectrum.numel() == 1

    def at(self, axes: Sequence[Tensor]) -> Tensor:
        """N(f) / σ² on a grid of frequencies, one vector per axis in cycles per sample; shape ``(len(axes[0]), …)``.

        Linear in the logarithm between the samples of the spectrum.
        """
        if self.is_white:
            return axes[0].new_ones([len(a) for a in axes])
        values = self.spectrum.to(axes[0]).log()
        for axis, waves in enumerate(axes):
            n = values.shape[axis]
            place = (waves % 1) * n
            low = place.floor()
            share = (place - low).reshape([-1 if a == axis else 1 for a in range(values.ndim)])
            below = values.index_select(axis, low.long() % n)
            values = below + (values.index_select(axis, (low.long() + 1) % n) - below) * share
        return values.exp()

    def on(self, canvas: Sequence[int]) -> Tensor:
        """N(f) / σ² on the half spectrum of a canvas, as `fourier.rfftn` orders it."""
        axes = [f.flatten() for f in frequencies(canvas, (1.0,) * len(canvas), self.spectrum)]
        return self.at(axes)

    def variance(self, light: Tensor) -> Tensor:
        """Variance of a pixel that expects this intensity, background included."""
        if self.dark is None or not self.gain:
            return torch.full_like(light, self.sigma**2)
        return (self.dark + self.gain * light).clamp(min=_DARKEST * self.sigma**2)

    def seen_through(self, light: Tensor, window: Tensor) -> Tensor:
        """Variance over σ² of what a window shows of every frame of an observation, ``(..., *window.shape)``."""
        power, axes = window.square(), tuple(range(-window.ndim, 0))
        return (self.variance(light) * power).mean(axes) / (self.sigma**2 * power.mean())

    def scaled(self, factor: float, offset: float = 0.0) -> Noise:
        """The noise of ``factor * (observation - offset)``."""
        dark = None if self.dark is None else factor**2 * (self.dark + self.gain * offset)
        return replace(self, sigma=self.sigma * factor, gain=self.gain * factor, dark=dark)

    def of_level(self, sigma: float) -> Noise:
        """The same with another level."""
        ratio = (sigma / self.sigma) ** 2 if self.sigma > 0 else 1.0
        dark = None if self.dark is None else self.dark * ratio
        return replace(self, sigma=sigma, gain=self.gain * ratio, dark=dark)

    def curve(self) -> list[tuple[float, float]]:
        """(Frequency in cycles per sample, N / σ²), mean over directions: what is shown to people."""
        radii = [k / 32 for k in range(1, 17)]
        if self.is_white:
            return [(r, 1.0) for r in radii]
        axes = [torch.fft.fftfreq(n) for n in [64] * self.spectrum.ndim]
        power = self.at(axes)
        radius = torch.stack(torch.meshgrid(*axes, indexing="ij")).square().sum(0).sqrt()
        half = 1 / 64
        rings = [power[(radius >= r - half) & (radius < r + half)] for r in radii]
        return [(r, float(ring.mean())) for r, ring in zip(radii, rings, strict=True) if ring.numel()]

    @property
    def tilt(self) -> float:
        """Power at an eighth of a cycle per sample over that at three eighths: 1 if white, large where it falls."""
        curve = dict(self.curve())
        return curve[1 / 8] / max(curve[3 / 8], 1e-12)
