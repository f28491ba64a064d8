"""How much each frame of a movie shows of the scene, and how strong its noise is: what frames are weighed by.

A movie that bleaches shows V_t = a_t |K|² S + r_t N in frame t (equation 1 of `closed_form`): less signal in later
frames, and less noise where light is counted. What frames tell of |K|² S adds up, by maximum likelihood with the
weights w_t = a_t / V_t², to one periodogram and its noise,

    P = Σ w_t P_t / Σ w_t a_t,      N Σ w_t r_t / Σ w_t a_t,                                                       (1)

which count for (E P)² Σ a_t² / V_t² frames. A frame of noise has a_t = 0, and no weight. Both levels are read from the
frames on rings of their spectra: r_t where all is noise, a_t against what all show together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.evidence.bands import between_bands, to_bands
from napari_blind_deconv.fourier import between_nodes, multiplicity, radius

if TYPE_CHECKING:
    from torch import Tensor

# Nodes of the rings, and rounds in which the scene's power and the levels are found in turn.
_RINGS, _ROUNDS = 20, 12
# Levels within this of each other, in log, are one: what weights would gain is its square.
_EVEN = 0.1
# A frame's noise is not taken for less than this share of the usual one, nor that for less than this of the largest.
_LEAST, _BLACK = 1 / 16, 1e-4
# A frame whose signal lies within so many standard errors of none shows none, where these are known to this share.
_ERRORS, _WELL_KNOWN = 3.0, 0.1
# Where the scene is fainter than this share of the noise, all is noise.
_FAINT = 0.05
# Variance of a median of n unit exponentials over its square, times n.
_OF_MEDIAN = 1 / math.log(2) ** 2


@dataclass(frozen=True)
class Rings:
    """The frequencies of a window between the nodes of a spectrum.

    Attributes
    ----------
    band, fraction
        Place of each, flat.
    counts
        Waves that each stands for, flat; 0 for those that are too slow to be texture.
    """

    band: Tensor
    fraction: Tensor
    counts: Tensor

    @classmethod
    def of(cls, window: tuple[int, ...], like: Tensor) -> Rings:
        """Those of a window."""
        length = radius(window, (1.0,) * len(window), like).flatten()
        lowest = 1.5 / max(window)
        band, fraction = between_nodes(length, lowest, max(0.5, 2 * lowest), _RINGS)
        waves = multiplicity(window, like).flatten() / 2
        return cls(band, fraction, torch.where(length > lowest, waves, 0.0))

    @property
    def sizes(self) -> Tensor:
        """Waves per node."""
        return to_bands(self.counts, self.band, self.fraction, _RINGS)

    def mean(self, values: Tensor) -> Tensor:
        """Means over the rings, ``(..., rings)``, of values at all frequencies, flat."""
        return to_bands(values * self.counts, self.band, self.fraction, _RINGS) / self.sizes.clamp(min=1e-9)

    def everywhere(self, nodes: Tensor) -> Tensor:
        """Values at all frequencies, flat."""
        return between_bands(nodes, self.band, self.fraction)


@dataclass(frozen=True)
class Shown:
    """What every frame shows by itself.

    Attributes
    ----------
    rings
        Its periodogram on the rings, ``(frames, rings)``.
    corners
        Its level in the corners, over N.
    expected
        The variance of its noise that its light lets expect, over the mean one.
    """

    rings: Tensor
    corners: Tensor
    expected: Tensor

    @classmethod
    def of(cls, parts: Sequence[Shown]) -> Shown:
        """All frames, in double precision: these are a few numbers each."""
        every = [(part.rings, part.corners, part.expected) for part in parts]
        return cls(*(torch.cat(values).cpu().double() for values in zip(*every, strict=True)))


@dataclass(frozen=True)
class Levels:
    """What frames are weighed by; the noise's level is one in the mean, the signal's in the mean weighed by itself.

    Attributes
    ----------
    signal, noise
        a_t and r_t.
    scene
        |K|² S on the rings, in the unit of the periodograms.
    floor
        What N is to be multiplied by to be the noise where r_t = 1, in that unit.
    """

    signal: Tensor
    noise: Tensor
    scene: Tensor
    floor: float

    @property
    def even(self) -> bool:
        """Whether frames weigh alike."""
        return all(bool((n > 0).all()) and bool((n.log().abs() < _EVEN).all()) for n in (self.signal, self.noise))

    @property
    def used(self) -> Tensor:
        """Which frames show something."""
        return self.signal > 0


def levels(shown: Shown, floor: Tensor, sizes: Tensor, corners: float) -> Levels:
    """Read the levels of all frames.

    Parameters
    ----------
    shown
        The frames.
    floor
        N on the rings.
    sizes
        Independent ordinates of a frame on each ring.
    corners
        Independent ordinates of a frame in its corners.

    Examples
    --------
    >>> shown = Shown(torch.tensor([[9.0, 1.0], [9.0, 1.0], [1.0, 1.0]]), torch.ones(3), torch.ones(3))
    >>> levels(shown, torch.ones(2), torch.full((2,), 1e4), 1e4).signal.tolist()
    [1.0, 1.0, 0.0]
    """
    # Nodes without a wave hold nothing.
    floor, sizes = torch.where(sizes > 0, floor, 1.0).to(shown.rings), sizes.to(shown.rings)
    usual, noise = _noise(shown.corners, shown.expected, corners)
    doubt = _OF_MEDIAN / max(corners, 1.0)
    # Corners alone are few, and their scatter would be taken for signal elsewhere.
    excess = (shown.rings / floor / shown.corners.clamp(min=_BLACK * shown.corners.max())[:, None]).mean(0) - 1
    faint = (excess < _FAINT) & (sizes > 0)
    if float(sizes[faint].sum()) > corners:
        told = sizes[faint] / sizes[faint].sum()
        usual, noise = _noise((shown.rings / floor)[:, faint] @ told, shown.expected, float(sizes[faint].sum()))
        doubt = 1 / float(sizes[faint].sum())
    signal, error, scene = _signal(shown.rings, usual * noise[:, None] * floor, sizes, doubt)
    seen = (signal > _ERRORS * error) | (error > _WELL_KNOWN)
    signal = torch.where(seen, signal, 0.0)
    if not bool(seen.any()):
        signal, seen = torch.ones_like(signal), torch.ones_like(seen)
    signal[seen] = _shrunk(signal[seen].clamp(min=1e-6), float(error[seen].square().mean()))
    level, mean = signal.square().sum() / signal.sum(), noise.mean()
    return Levels(signal / level, noise / mean, scene * level, float(usual * mean))


def _noise(read: Tensor, expected: Tensor, ordinates: float) -> tuple[float, Tensor]:
    """What is usual of the frames' noise, and each one's over it, from a reading by so many ordinates."""
    least = _BLACK * float(read.max().clamp(min=1e-30))
    usual = float(read.clamp(min=least).log().mean().exp())
    departure = (read / usual / expected).clamp(min=_LEAST)
    return usual, expected * _shrunk(departure, _OF_MEDIAN / max(ordinates, 1.0))


def _signal(rings: Tensor, floor: Tensor, sizes: Tensor, doubt: float) -> tuple[Tensor, Tensor, Tensor]:
    """(a_t, its standard error, |K|² S on the rings), found in turn; the noise's relative variance is ``doubt``."""
    signal = torch.ones_like(rings[:, 0])
    excess = rings - floor
    error, scene = torch.full_like(signal, math.inf), torch.zeros_like(rings[0])
    for _ in range(_ROUNDS):
        before = signal[:, None] * scene + floor
        weights = signal[:, None] / before.square()
        scene = ((weights * excess).sum(0) / (weights * signal[:, None]).sum(0).clamp(min=1e-30)).clamp(min=0)
        told = sizes * scene / (signal[:, None] * scene + floor).square()
        known = (told * scene).sum(1).clamp(min=1e-30)
        signal = ((told * excess).sum(1) / known).clamp(min=0)
        error = (1 / known + doubt * ((told * floor).sum(1) / known).square()).sqrt()
        level = signal.square().sum() / signal.sum().clamp(min=1e-30)
        if not level > 0:
            return torch.ones_like(signal), torch.full_like(signal, math.inf), scene
        signal, scene, error = signal / level, scene * level, error / level
    return signal, error, scene


def _shrunk(values: Tensor, variance: float) -> Tensor:
    """Relative levels of a known sampling variance, drawn to their mean as far as that explains their scatter."""
    logs = values.log()
    scatter = float(logs.var(correction=0)) if len(logs) > 1 else 0.0
    own = max(0.0, 1 - variance / scatter) if scatter > 0 else 0.0
    return (logs.mean() + own * (logs - logs.mean())).exp()
