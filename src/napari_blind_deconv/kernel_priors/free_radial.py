"""An image's spectrum that is free but for being radial, with a grain: what paths are fitted with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.evidence import Evidence

if TYPE_CHECKING:
    from torch import Tensor

# Prior of the texture's grain, the spread of log S over directions: fur along the motion is not motion.
_GRAIN = 0.5


@dataclass(frozen=True)
class FreeRadial:
    """p(y | k, S) p(S) of one observation, S free at its nodes.

    Its parameters are log S at the evidence's nodes and the grain (see `Evidence.grains`).
    """

    evidence: Evidence

    def start(self, kernel: Tensor) -> list[Tensor]:
        """The spectrum under which a kernel explains the observation best, without a grain."""
        ndim = self.evidence.ndim
        with torch.no_grad():
            spectrum = self.evidence.profile(self.evidence.power(kernel))
        return [spectrum.log(), kernel.new_zeros(ndim * (ndim + 1) // 2)]

    def nats(self, kernel: Tensor, log_spectrum: Tensor, grain: Tensor) -> Tensor:
        """-log p(y, S | k) in nats, up to a constant; differentiable in everything."""
        data = self.evidence.nats(self._model(kernel, log_spectrum, grain)) * self.evidence.independent
        return data + 0.5 * (grain / _GRAIN).square().sum()

    def expected(self, kernel: Tensor, log_spectrum: Tensor, grain: Tensor) -> Tensor:
        """V at the kept frequencies."""
        return self.evidence.expected(self._model(kernel, log_spectrum, grain))

    def precision(self) -> Tensor:
        """Inverse prior variances of all parameters, flat."""
        nodes, ndim = self.evidence.periodogram.new_zeros(self.evidence.bands), self.evidence.ndim
        return torch.cat([nodes, nodes.new_full((ndim * (ndim + 1) // 2,), _GRAIN**-2)])

    def _model(self, kernel: Tensor, log_spectrum: Tensor, grain: Tensor) -> Tensor:
        evidence, at_nodes = self.evidence, log_spectrum.clamp(-20, 30).exp()
        return evidence.model(kernel, at_nodes, grain, evidence.grains, torch.zeros_like(evidence.floor))
