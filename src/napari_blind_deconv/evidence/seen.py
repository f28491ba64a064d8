"""What windows show of many frames: a mean periodogram, however many frames there are, and how far these are apart.

Frames of one scene that hardly moves repeat each other: n of them, whose spectra are coherent by c from one to the
next, say of the scene's power what n / (1 + 2 Σ_l (1 - l / n) c^2l) frames of scenes of their own would say, since
periodogram ordinates of Gaussian fields correlate by their coherence squared (Brillinger 1981, theorem 7.2.3). Frames
that differ in light or noise are weighed (`levels`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.evidence.frames import Frames
from napari_blind_deconv.evidence.levels import Levels, Rings, Shown, levels
from napari_blind_deconv.evidence.looking import Look, Sums, looks
from napari_blind_deconv.evidence.noise_floor import level_in_window, median_of_means, over_noise
from napari_blind_deconv.evidence.smearing import ORDINATES_PER_INDEPENDENT
from napari_blind_deconv.forward import Noise

if TYPE_CHECKING:
    from torch import Tensor

# Coherence from which on a movie is as good as one frame.
_STILL = 0.9999
# Frames with less signal than this share of the usual one are as good as dark.
_DARK = 1e-6


@dataclass(frozen=True)
class Seen:
    """What windows show of all frames.

    Attributes
    ----------
    ordinates
        The periodogram, unit mean for white noise of the unit that was asked for, mean over windows and frames; where
        frames differ, weighed by what each tells.
    noise
        Variance of the noise that windows show, over σ², its level read once more at the highest frequencies.
    frames, windows
        How many show something, and windows per frame.
    coherence
        c² of the signal, from one frame to the next; 0 where there is one frame.
    variance
        The same as the light lets expect it, before its level was read.
    colour
        Noise at every frequency over what it is where frames weigh alike.
    share
        Share of the frames that they count for, at every frequency.
    """

    ordinates: Tensor
    noise: float
    frames: int
    windows: int
    coherence: float
    variance: float = 1.0
    colour: Tensor = field(default_factory=lambda: torch.ones(()))
    share: Tensor = field(default_factory=lambda: torch.ones(()))

    @property
    def apart(self) -> float:
        """Frames of scenes of their own that would say as much, as a share of the frames.

        Examples
        --------
        >>> Seen(torch.zeros(1), 1.0, 8, 1, 0.0).apart, Seen(torch.zeros(1), 1.0, 8, 1, 1.0).apart
        (1.0, 0.125)
        """
        if self.coherence >= _STILL:
            return 1 / self.frames
        repeated = sum((1 - lag / self.frames) * self.coherence**lag for lag in range(1, self.frames))
        return 1 / (1 + 2 * repeated)

    def at(self, places: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Ordinates, colour and share at some places along each axis."""
        parts = [part.to(self.ordinates) for part in (self.ordinates, self.colour, self.share)]
        shown = torch.stack([part.expand(self.ordinates.shape) for part in parts])
        for axis, place in enumerate(places, start=1):
            shown = shown.index_select(axis, place)
        return shown[0], shown[1], shown[2]

    def told_by(self, space: Sequence[int], window: Sequence[int], *, apart: bool) -> float:
        """How many windows there are that tell something of their own.

        Windows that overlap are no more than fit side by side, nor, with ``apart``, frames that repeat each other.
        """
        return self.frames * math.prod(space) / math.prod(window) * (self.apart if apart else 1.0)


def seen(frames: Frames, window: tuple[int, ...], noise: Noise, unit: float) -> Seen:
    """Look at all frames, a few at a time, and once more where they are to be weighed.

    Parameters
    ----------
    frames
        The observation.
    window
        Sides of the windows.
    noise
        Its variance may follow the light.
    unit
        Standard deviation of what has unit ordinates.
    """
    sums, shown, look = Sums(), list[Shown](), None
    for look in looks(frames, window, noise, unit):
        sums.add(look.spectra, torch.ones_like(look.variance))
        shown.append(_by_itself(look, noise))
    if look is None:
        raise ValueError("there are no frames")
    together = Shown.of(shown)
    variance, count = float(together.expected.mean()), frames.count * sums.windows
    ordinates = sums.total / count
    level = level_in_window(ordinates, variance * noise.on(window).to(ordinates), window, count)
    alike = Seen(ordinates, variance * level, frames.count, sums.windows, sums.coherence, variance)
    found = _levels(together, look, noise)
    return alike if found.even else _weighed(frames, window, (noise, unit), found, alike)


def _by_itself(look: Look, noise: Noise) -> Shown:
    power, sides = look.periodograms, tuple(look.window.shape)
    corners = over_noise(power, noise.on(sides).to(power), sides)
    level = look.variance.to(power)
    if corners.shape[-1]:
        level = corners.median(-1).values / median_of_means(len(look.spectra))
    return Shown(Rings.of(sides, power).mean(power.flatten(1)), level, look.variance)


def _levels(shown: Shown, look: Look, noise: Noise) -> Levels:
    like, sides = look.spectra[0].real, tuple(look.window.shape)
    floor, rings = noise.on(sides).to(like), Rings.of(sides, like)
    told = look.apart / ORDINATES_PER_INDEPENDENT ** len(sides)
    corners = over_noise(floor, floor, sides).numel() * told
    return levels(shown, rings.mean(floor.flatten()).cpu(), rings.sizes.cpu() * told, corners)


def _weighed(frames: Frames, sides: tuple[int, ...], of: tuple[Noise, float], found: Levels, alike: Seen) -> Seen:
    """Equation (1) of `levels`, from what frames show that weigh alike."""
    like, (noise, unit) = alike.ordinates, of
    floor = noise.on(sides).to(like) * found.floor
    scene = Rings.of(sides, like).everywhere(found.scene.to(like)).reshape(floor.shape)
    signal, strength = (values.to(like).reshape(-1, *[1] * floor.ndim) for values in (found.signal, found.noise))
    pulled, over, noisy = (torch.zeros_like(floor) for _ in range(3))
    sums, start = Sums(), 0
    for part in looks(frames, sides, noise, unit):
        power = part.periodograms
        a, r = signal[start : start + len(power)], strength[start : start + len(power)]
        start += len(power)
        weight = a / (a * scene + r * floor).square()
        pulled += (weight * power).sum(0)
        noisy += (weight * r).sum(0)
        over += (weight * a).sum(0)
        told = (weight * a).flatten(1).mean(1)
        sums.add([spectra / a.clamp(min=_DARK).sqrt() for spectra in part.spectra], told)
    ordinates, colour, count = pulled / over, noisy / over, int(found.used.sum())
    share = (scene + colour * floor).square() * over / count
    many = max(1, round(count * alike.windows * float(share.mean())))
    level = level_in_window(ordinates, alike.variance * colour * noise.on(sides).to(like), sides, many)
    return replace(
        alike,
        ordinates=ordinates,
        noise=alike.variance * level,
        frames=count,
        coherence=sums.coherence,
        colour=colour,
        share=share,
    )
