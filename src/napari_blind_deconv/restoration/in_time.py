"""Neighbours in time: frames of a movie that are restored together, tied where the movie does not change.

    Σ_t Σ_p ½ g_t(p) (x_{t+1}(p) - x_t(p))²                                                                         (1)

beside the penalty on every frame. g_t is the precision of a tenth of the noise where nothing is seen to change from one
frame to the next around a place, and 0 where something is, or where most of the frame changes. Frames that are tied are
one scene seen n times, whose gradients count once: the penalty on each is divided by n, which is what the ties make of
its information, [(1 + σ² D_tᵀ g D_t)⁻¹]_tt⁻¹. By half-quadratic splitting the ties become those of all places alike,
which a cosine transform along time makes diagonal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.forward import DataTerm, Noise
from napari_blind_deconv.image_priors import SparseGradients, Splittable
from napari_blind_deconv.restoration.filtered import analysed, synthesised

if TYPE_CHECKING:
    from torch import Tensor

# Sides of the neighbourhoods that are looked at for changes, in pixels.
_SIDES = {1: (41, 201), 2: (9, 25), 3: (5, 11)}
# Numbers of frames whose means are compared with those of as many before them.
_MEANS = (1, 2, 4)
# Standard errors from which on a change is seen; what may change where none is, relative to the noise.
_ERRORS, _STILL = 2.0, 0.1
# Share of a frame that must not change, for the rest of it to be tied.
_MOSTLY = 0.75


@dataclass(frozen=True)
class Order:
    """Where frames of a batch follow each other in time.

    Attributes
    ----------
    before, times, after
        Sizes of the batch's axes: all before that of time, time, all after it.
    start
        The first frame's index in the batch.
    """

    before: int
    times: int
    after: int
    start: int = 0

    def of(self, frames: slice) -> Order:
        """The same for some of the frames."""
        return replace(self, start=self.start + frames.start)

    def chains(self, count: int) -> list[Tensor]:
        """Indices of frames that follow each other, of so many frames; chains of two and more.

        Examples
        --------
        >>> [chain.tolist() for chain in Order(1, 3, 2).chains(6)]
        [[0, 2, 4], [1, 3, 5]]
        >>> [chain.tolist() for chain in Order(2, 3, 1, start=1).chains(4)]
        [[0, 1], [2, 3]]
        """
        found: list[Tensor] = []
        for b in range(self.before):
            for a in range(self.after):
                places = torch.arange(self.times) * self.after + b * self.times * self.after + a - self.start
                inside = places[(places >= 0) & (places < count)]
                if len(inside) > 1:
                    found.append(inside)
        return found


@dataclass(frozen=True)
class Ties:
    """The ties of equation (1).

    Attributes
    ----------
    chains
        As of `Order.chains`.
    precisions
        g of every chain, ``(frames - 1, *canvas)``.
    classes
        The logarithm of n at every place to the base √2, ``(batch, *canvas)``, in whole numbers.
    """

    chains: list[Tensor]
    precisions: list[Tensor]
    classes: Tensor

    @classmethod
    def of(cls, data: DataTerm, noise: Noise, order: Order | None, prior: object) -> Ties | None:
        """The ties of an observation ``(batch, *space)``; ``None`` where nothing is tied."""
        if order is None or not isinstance(prior, SparseGradients) or not prior.time_weight:
            return None
        chains = [chain.to(data.observed.device) for chain in order.chains(len(data.observed))]
        if not chains:
            return None
        firmly = prior.time_weight / (_STILL * noise.sigma) ** 2
        found = [firmly * still(data.filled[chain], noise) for chain in chains]
        if not any(bool(precision.any()) for precision in found):
            return None
        counts = torch.ones_like(data.observed)
        for chain, precision in zip(chains, found, strict=True):
            counts[chain] = times_seen(precision * noise.sigma**2)
        classes = (2 * data.frame.extend(counts).log2()).round().to(torch.uint8)
        return cls(chains, [data.frame.extend(precision) for precision in found], classes)

    def pulled_to(
        self, scene: Tensor, prior: Splittable, filters: list[Tensor], level: float, spacing: tuple[float, ...]
    ) -> Tensor:
        """As of `half_quadratic`, frame by frame, the penalty weaker where a place is seen in several."""
        out = torch.empty_like(scene)
        for frame, classes, into in zip(scene, self.classes, out, strict=True):
            coefficients = analysed(frame, filters)
            for found in classes.unique().tolist():
                there = classes == found
                coefficients[:, there] = prior.denoise(coefficients[:, there], level * 2 ** (-found / 4), spacing)
            into.copy_(synthesised(coefficients, filters))
        return out

    def pulled(self, scene: Tensor, level: float) -> Tensor:
        """D_tᵀ v, with v the differences in time that suit equation (1) and the scene's best, at a level."""
        out = torch.zeros_like(scene)
        for chain, precision in zip(self.chains, self.precisions, strict=True):
            steps = scene[chain].diff(dim=0).div_(1 + level**2 * precision)
            out.index_add_(0, chain[1:], steps)
            out.index_add_(0, chain[:-1], steps, alpha=-1)
        return out

    def pull(self, values: Tensor) -> Tensor:
        """D_tᵀ D_t x."""
        out = torch.zeros_like(values)
        for chain in self.chains:
            steps = values[chain].diff(dim=0)
            out.index_add_(0, chain[1:], steps)
            out.index_add_(0, chain[:-1], steps, alpha=-1)
        return out

    def solved(self, values: Tensor, diagonal: Tensor, weight: float) -> Tensor:
        """(diagonal + weight D_tᵀ D_t)⁻¹ of spectra, the diagonal that of every frame."""
        out = values / diagonal
        for chain in self.chains:
            waves, rates = cosines(len(chain), values.real)
            waves = waves.to(values.dtype)
            there = torch.tensordot(waves, values[chain], 1)
            there /= diagonal + weight * rates.reshape(-1, *[1] * diagonal.ndim)
            out[chain] = torch.tensordot(waves.T, there, 1)
        return out


