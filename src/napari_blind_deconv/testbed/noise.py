"""Noise of a testbed: of one level, or of counted photons. Nothing else has a likelihood that is known exactly."""

from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Le
from pydantic import Discriminator
from torch import Tensor

from napari_blind_deconv._types import InputError, component


@component
class EvenNoise:
    """White Gaussian noise."""

    kind: Literal["even"] = "even"
    sigma: Annotated[float, Ge(0), Le(1e6)] = 0.01
    """Standard deviation, in the unit of the scene."""

    @property
    def gain(self) -> float:
        """One: the observation has the unit of the scene."""
        return 1.0

    def seen(self, expected: Tensor, generator: torch.Generator) -> tuple[Tensor, int]:
        """An observation of what is expected, and how many pixels were darker than dark: none."""
        noise = torch.randn(expected.shape, generator=generator, dtype=expected.dtype)
        return expected + self.sigma * noise, 0


@component
class PhotonNoise:
    """Poisson counts; sharp image and observation are in photons."""

    kind: Literal["photons"] = "photons"
    peak: Annotated[float, Gt(0), Le(1e9)] = 500.0
    """Photons that are expected at an intensity of 1."""

    @property
    def gain(self) -> float:
        """Photons per unit of the scene."""
        return self.peak

    def seen(self, expected: Tensor, generator: torch.Generator) -> tuple[Tensor, int]:
        """Counts of what is expected, and at how many pixels that was below zero, where no light was counted."""
        return torch.poisson(expected.clamp(min=0), generator=generator), int((expected < 0).sum())


Noise = Annotated[EvenNoise | PhotonNoise, Discriminator("kind")]


def noise_of(text: str) -> EvenNoise | PhotonNoise:
    """Noise as people write it: a standard deviation, or ``photons:PEAK``.

    Raises
    ------
    InputError
        For anything else.

    Examples
    --------
    >>> noise_of("0.02").sigma, noise_of("photons:300").peak
    (0.02, 300.0)
    """
    word, colon, number = text.strip().partition(":")
    try:
        if colon and word == "photons":
            return PhotonNoise(peak=float(number))
        if not colon:
            return EvenNoise(sigma=float(word))
    except ValueError:
        pass
    raise InputError(
        subject="noise",
        value=repr(text),
        allowed="must be a standard deviation of at least 0, or photons:PEAK with a peak above 0",
        remedy="write for example 0.01 or photons:500",
    )
