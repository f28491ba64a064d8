"""How much better a kernel explains an observation than no blur does: one judge for kernels of any origin."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_blind_deconv.evidence import Evidence, NaturalSpectrum
from napari_blind_deconv.kernel_priors.fit import explained

# Nats by which a sharp image's own fine structure may favour a kernel of one pixel's standard deviation; one twice as
# wide reaches a quarter of the frequencies (decision 0013).
_FINE_STRUCTURE = 25.0
_ITERATIONS = 48


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
        cls, observed: Tensor, noise_sigma: float, *, spacing: Sequence[float], iterations: int = _ITERATIONS
    ) -> "Judge":
        """The judge of a piece of shape ``(batch, *space)``; arguments as of `Evidence.of`."""
        spectrum = NaturalSpectrum.of(Evidence.of(observed, noise_sigma, spacing=spacing))
        sharp = explained(spectrum, observed.new_ones((1,) * len(spacing)), iterations)
        return cls(spectrum, sharp, iterations)

    def gain(self, kernel: Tensor) -> float:
        """Evidence of a kernel over no blur, in nats; positive where it explains more."""
        return self.sharp - explained(self.spectrum, kernel, self.iterations)


def fine_structure_nats(kernel: Tensor) -> float:
    """The gain that a kernel of this width may have on a sharp image."""
    return _FINE_STRUCTURE / max(extent(kernel), 0.1) ** 2


def extent(kernel: Tensor) -> float:
    """Standard deviation of a kernel along its longest axis, in samples.

    Examples
    --------
    >>> round(extent(torch.tensor([0.25, 0.5, 0.25])), 3)
    0.707
    """
    axes = [torch.arange(n, dtype=kernel.dtype, device=kernel.device) for n in kernel.shape]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).flatten(0, -2)
    mass = kernel.flatten()[:, None] / kernel.sum()
    away = grid - (mass * grid).sum(0)
    return float(torch.linalg.eigvalsh((away * mass).T @ away)[-1].clamp(min=0).sqrt())
