"""Frames through windows: their spectra, a few frames at a time, and sums over them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.evidence.frames import Frames
from napari_blind_deconv.evidence.pieces import pieces
from napari_blind_deconv.forward import Noise
from napari_blind_deconv.fourier import hann, rfftn

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Look:
    """Some frames through windows.

    Attributes
    ----------
    window
        The window.
    spectra
        Of every window, ``(frames, *half canvas)``.
    variance
        Of every frame's noise over σ², as its light lets expect it.
    apart
        Windows that fit side by side into a frame.
    """

    window: Tensor
    spectra: list[Tensor]
    variance: Tensor
    apart: float

    @property
    def periodograms(self) -> Tensor:
        """Of every frame, the mean over its windows."""
        total = torch.zeros_like(self.spectra[0].real)
        for spectrum in self.spectra:
            total += spectrum.real.square() + spectrum.imag.square()
        return total / len(self.spectra)


def looks(frames: Frames, sides: tuple[int, ...], noise: Noise, unit: float) -> Iterator[Look]:
    """All frames, a few at a time; arguments as of `seen.seen`."""
    axes = tuple(range(-len(sides), 0))
    for part in frames.parts():
        window = hann(sides, part)
        power = window.square()
        spectra, variances = [], []
        for piece in pieces(part, sides):
            values = piece / unit
            mean = (values * power).sum(axes, keepdim=True) / power.sum()
            spectra.append(rfftn((values - mean) * window, len(sides)) / power.sum().sqrt())
            variances.append(noise.seen_through(piece, window))
        yield Look(window, spectra, torch.stack(variances).mean(0), part[0].numel() / math.prod(sides))


@dataclass
class Sums:
    """Sums over frames of weights u: of u |X|² over windows, too, and of √(u u′) Re X conj X′ over neighbours."""

    total: Tensor = field(default_factory=lambda: torch.zeros(()))
    crossed: Tensor = field(default_factory=lambda: torch.zeros(()))
    weights: list[Tensor] = field(default_factory=list)
    windows: int = 0
    _before: list[Tensor] = field(default_factory=list)

    def add(self, spectra: list[Tensor], weights: Tensor) -> None:
        """Some more frames; those without weight are left out, and part no neighbours."""
        kept = weights > 0
        if not bool(kept.any()):
            return
        root = weights[kept].sqrt().reshape(-1, *[1] * (spectra[0].ndim - 1))
        last: list[Tensor] = []
        for number, spectrum in enumerate(spectra):
            some = root * spectrum[kept]
            self.total = self.total + (some.real.square() + some.imag.square()).sum(0)
            self.crossed = self.crossed + _neighbours(torch.cat([*self._before[number : number + 1], some]))
            last.append(some[-1:])
        self._before, self.windows = last, len(last)
        self.weights.append(weights[kept])

    @property
    def coherence(self) -> float:
        """c² of what is above the noise: mean over the frequencies, each by the power that it has."""
        weights = torch.cat(self.weights)
        if len(weights) < 2:
            return 0.0
        beside = (weights[1:] * weights[:-1]).sqrt().sum()
        along = self.crossed / beside / (self.total / weights.sum()).clamp(min=1e-30)
        signal = (self.total / self.total.median().clamp(min=1e-30) - 2).clamp(min=0).log1p()
        weight = signal.sum()
        return float(((along * signal).sum() / weight).clamp(0, 1).square()) if weight > 0 else 0.0


def _neighbours(spectra: Tensor) -> Tensor:
    """Σ Re X_t conj X_t+1 over neighbouring frames."""
    first, second = spectra[:-1], spectra[1:]
    return (first.real * second.real + first.imag * second.imag).sum(0)
