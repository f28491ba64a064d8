"""What a scene may miss of the observation, weighed by the noise: the least-squares data term.

    ‖y - H x‖²_R = (y - H x)ᵀ R⁻¹ (y - H x) σ²,      R⁻¹ σ² = √W C √W,                                         (1)

W one weight per pixel: 0 where it is no data, less than one where it is noisier than most. C is the convolution by
σ² / N(f) inside the frame: one for white noise, and for noise that fell through a filter what undoes that filter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.forward.blur import Frame
from napari_blind_deconv.forward.noise import Noise
from napari_blind_deconv.forward.operator import Blur
from napari_blind_deconv.forward.space_variant import KernelField
from napari_blind_deconv.fourier import irfftn, rfftn

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DataTerm:
    """Equation (1) for one observation and one kernel.

    Attributes
    ----------
    observed
        y without background, shape ``(..., *frame.shape)``.
    blur
        H.
    sigma
        σ, root of the mean variance where the weight is one.
    weights
        W, shape of ``observed`` or broadcastable to it, mean about one over the data; ``None``: one everywhere.
    colour
        σ² / N on the half canvas; ``None``: white.

    Examples
    --------
    >>> blur = Blur(torch.ones(1, 1), Frame.around((8, 8), (1, 1)))
    >>> term = DataTerm(torch.ones(8, 8), blur, 0.1)
    >>> torch.equal(term.weighed(term.observed), term.observed)
    True
    """

    observed: Tensor
    blur: Blur
    sigma: float
    weights: Tensor | None = None
    colour: Tensor | None = None

    @classmethod
    def of(
        cls,
        observed: Tensor,
        kernel: Tensor,
        noise: Noise | float,
        *,
        model_error: float = 0.0,
        weights: Tensor | None = None,
    ) -> DataTerm:
        """The term of an observation ``(..., *space)``; what no kernel explains adds to the noise as white noise."""
        frame = Frame.around(observed.shape[-kernel.ndim :], kernel.shape)
        noise = noise if isinstance(noise, Noise) else Noise.white(noise)
        sigma = (noise.sigma**2 + model_error**2) ** 0.5
        colour = None
        if not noise.is_white:
            total = noise.sigma**2 * noise.on(frame.canvas).to(observed) + model_error**2
            colour = sigma**2 / total
        return cls(observed, Blur(kernel, frame), sigma, weights, colour)

    @property
    def frame(self) -> Frame:
        """Where the observation lies on the scene's canvas."""
        return self.blur.frame

    @cached_property
    def filled(self) -> Tensor:
        """The observation, 0 where it is no data."""
        return self.observed if self.weights is None else torch.where(self.weights > 0, self.observed, 0.0)

    def completed(self, surround: Tensor) -> Tensor:
        """The observation where it is data, ``surround`` (a canvas) around it and where it is none."""
        if self.weights is None:
            return self.frame.fill(self.observed, surround)
        return self.frame.fill(torch.where(self.weights > 0, self.observed, self.frame.crop(surround)), surround)

    def weighed(self, residual: Tensor) -> Tensor:
        """σ² R⁻¹ r for what is missed of the observation, frame → frame."""
        root = None if self.weights is None else self.weights.sqrt()
        out = residual if root is None else root * residual
        if self.colour is not None:
            frame = self.frame
            out = frame.crop(irfftn(self.colour * rfftn(frame.place(out), frame.ndim), frame.canvas))
        return out if root is None else root * out

    @cached_property
    def explained(self) -> Tensor:
        """The transform of σ² Hᵀ R⁻¹ y, on the half canvas."""
        return self.blur.adjoint_spectrum(self.weighed(self.filled))

    def normal(self, spectrum: Tensor) -> Tensor:
        """The transform of σ² Hᵀ R⁻¹ H x, from the transform of x."""
        if self.colour is not None:
            return self.blur.adjoint_spectrum(self.weighed(self.frame.crop(self.blur.of_spectrum(spectrum))))
        # The same on one canvas, in place: new canvases cost more than what is done on them.
        seen = self.frame.clear_rim(self.blur.of_spectrum(spectrum))
        if self.weights is not None:
            self.frame.crop(seen).mul_(self.weights)
        return self.blur.adjoint_of_canvas(seen)

    @cached_property
    def typical(self) -> Tensor:
        """What `normal` multiplies a transform by where weights are alike and the frame has no border; real."""
        mean = 1.0 if self.weights is None else float(self.weights.mean())
        return mean * self.blur.power * (1.0 if self.colour is None else self.colour)

    def misfit(self, scene: Tensor) -> Tensor:
        """Equation (1) over σ²: what -2 log p(y | x) is, up to a constant."""
        missed = self.filled - self.blur(scene)
        return (missed * self.weighed(missed)).sum() / self.sigma**2

    def noise_draw(self, white: Tensor) -> Tensor:
        """σ R⁻¹ n for noise n ~ N(0, R), from white noise of unit variance on the canvas; shape of the observation."""
        frame = self.frame
        if self.colour is not None:
            white = irfftn(self.colour.sqrt() * rfftn(white, frame.ndim), frame.canvas)
        seen = frame.crop(white)
        return seen if self.weights is None else self.weights.sqrt() * seen

    def by_light(self, noise: Noise, scene: Tensor) -> DataTerm:
        """The same, each pixel weighed by its own variance, which follows the light that the scene lets it expect."""
        model_error = max(self.sigma**2 - noise.sigma**2, 0.0)
        weights = self.sigma**2 / (noise.variance(self.blur(scene)) + model_error)
        known = weights if self.weights is None else torch.where(self.weights > 0, weights, 0.0)
        return replace(self, weights=known)

    def varied(self, field: KernelField) -> DataTerm:
        """The term of the same observation, blurred by a kernel that changes over it."""
        return replace(self, blur=field.blur(self.frame))

    def less(self, offset: float) -> DataTerm:
        """The term of the observation less a constant."""
        return replace(self, observed=self.observed - offset)
