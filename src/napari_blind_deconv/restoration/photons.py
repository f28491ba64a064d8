"""Counts of a camera as photons: one likelihood for Poisson light, Gaussian read noise, masks and borders.

A camera delivers y = gain · n + offset + read noise, n ~ Poisson(light). In photons, u = (y - offset) / gain, the
variance is light + (read / gain)²; so u + (read / gain)² is close to a Poisson variable of mean light + (read / gain)²,
the shifted Poisson model (Snyder et al. 1995, doi:10.1364/JOSAA.12.000272).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError
from napari_blind_deconv.forward.operator import Blur
from napari_blind_deconv.fourier import irfftn

if TYPE_CHECKING:
    from torch import Tensor

# Where less than this part of a scene pixel's light reaches the frame, the frame says nothing about it.
_SEEN = 1e-2
# The smallest predicted light, relative to the brightness of the frame: rounding of the transform leaves dark pixels
# at or below zero.
_DARK = 1e-6


@dataclass(frozen=True)
class CameraNoise:
    """Var(y) = gain · light + read², both in the units of the image.

    Attributes
    ----------
    gain
        Grey levels per photoelectron, above 0; 1 for counts.
    read
        Deviation of the noise without light, in grey levels.
    """

    gain: float = 1.0
    read: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what no camera has."""
        if not self.gain > 0:
            raise InputError(
                subject="gain", value=f"{self.gain}", allowed="must be above 0", remedy="give 1 for counts of photons"
            )
        if not self.read >= 0:
            raise InputError(
                subject="read noise", value=f"{self.read}", allowed="must be 0 or more", remedy="give its deviation"
            )


@dataclass(frozen=True)
class Light:
    """How much light a whole observation has, where only a part of it is looked at; shapes ``(batch, 1, …)``.

    Attributes
    ----------
    mean, brightness
        As of `Photons`.
    """

    mean: Tensor
    brightness: Tensor


@dataclass(frozen=True)
class Photons:
    """What was counted, and how likely a scene makes it. Scenes are in photons per pixel.

    Attributes
    ----------
    blur
        H, from the scene on its canvas to the frame.
    observed
        y, grey levels above the camera's offset, shape ``(..., *frame.shape)``.
    noise
        Gain and read noise.
    background
        b, light that belongs to no scene, in grey levels above the offset.
    weights
        W, 0 where a pixel is dead, saturated or outside, 1 where it counts; ``None``: one everywhere. Its shape
        broadcasts to that of ``observed``.
    light
        That of the whole, where this is a part; ``None``: it is read from ``observed``.

    Examples
    --------
    >>> from napari_blind_deconv.forward import Frame
    >>> blur = Blur(torch.full((3, 3), 1 / 9), Frame.around((16, 16), (3, 3)))
    >>> data = Photons(blur, 5 * torch.ones(16, 16))
    >>> bool(data.cost(data.predict(data.blur.adjoint(data.observed))) >= 0)
    True
    """

    blur: Blur
    observed: Tensor
    noise: CameraNoise = CameraNoise()
    background: float = 0.0
    weights: Tensor | None = None
    light: Light | None = None

    @cached_property
    def counts(self) -> Tensor:
        """U + (read / gain)², not negative; 0 where W is 0, so that not even NaN passes."""
        shifted = (self.observed / self.noise.gain + self._shift).clamp(min=0)
        return shifted if self.weights is None else torch.where(self.weights > 0, shifted, 0)

    @cached_property
    def pedestal(self) -> float:
        """Background and read variance in photons: what is expected where the scene is dark."""
        return self.background / self.noise.gain + self._shift

    @property
    def _shift(self) -> float:
        return (self.noise.read / self.noise.gain) ** 2

    @property
    def axes(self) -> tuple[int, ...]:
        """The spatial axes; those before them are a batch."""
        return tuple(range(-self.blur.frame.ndim, 0))

    @cached_property
    def weight(self) -> Tensor:
        """W, on the whole frame; where it is one everywhere, a view of a single one."""
        ones = self.observed.new_ones(()).expand(self.blur.frame.shape)
        return ones if self.weights is None else ones * self.weights

    @cached_property
    def weighted(self) -> Tensor:
        """W u."""
        return self.counts if self.weights is None else self.weight * self.counts

    @cached_property
    def sensitivity(self) -> Tensor:
        """HᵀW1, at least the part below which the frame says nothing."""
        return self.blur.sensitivity(self.weight).clamp(min=_SEEN)

    @cached_property
    def mean(self) -> Tensor:
        """The scene's mean light in photons, one per item of the batch, spatial axes kept with length 1."""
        if self.light is not None:
            return self.light.mean
        total = self.weight.expand(self.counts.shape).sum(self.axes, keepdim=True).clamp(min=1)
        light = (self.weight * self.counts).sum(self.axes, keepdim=True) / total - self.pedestal
        return light.clamp(min=_DARK * max(1.0, self.pedestal))

    @cached_property
    def brightness(self) -> Tensor:
        """Light-weighted mean of the light, Σ u² / Σ u: large empty surroundings do not lower it."""
        if self.light is not None:
            return self.light.brightness
        light = self.weight * (self.counts - self.pedestal)
        power = (light * light - self.weight * self.counts).sum(self.axes, keepdim=True)
        return torch.maximum(power / (self.mean * self.weight.sum()).clamp(min=1e-30), self.mean)

    def flat(self) -> Tensor:
        """The start that prefers nothing: the mean of every item, everywhere on the canvas."""
        return self.mean.expand(*self.observed.shape[: -len(self.axes)], *self.blur.frame.canvas).contiguous()

    def predict(self, scene: Tensor) -> Tensor:
        """Hx + b + (read / gain)², above zero."""
        return self.blur(scene).add_(self.pedestal).clamp_(min=_DARK)

    def cost(self, predicted: Tensor) -> Tensor:
        """Σ W (m - u + u log(u / m)), nats above a perfect fit (Kullback-Leibler), one per item of the batch."""
        counts = self.counts
        divergence = torch.special.xlogy(counts, counts / predicted).add_(predicted).sub_(counts)
        if self.weights is not None:
            divergence *= self.weight
        return divergence.sum(self.axes, keepdim=True, dtype=torch.float64)

    def ratio(self, predicted: Tensor) -> Tensor:
        """Hᵀ(W u / m), not negative."""
        return self.blur.adjoint(self.weighted / predicted).clamp_(min=0)

    def ratio_of(self, scene: Tensor) -> Tensor:
        """As `ratio`, of what a scene predicts: on one canvas, since new ones cost more than what is done on them."""
        frame = self.blur.frame
        seen = frame.clear_rim(self.blur.everywhere(scene))
        frame.crop(seen).add_(self.pedestal).clamp_(min=_DARK).reciprocal_().mul_(self.weighted)
        return irfftn(self.blur.adjoint_of_canvas(seen), frame.canvas).clamp_(min=0)

    def slope(self, predicted: Tensor) -> Tensor:
        """Gradient of the cost in the scene: Hᵀ W (1 - u / m)."""
        return self.blur.adjoint(self.weight - self.weighted / predicted)
