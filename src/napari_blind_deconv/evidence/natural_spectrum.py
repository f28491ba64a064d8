"""What the image's spectrum may be while a kernel is fitted or judged: a bent power law with a grain, and ridges.

A blur and a free radial spectrum explain each other; only a spectrum that is nearly a power law tells them apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.evidence.closed_form import Evidence
from napari_blind_deconv.evidence.ridges import directional

if TYPE_CHECKING:
    from torch import Tensor

# Prior of the bends (in log S, per squared step of 0.25 in log f) and of the steepness -d log S / d log f.
_ROUGHNESS = 0.3
_STEEPNESS, _STEEPNESS_SPREAD = 3.0, 1.0
# Prior of the texture's grain: log S varies with the direction n of the frequency by n'Gn, at every frequency alike,
# while a kernel's anisotropy grows with the frequency.
_GRAIN = 1.0
# Prior of the ridges beside it, in log S.
_DIRECTED = 0.5
# A sharp image sampled at its own resolution is no power law up to the last frequency but blurred by this, in pixels:
# without it, a kernel would be asked to undo the sampling too.
_SAMPLING = 0.7


@dataclass(frozen=True)
class NaturalSpectrum:
    """p(y | k, S) p(S) of one observation: a line in log-log, bends of unit prior at its nodes, a grain, ridges.

    Its parameters, in this order, are the ``departure`` (bends at the inner nodes), the ``line`` (level, steepness),
    the ``grain`` (see `Evidence.grains`), what is ``directed`` beyond it (`directional`), empty where the image is not
    to have ridges, and the noise's ``colour`` (`Evidence.noise`), empty where that is known.

    Attributes
    ----------
    evidence
        The observation.
    basis
        log S of every unit bend, ``(nodes, nodes - 2)``.
    place
        log f of the nodes from the line's anchor.
    sampling
        log |transfer function|² of the sampling at the kept frequencies; log S where that is known but for its level.
    ridges
        Directional features at the kept frequencies, ``(features, *kept)``; of none where there are no ridges.

    Examples
    --------
    >>> observed = torch.randn(48, 48, generator=torch.Generator().manual_seed(0))
    >>> spectrum = NaturalSpectrum.of(Evidence.of(observed, 0.1))
    >>> spectrum.nats(torch.ones(1, 1), *spectrum.start(torch.ones(1, 1))).ndim
    0
    """

    evidence: Evidence
    basis: Tensor
    place: Tensor
    sampling: Tensor
    ridges: Tensor

    @classmethod
    def of(cls, evidence: Evidence, *, ridges: int = 0) -> NaturalSpectrum:
        """The model at an observation's own frequencies, with ridges of a degree (`directional`); 0: none.

        Kernels of few figures are fitted without: their own roll-off is told from a grain. Kernels that are free to
        look like a ridge need the image to be free, too.
        """
        step = math.log(evidence.highest / evidence.lowest) / (evidence.bands - 1)
        if evidence.scene is not None:
            fixed = evidence.periodogram.new_zeros(evidence.bands, evidence.bands - 2)
            return cls(evidence, fixed, fixed[:, 0], evidence.scene.log(), directional(evidence, 0))
        node = torch.arange(evidence.bands).to(evidence.periodogram)
        # The line is anchored where the image is strong but the window's own mean does not reach.
        anchor = evidence.bands // 3
        inner = node[1:-1]
        above = (node[:, None] - inner).clamp(min=0)
        below = (inner - node[:, None]).clamp(min=0)
        bends = torch.where(inner >= anchor, above, below)
        squared = torch.stack(torch.meshgrid(*evidence.axes, indexing="ij")).square().sum(0)
        sampling = -((2 * math.pi * _SAMPLING) ** 2) * squared
        bent, place = bends * (step / 0.25) ** 2 * _ROUGHNESS, (node - anchor) * step
        return cls(evidence, bent, place, sampling, directional(evidence, ridges))

    def start(self, kernel: Tensor) -> list[Tensor]:
        """Parameters to begin with: the line of typical steepness under which a kernel fits."""
        with torch.no_grad():
            if self.evidence.scene is not None:
                return self._free(self._level(kernel))
            seen = self.evidence.profile(self.evidence.power(kernel), updates=20).log()
        half = slice(2, len(seen) // 2)
        level = (seen[half] + _STEEPNESS * self.place[half]).mean()
        return self._free(level)

    def _free(self, level: Tensor) -> list[Tensor]:
        ndim, line = self.evidence.ndim, torch.stack([level, torch.full_like(level, _STEEPNESS)])
        free = (ndim * (ndim + 1) // 2, len(self.ridges), len(self.evidence.colours))
        return [line.new_zeros(self.basis.shape[1]), line, *(line.new_zeros(n) for n in free)]

    def _level(self, kernel: Tensor) -> Tensor:
        """The level of a known S under which there is as much light above the noise as is seen."""
        seen = ((self.evidence.periodogram - self.evidence.floor) * self.evidence.weights).sum()
        expected = (self.evidence.power(kernel) * self.sampling.exp() * self.evidence.weights).sum()
        return (seen.clamp(min=1e-12) / expected.clamp(min=1e-12)).log()

    def nats(self, kernel: Tensor, *parameters: Tensor) -> Tensor:
        """-log p(y, S, N | k) in nats, up to a constant that no kernel changes; differentiable in everything."""
        return self.data(kernel, *parameters) + self.prior(*parameters)

    def data(
        self, kernel: Tensor, departure: Tensor, line: Tensor, grain: Tensor, directed: Tensor, colour: Tensor
    ) -> Tensor:
        """-log p(y | k, S, N) in nats; ``kernel`` may have leading axes."""
        model = self.model(kernel, departure, line, grain, directed)
        return self.evidence.nats(model, colour) * self.evidence.independent

    def prior(self, departure: Tensor, line: Tensor, grain: Tensor, directed: Tensor, colour: Tensor) -> Tensor:
        """-log p(S) p(N) in nats, up to a constant."""
        steepness = 0.5 * ((line[1] - _STEEPNESS) / _STEEPNESS_SPREAD) ** 2
        shapes = (grain / _GRAIN).square().sum() + (directed / _DIRECTED).square().sum() + colour.square().sum()
        return 0.5 * departure.square().sum() + 0.5 * shapes + steepness

    def model(self, kernel: Tensor, departure: Tensor, line: Tensor, grain: Tensor, directed: Tensor) -> Tensor:
        """The spectrum of the blurred image at the kept frequencies, ``(..., *kept)``."""
        coefficients = torch.cat([grain, directed])
        return self.evidence.model(kernel, self.at_nodes(departure, line), coefficients, self.features, self.sampling)

    @cached_property
    def features(self) -> Tensor:
        """Grain and ridges: what the image's spectrum may have that is not radial; nothing where it is known."""
        free = 1.0 if self.evidence.scene is None else 0.0
        return torch.cat([free * self.evidence.grains, self.ridges])

    def expected(
        self, kernel: Tensor, departure: Tensor, line: Tensor, grain: Tensor, directed: Tensor, colour: Tensor
    ) -> Tensor:
        """V at the kept frequencies, ``(*kept)``: what `nats` holds the periodogram against."""
        return self.evidence.expected(self.model(kernel, departure, line, grain, directed), colour)

    def precision(self) -> Tensor:
        """Inverse prior variances of all parameters, flat."""
        like, ndim = self.basis, self.evidence.ndim
        line, grain = [0.0, _STEEPNESS_SPREAD**-2], [_GRAIN**-2] * (ndim * (ndim + 1) // 2)
        directed, colour = [_DIRECTED**-2] * len(self.ridges), [1.0] * len(self.evidence.colours)
        return torch.cat([like.new_ones(like.shape[1]), like.new_tensor(line + grain + directed + colour)])

    def at_nodes(self, departure: Tensor, line: Tensor) -> Tensor:
        """S at the evidence's nodes."""
        return (line[0] - line[1] * self.place + self.basis @ departure).clamp(-20, 60).exp()
