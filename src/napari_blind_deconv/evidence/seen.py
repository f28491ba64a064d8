"""What windows show of many frames: a mean periodogram, however many frames there are, and how far these are apart.

Frames of one scene that hardly moves repeat each other: n of them, whose spectra are coherent by c from one to the
next, say of the scene's power what n / (1 + 2 Σ_l (1 - l / n) c^2l) frames of scenes of their own would say, since
periodogram ordinates of Gaussian fields correlate by their coherence squared (Brillinger 1981, theorem 7.2.3).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.evidence.noise_floor import level_in_window
from napari_blind_deconv.evidence.pieces import pieces
from napari_blind_deconv.forward import Noise
from napari_blind_deconv.fourier import hann, rfftn

if TYPE_CHECKING:
    from torch import Tensor

# Samples that are read and transformed at once.
_AT_ONCE = 1 << 22
# Coherence from which on a movie is as good as one frame.
_STILL = 0.9999


@dataclass(frozen=True)
class Frames:
    """Frames of an observation, in their order, of which no more than a few are in memory.

    Attributes
    ----------
    read
        Gives some of them, ``(frames, *space)``.
    count
        How many there are.
    size
        Samples of each.
    """

    read: Callable[[slice], Tensor]
    count: int
    size: int

    @classmethod
    def of(cls, observed: Tensor) -> Frames:
        """Those of an observation ``(frames, *space)`` that is in memory."""
        return cls(observed.__getitem__, len(observed), max(observed[0].numel(), 1))

    def between(self, start: int, stop: int) -> Frames:
        """Some of them.

        Examples
        --------
        >>> [len(part) for part in Frames.of(torch.zeros(9, 4, 4)).between(2, 7).parts()]
        [5]
        """
        return Frames(lambda some: self.read(slice(start + some.start, start + some.stop)), stop - start, self.size)

    def exact(self) -> Frames:
        """The same in double precision."""
        return replace(self, read=lambda some: exact(self.read(some)))

    def parts(self) -> Iterator[Tensor]:
        """All of them, a few at a time."""
        step = max(1, _AT_ONCE // self.size)
        for start in range(0, self.count, step):
            yield self.read(slice(start, min(start + step, self.count)))


def exact(values: Tensor) -> Tensor:
    """In double precision, where the device has it."""
    return values if values.device.type == "mps" else values.double()


@dataclass(frozen=True)
class Seen:
    """What windows show of all frames.

    Attributes
    ----------
    ordinates
        The periodogram, unit mean for white noise of the unit that was asked for, mean over windows and frames.
    noise
        Variance of the noise that windows show, over σ², its level read once more at the highest frequencies.
    frames, windows
        How many there are, windows per frame.
    coherence
        c² of the signal, from one frame to the next; 0 where there is one frame.
    """

    ordinates: Tensor
    noise: float
    frames: int
    windows: int
    coherence: float

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

    def told_by(self, space: Sequence[int], window: Sequence[int], *, apart: bool) -> float:
        """How many windows there are that tell something of their own.

        Windows that overlap are no more than fit side by side, nor, with ``apart``, frames that repeat each other.
        """
        return self.frames * math.prod(space) / math.prod(window) * (self.apart if apart else 1.0)


def seen(frames: Frames, window: tuple[int, ...], noise: Noise, unit: float) -> Seen:
    """Look at all frames, a few at a time.

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
    total, crossed, variance, windows = torch.zeros(()), torch.zeros(()), 0.0, 0
    axes = tuple(range(-len(window), 0))
    before: list[Tensor] = []
    for part in frames.parts():
        shape = hann(window, part)
        power = shape.square()
        last: list[Tensor] = []
        for piece in pieces(part, window):
            values = piece / unit
            mean = (values * power).sum(axes, keepdim=True) / power.sum()
            spectra = rfftn((values - mean) * shape, len(window)) / power.sum().sqrt()
            total = total + (spectra.real.square() + spectra.imag.square()).sum(0)
            crossed = crossed + _neighbours(torch.cat([*before[len(last) : len(last) + 1], spectra]))
            variance += len(piece) * noise.seen_through(piece, shape)
            last.append(spectra[-1:])
        before, windows = last, len(last)
    count = frames.count * windows
    ordinates, shown = total / count, variance / count
    level = level_in_window(ordinates, shown * noise.on(window).to(ordinates), window, count)
    return Seen(ordinates, shown * level, frames.count, windows, _coherence(total, crossed, frames.count))


def _neighbours(spectra: Tensor) -> Tensor:
    """Σ Re X_t conj X_t+1 over neighbouring frames."""
    first, second = spectra[:-1], spectra[1:]
    return (first.real * second.real + first.imag * second.imag).sum(0)


def _coherence(total: Tensor, crossed: Tensor, frames: int) -> float:
    """c² of what is above the noise: mean over the frequencies, each by the power that it has."""
    if frames < 2:
        return 0.0
    along = crossed / (frames - 1) / (total / frames).clamp(min=1e-30)
    signal = (total / total.median().clamp(min=1e-30) - 2).clamp(min=0).log1p()
    weight = signal.sum()
    return float(((along * signal).sum() / weight).clamp(0, 1).square()) if weight > 0 else 0.0
