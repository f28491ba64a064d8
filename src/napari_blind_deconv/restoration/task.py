"""What a restorer is given: one observation, its kernel, its noise, and what is known of the scene."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from napari_blind_deconv._types import InputError
from napari_blind_deconv.forward import DataTerm, Noise
from napari_blind_deconv.image_priors import Fitting, Splittable
from napari_blind_deconv.restoration.photons import CameraNoise, Photons

# Share of the pixels that are darker than the level taken for the dark: of the observation seen through the kernel once
# more, which averages its noise away.
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
        Whether the kernel was given or follows from optics, and not from the image alone.
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

    @property
    def lowest(self) -> float:
        """The intensity that a scene may not lie below: no light, or what the darkest parts show."""
        if self.dark is not None:
            return self.dark
        data = self.data
        seen = data.blur.sensitivity(data.weights)
        mean = data.blur.adjoint(data.filled if data.weights is None else data.weights * data.filled)
        inside = data.frame.crop(mean / seen.clamp(min=1e-2)).flatten()
        return float(torch.quantile(inside[:: max(1, inside.numel() // _SAMPLES)], _DARK))


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


def brightness(image: Tensor, lowest: float) -> float:
    """The brightest thousandth of an image above a level."""
    flat = image.flatten()
    return float(torch.quantile(flat[:: max(1, flat.numel() // _SAMPLES)], 1 - _DARK)) - lowest


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
    return Photons(data.blur, data.filled - origin, CameraNoise(gain), background, mask)
