"""What a restorer is given: one observation, its kernel, its noise, and what is known of the scene."""

from dataclasses import dataclass

import torch
from torch import Tensor

from napari_blind_deconv.forward import DataTerm, Noise
from napari_blind_deconv.image_priors import Fitting, Splittable

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


def brightness(image: Tensor, lowest: float) -> float:
    """The brightest thousandth of an image above a level."""
    flat = image.flatten()
    return float(torch.quantile(flat[:: max(1, flat.numel() // _SAMPLES)], 1 - _DARK)) - lowest
