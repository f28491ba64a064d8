"""What a restorer is given: one observation, its kernel, its noise, and what is known of the scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError
from napari_blind_deconv.forward import DataTerm, KernelField, Noise
from napari_blind_deconv.image_priors import Fitting, Splittable
from napari_blind_deconv.restoration.in_time import Order
from napari_blind_deconv.restoration.photons import CameraNoise, Light, Photons
from napari_blind_deconv.tiling import Slices

if TYPE_CHECKING:
    from torch import Tensor

# Share of the pixels that are darker than the level taken for the dark.
_DARK = 1e-3
_SAMPLES = 200_000


@dataclass(frozen=True)
class Task:
    """One restoration.

    Attributes
    ----------
    data
        The observation, its kernel and the weights of its pixels and frequencies.
    noise
        Its noise, on the scale of the observation.
    image_prior
        p(x).
    spacing
        The pixel's relative size per axis.
    iterations
        Steps that were asked for; ``None``: the restorer's own number.
    generator
        The only source of randomness.
    counts
        Whether the noise is that of counted light, so that its variance follows the intensity.
    non_negative
        Whether the scene may not lie below the dark.
    dark
        The intensity of no light, where it is known.
    trusted
        Whether the kernel was given, or follows from few figures, and is no free form.
    light, concentration
        What was read from the whole observation, where this is a part of it: its light, in photons or, where they are
        not counted, on its own scale; and how much brighter the scene is. ``None``: they are read from ``data``.
    field
        The kernel at every place of the observation, where it changes over it.
    order
        Where its frames follow each other in time; ``None``: nowhere.
    """

    data: DataTerm
    noise: Noise
    image_prior: Splittable | Fitting
    spacing: tuple[float, ...]
    iterations: int | None
    generator: torch.Generator
    counts: bool = False
    non_negative: bool = False
    dark: float | None = None
    trusted: bool = True
    light: Light | None = None
    concentration: float | None = None
    field: KernelField | None = None
    order: Order | None = None

    @property
    def model_error(self) -> float:
        """What no kernel explains, on the scale of the observation."""
        return max(self.data.sigma**2 - self.noise.sigma**2, 0.0) ** 0.5

    def of(self, observed: Tensor, weights: Tensor | None, part: Slices | None = None) -> Task:
        """The same for another observation, or for a part of this one."""
        kernel, field = self.data.blur.kernel, self.field
        data = DataTerm.of(observed, kernel, self.noise, model_error=self.model_error, weights=weights)
        if field is None:
            return replace(self, data=data)
        field = field if part is None else field.cropped(part)
        return replace(self, data=data.varied(field), field=field)

    def varied(self, field: KernelField | None) -> Task:
        """The restoration of the whole observation with a kernel that changes over it; ``None``: that does not."""
        return self if field is None else replace(self, data=self.data.varied(field), field=field)

    @property
    def lowest(self) -> float:
        """The intensity that a scene may not lie below: no light, or what the darkest parts show."""
        if self.dark is not None:
            return self.dark
        return darkest(self.smooth())

    def smooth(self) -> Tensor:
        """The observation seen through the kernel once more, which averages its noise away."""
        data = self.data
        seen = data.blur.sensitivity(data.weights)
        mean = data.blur.adjoint(data.filled if data.weights is None else data.weights * data.filled)
        return data.frame.crop(mean / seen.clamp(min=1e-2))


@dataclass(frozen=True)
class Restored:
    """A restorer's scene after a step; tensors are never modified once yielded.

    Attributes
    ----------
    scene
        x on the canvas, on the observation's scale.
    total
        Steps of the restoration in all, as far as that is known.
    maps
        What else is known of every pixel, by name, each on the canvas and on the same scale: the last scene of a
        restorer that samples has ``uncertainty``, the posterior standard deviation.
    message
        A detail for people.
    """

    scene: Tensor
    total: int
    maps: Mapping[str, Tensor] = field(default_factory=dict)
    message: str = ""


def sampled(image: Tensor) -> Tensor:
    """Pixels enough to tell an image's darkest and brightest."""
    flat = image.flatten()
    return flat[:: max(1, flat.numel() // _SAMPLES)]


def darkest(image: Tensor) -> float:
    """The darkest thousandth of an image."""
    return float(torch.quantile(sampled(image), _DARK))


def brightness(image: Tensor, lowest: float) -> float:
    """The brightest thousandth of an image above a level."""
    return float(torch.quantile(sampled(image), 1 - _DARK)) - lowest


def counted(task: Task) -> tuple[float, float]:
    """(Gain, intensity of no photons) on the observation's scale.

    Raises
    ------
    InputError
        Where the noise does not follow the light, so that nothing tells how many photons an intensity stands for.
    """
    noise = task.noise
    if not noise.gain > 0 or noise.dark is None:
        raise InputError(
            subject="restorer=photon-map",
            value="needs counts of light",
            allowed="but the noise of this image does not grow with its intensity",
            remedy="give the camera's gain (`likelihood=camera`, `likelihood.gain`), or choose `restorer=by-prior`",
        )
    return noise.gain, -noise.dark / noise.gain


def photons_of(task: Task) -> Photons:
    """The observation in photons above its own darkest parts; errors as of `counted`."""
    gain, origin = counted(task)
    data = task.data
    mask = None if data.weights is None else (data.weights > 0).to(data.observed)
    background = max(task.lowest - origin, 0.0)
    return Photons(data.blur, data.filled - origin, CameraNoise(gain), background, mask, task.light)
