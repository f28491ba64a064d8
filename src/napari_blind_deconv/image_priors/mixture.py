"""Gaussian mixtures without means: posterior probabilities and the posterior mean at any noise level, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from torch import Tensor


# A direction whose variance is less than this share of the noise's counts as none: at a fifth of it the answers are the
# same to 0.01 dB, and take a third longer (decision 0015).
_CUT = 0.05


@dataclass(frozen=True)
class Mixture:
    """p(x) = Σ_k w_k N(x; 0, C_k) by the eigenvectors and eigenvalues of its covariances.

    Attributes
    ----------
    log_weights
        log w_k, ``(components,)``.
    variances
        Eigenvalues of the C_k, ``(components, size)``, not negative.
    directions
        Unit eigenvectors, in columns, ``(components, size, size)``.

    Examples
    --------
    >>> mixture = Mixture.of(torch.tensor([0.5, 0.5]), torch.stack([torch.eye(4), 9 * torch.eye(4)]))
    >>> mixture.posterior_mean(torch.ones(4, 1), 3.0).flatten()
    tensor([0.2009, 0.2009, 0.2009, 0.2009])
    """

    log_weights: Tensor
    variances: Tensor
    directions: Tensor

    @classmethod
    def of(cls, weights: Tensor, covariances: Tensor) -> Mixture:
        """The mixture of weights ``(components,)`` and covariances ``(components, size, size)``."""
        variances, directions = torch.linalg.eigh(covariances)
        return cls(weights.log(), variances.clamp(min=0), directions)

    def to(self, like: Tensor) -> Mixture:
        """On a tensor's device, in its precision."""
        return Mixture(self.log_weights.to(like), self.variances.to(like), self.directions.to(like))

    def responsibilities(self, noisy: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """p(k | x + σ n), and log p(x + σ n); columns of ``noisy`` are points.

        Parameters
        ----------
        noisy
            ``(size, points)``.
        sigma
            σ > 0.

        Returns
        -------
        tuple of Tensor
            ``(components, points)``, summing to one, and ``(points,)`` in nats, less ``½ size log 2π``.
        """
        kept = _Kept.of(self, sigma)
        return self._posterior(noisy, kept.basis.T @ noisy, kept, sigma)

    def posterior_mean(self, noisy: Tensor, sigma: float) -> Tensor:
        """E[x | x + σ n] = Σ_k p(k | x + σ n) C_k (C_k + σ²)⁻¹ (x + σ n), ``(size, points)`` as given.

        Zoran & Weiss 2011 (doi:10.1109/ICCV.2011.6126278) take the likeliest component in place of the sum.
        """
        kept = _Kept.of(self, sigma)
        coefficients = kept.basis.T @ noisy
        shares, _ = self._posterior(noisy, coefficients, kept, sigma)
        gain = kept.variances / (kept.variances + sigma**2)
        return kept.basis @ (coefficients * gain[:, None] * shares.index_select(0, kept.owner))

    def _posterior(self, noisy: Tensor, coefficients: Tensor, kept: _Kept, sigma: float) -> tuple[Tensor, Tensor]:
        """Both answers of `responsibilities`: (C + σ²)⁻¹ is 1 / σ² less what the kept directions explain."""
        ratio = kept.variances / sigma**2
        explained = coefficients.square() * (0.5 / sigma**2 * ratio / (1 + ratio))[:, None]
        level = self.log_weights.index_add(0, kept.owner, -0.5 * ratio.log1p())
        joint = level[:, None].expand(-1, noisy.shape[1]).index_add(0, kept.owner, explained)
        log_sum = joint.logsumexp(0)
        white = -0.5 * noisy.square().sum(0) / sigma**2 - len(noisy) * torch.log(noisy.new_tensor(sigma))
        return (joint - log_sum).exp(), log_sum + white


@dataclass(frozen=True)
class _Kept:
    """All components' directions that stand out of the noise, side by side."""

    basis: Tensor
    variances: Tensor
    owner: Tensor

    @classmethod
    def of(cls, mixture: Mixture, sigma: float) -> _Kept:
        owner, place = (mixture.variances > _CUT * sigma**2).nonzero(as_tuple=True)
        return cls(mixture.directions[owner, :, place].T.contiguous(), mixture.variances[owner, place], owner)