def cosines(count: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """The orthonormal cosine transform of a chain, ``(waves, frames)``, and what D_tᵀ D_t makes of its waves."""
    wave, place = torch.arange(count).to(like), torch.arange(count).to(like)
    waves = torch.cos(math.pi / count * wave[:, None] * (place + 0.5)) * math.sqrt(2 / count)
    waves[0] *= math.sqrt(0.5)
    return waves, 4 * torch.sin(math.pi / (2 * count) * wave).square()


def times_seen(precisions: Tensor) -> Tensor:
    """N of a chain of frames, ``(frames, *space)``, from the precisions of its ties relative to those of the frames.

    Examples
    --------
    >>> times_seen(torch.tensor([1e6, 0.0])).round().tolist()
    [2.0, 2.0, 1.0]
    """
    before = [torch.zeros_like(precisions[0])]
    after = [torch.zeros_like(precisions[0])]
    # What a tie lets pass of what its other end knows.
    for tie in precisions:
        before.append((1 + before[-1]) * tie / (1 + before[-1] + tie))
    for tie in precisions.flip(0):
        after.append((1 + after[-1]) * tie / (1 + after[-1] + tie))
    return 1 + torch.stack(before) + torch.stack(after[::-1])


def still(frames: Tensor, noise: Noise) -> Tensor:
    """Where frames that follow each other are alike but for their noise: 1 or 0, ``(frames - 1, *space)``.

    Parameters
    ----------
    frames
        The observation, ``(frames, *space)``.
    noise
        Its noise.

    Examples
    --------
    >>> frame = torch.rand(16, 16, generator=torch.Generator().manual_seed(0))
    >>> [float(still(torch.stack([frame, other]), Noise.white(0.1)).mean()) for other in (frame, -frame)]
    [1.0, 0.0]
    """
    changed = torch.zeros_like(frames[1:], dtype=torch.bool)
    # What moves slowly shows between means of more frames, whose noise is less.
    for several in _MEANS:
        if 2 * several > len(frames):
            break
        means = frames.unfold(0, several, 1).mean(-1)
        found = _differ(means[:-several], means[several:], noise, several)
        for step in range(2 * several - 1):
            changed[step : step + len(found)] |= found
    return (~changed).to(frames)


def _differ(before: Tensor, after: Tensor, noise: Noise, several: int) -> Tensor:
    """Where means of several frames differ by more than their noise, and everywhere if most places do."""
    ndim = before.ndim - 1
    # Noise of a colour has fewer independent samples.
    fewer = float(noise.spectrum.square().mean())
    variance = 2 / several * noise.variance((before + after) / 2)
    excess, seen = (after - before).square() - variance, torch.zeros_like(variance, dtype=torch.bool)
    for side in _SIDES[ndim]:
        nearby = _nearby(excess, side)
        seen |= nearby > _ERRORS * _nearby(variance, side) * math.sqrt(2 * fewer / side**ndim)
        if side == _SIDES[ndim][0]:
            near = nearby
    # As many places show less than noise as show more, unless most of the frame changes.
    mostly = 2 * (near < 0).flatten(1).float().mean(1) > _MOSTLY
    return seen | ~mostly.reshape(-1, *[1] * ndim)


def _nearby(values: Tensor, side: int) -> Tensor:
    """Means over the neighbourhood of every pixel."""
    pool = torch.nn.functional
    mean = {1: pool.avg_pool1d, 2: pool.avg_pool2d, 3: pool.avg_pool3d}[values.ndim - 1]
    found: Tensor = mean(values[:, None], side, stride=1, padding=side // 2, count_include_pad=False)
    return found[:, 0]
