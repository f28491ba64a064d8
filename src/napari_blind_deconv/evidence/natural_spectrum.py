"""What the image's spectrum may be while a kernel of few parameters is fitted: a bent power law with a grain.

A blur and a free radial spectrum explain each other; only a spectrum that is nearly a power law tells them apart.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_blind_deconv.evidence.closed_form import Evidence

# Prior of the bends (in log S, per squared step of 0.25 in log f) and of the steepness -d log S / d log f.
_ROUGHNESS = 0.3
_STEEPNESS, _STEEPNESS_SPREAD = 3.0, 1.0
# Prior of the texture's grain: log S varies with the direction n of the frequency by n'Gn, at every frequency alike,
# while a kernel's anisotropy grows with the frequency.
_GRAIN = 1.0
# A sharp image sampled at its own resolution is no power law up to the last frequency but blurred by this, in pixels:
# without it, a kernel would be asked to undo the sampling too.
_SAMPLING = 0.7


@dataclass(frozen=True)
class NaturalSpectrum:
    """p(y | k, S) p(S) of one observation: a line in log-log, bends of unit prior at its nodes, and a grain.

    Its parameters, in this order, are the ``departure`` (bends at the inner nodes), the ``line`` (level, steepness) and
    the ``grain`` (see `Evidence.texture`).

    Attributes
    ----------
    evidence
        The observation.
    basis
        log S of every unit bend, ``(nodes, nodes - 2)``.
    place
        log f of the nodes from the line's anchor.
    sampling
        |transfer function|² of the sampling at the kept frequencies.

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

    @classmethod
    def of(cls, evidence: Evidence) -> "NaturalSpectrum":
        """The model at an observation's own frequencies."""
        step = math.log(evidence.highest / evidence.lowest) / (evidence.bands - 1)
        node = torch.arange(evidence.bands).to(evidence.periodogram)
        # The line is anchored where the image is strong but the window's own mean does not reach.
        anchor = evidence.bands // 3
        inner = node[1:-1]
        above = (node[:, None] - inner).clamp(min=0)
        below = (inner - node[:, None]).clamp(min=0)
        bends = torch.where(inner >= anchor, above, below)
        squared = torch.stack(torch.meshgrid(*evidence.axes, indexing="ij")).square().sum(0)
        sampling = torch.exp(-((2 * math.pi * _SAMPLING) ** 2) * squared)
        return cls(evidence, bends * (step / 0.25) ** 2 * _ROUGHNESS, (node - anchor) * step, sampling)

    def start(self, kernel: Tensor) -> list[Tensor]:
        """Departure, line and grain to begin with: the line of typical steepness under which a kernel fits."""
        with torch.no_grad():
            seen = self.evidence.profile(self.evidence.power(kernel), updates=20).log()
        half = slice(2, len(seen) // 2)
        level = (seen[half] + _STEEPNESS * self.place[half]).mean()
        ndim = self.evidence.ndim
        line = torch.stack([level, torch.full_like(level, _STEEPNESS)])
        return [line.new_zeros(self.basis.shape[1]), line, line.new_zeros(ndim * (ndim + 1) // 2)]

    def nats(self, kernel: Tensor, departure: Tensor, line: Tensor, grain: Tensor) -> Tensor:
        """-log p(y, S | k) in nats, up to a constant that no kernel changes; differentiable in everything."""
        power = self.evidence.power(kernel) * self.evidence.texture(grain) * self.sampling
        data = self.evidence.nats(power, self.at_nodes(departure, line)) * self.evidence.independent
        return data + self.prior(departure, line, grain)

    def prior(self, departure: Tensor, line: Tensor, grain: Tensor) -> Tensor:
        """-log p(S) in nats, up to a constant."""
        steepness = 0.5 * ((line[1] - _STEEPNESS) / _STEEPNESS_SPREAD) ** 2
        return 0.5 * departure.square().sum() + 0.5 * (grain / _GRAIN).square().sum() + steepness

    def expected(self, kernel: Tensor, departure: Tensor, line: Tensor, grain: Tensor) -> Tensor:
        """V at the kept frequencies, ``(*kept)``: what `nats` holds the periodogram against."""
        power = self.evidence.power(kernel) * self.evidence.texture(grain) * self.sampling
        return self.evidence.expected(power, self.at_nodes(departure, line))

    def precision(self) -> Tensor:
        """Inverse prior variances of departure, line and grain, flat."""
        like, ndim = self.basis, self.evidence.ndim
        line, grain = [0.0, _STEEPNESS_SPREAD**-2], [_GRAIN**-2] * (ndim * (ndim + 1) // 2)
        return torch.cat([like.new_ones(like.shape[1]), like.new_tensor(line + grain)])

    def at_nodes(self, departure: Tensor, line: Tensor) -> Tensor:
        """S at the evidence's nodes."""
        return (line[0] - line[1] * self.place + self.basis @ departure).clamp(-20, 60).exp()
