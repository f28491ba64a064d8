"""How much better a kernel explains an observation than no blur does: one judge for kernels of any origin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_blind_deconv.evidence import Evidence, NaturalSpectrum
from napari_blind_deconv.forward import Noise
from napari_blind_deconv.kernel_priors.fit import explained

if TYPE_CHECKING:
    from torch import Tensor

# Nats by which a sharp image's own fine structure may favour a kernel of one pixel's standard deviation; one twice as
# wide lets a quarter of the frequencies pass (decision 0013).
_FINE_STRUCTURE = 25.0
_ITERATIONS = 48
# Degree of the image's ridges in planes and in volumes, where no kernel is tried that could look like one.
_RIDGES = {2: 16, 3: 4}


@dataclass(frozen=True)
class Judge:
    """One piece of an observation, and how well no blur explains it.

    Attributes
    ----------
    spectrum
        The piece, under the common model of sharp images' spectra.
    sharp
        -log p of the piece without a blur, in nats.
    iterations
        Of the descent on the spectrum, per kernel.
    """

    spectrum: NaturalSpectrum
    sharp: float
    iterations: int = _ITERATIONS

    @classmethod
    def of(
        cls, observed: Tensor, noise: float | Noise, *, spacing: Sequence[float], iterations: int = _ITERATIONS
    ) -> Judge:
        """The judge of a piece of shape ``(batch, *space)``; arguments as of `Evidence.of`."""
        evidence = Evidence.of(observed, noise, spacing=spacing)
        spectrum = NaturalSpectrum.of(evidence, ridges=_RIDGES.get(evidence.ndim, 0))
        sharp = explained(spectrum, observed.new_ones((1,) * len(spacing)), iterations)
        return cls(spectrum, sharp, iterations)

    def gain(self, kernel: Tensor) -> float:
        """Evidence of a kernel over no blur, in nats; positive where it explains more."""
        return self.sharp - explained(self.spectrum, kernel, self.iterations)


def fine_structure_nats(kernel: Tensor) -> float:
    """The gain that a kernel of this width may have on a sharp image."""
    return _FINE_STRUCTURE / equivalent_sigma(kernel) ** 2


def equivalent_sigma(kernel: Tensor) -> float:
    """Standard deviation, in samples, of the round Gaussian that lets as much of white light's variance pass.

    A kernel with a bright tap lets all frequencies pass, however far its other taps lie, and counts as a narrow one.

    Examples
    --------
    >>> round(equivalent_sigma(torch.full((5, 5), 0.04)), 3)
    1.41
    """
    passed = float((kernel / kernel.sum()).square().sum())
    return (4 * math.pi) ** -0.5 * passed ** (-1 / kernel.ndim)
