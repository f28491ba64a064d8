"""p(y | x, k) as a choice: what is known of the camera. One class per likelihood; the union lists them."""

from dataclasses import replace
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from pydantic import Discriminator

from napari_blind_deconv._types import MOST_INTENSE, component
from napari_blind_deconv.forward.noise import Noise

# How many times the noise's variance grows from the darkest to the brightest parts where it is that of counted light.
_GROWS = 1.5
# Noise in the brightest parts has at least this share of the variance of what no kernel explains, where growth matters.
_MATTERS = 0.1


@component
class ReadFromImage:
    """Level, colour and growth with the light are read from the image: photon counts if it grows, otherwise Gaussian.

    A photograph's noise may grow, too; where it is far below what the model leaves unexplained, that does not count.
    """

    kind: Literal["from-image"] = "from-image"

    def bound(self, noise: Noise, dark: float, bright: float, unexplained: float) -> tuple[Noise, bool]:
        """The noise as read, and whether its variance grows from the darkest to the brightest intensity.

        ``unexplained`` is the deviation of what no kernel explains.
        """
        low, high = (float(noise.variance(noise.spectrum.new_tensor(v))) for v in (dark, bright))
        return noise, noise.gain > 0 and high > _GROWS * low and high > _MATTERS * unexplained**2


@component
class GaussianNoise:
    """Noise of one variance everywhere, whatever the light; its colour is read from the image."""

    kind: Literal["even-noise"] = "even-noise"

    def bound(self, noise: Noise, dark: float, bright: float, unexplained: float) -> tuple[Noise, bool]:
        """The noise as read, its growth forgotten."""
        return replace(noise, gain=0.0, dark=None), False


@component
class CameraNoiseModel:
    """Counted photons and read noise: variance = gain · (intensity - offset) + read noise²."""

    kind: Literal["camera"] = "camera"
    gain: Annotated[float, Gt(0), Le(MOST_INTENSE)] | None = None
    """Grey levels per photon, 1 for counts. None: read from the image."""
    read_noise: Annotated[float, Ge(0), Le(MOST_INTENSE)] = 0.0
    """Standard deviation without light, in grey levels; used if the gain is given."""
    offset: Annotated[float, Ge(-MOST_INTENSE), Le(MOST_INTENSE)] | None = None
    """Intensity without light, in grey levels. None: the background, or read from the noise."""

    def bound(self, noise: Noise, dark: float, bright: float, unexplained: float) -> tuple[Noise, bool]:
        """The noise with this camera's growth; ``dark`` stands for the offset where none is given."""
        if self.gain is None:
            return noise, noise.gain > 0
        offset = dark if self.offset is None else self.offset
        return replace(noise, gain=self.gain, dark=self.read_noise**2 - self.gain * offset), True


Likelihood = Annotated[ReadFromImage | GaussianNoise | CameraNoiseModel, Discriminator("kind")]
