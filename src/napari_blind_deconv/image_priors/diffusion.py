"""The diffusion prior: a denoiser of every noise level is a score, ∇ log p_σ(x) = (D(x; σ) - x) / σ².

As a prior in half-quadratic splitting it takes the place of a proximal map (Zhang et al. 2021, arXiv:2008.13751); as a
score at every level it draws samples (`restoration.posterior_sampling`).

What is minimised is, at strength s and with the white scene of `NoPrior` as the last resort,

    ‖k * x - y‖² / (2 σ²) + ¼ ‖x‖² + w(s) (φ(x) + e ψ(x)),     prox of φ at level ℓ = D(·; ℓ),                (1)

so that s = 0 is no prior, and w grows without bound towards s = 1. ψ are sparse gradients: below a hundredth of the
range, where a small network sees little, edges are still known to be few.
"""

from __future__ import annotations

from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt
from pydantic import Field

from napari_blind_deconv import networks
from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import component
from napari_blind_deconv.image_priors.scored import Denoise
from napari_blind_deconv.image_priors.sparse_gradients import SparseGradients
from napari_blind_deconv.networks.planes import ORIENTATIONS

if TYPE_CHECKING:
    from torch import Tensor

# Weight and last level at strength 1/2, the first level, and how steeply the weight rises (decision 0014).
_WEIGHT, _LAST, _FIRST, _STEEPNESS = 0.32, 2.0, 0.2, 2.0
_FULL = 1e4
# Noise below which a small network takes little away, and sparse gradients count in full.
_BLIND_BELOW = 0.04
# Precision of the white scene that `NoPrior` settles at.
_WHITE = 0.5
# Axes sampled this many times more coarsely than the others do not look like planes that the network knows.
_COARSE = 2.0


@component
class Diffusion:
    """Learned from images: a network that was trained on shapes, textures and fluorescence of all sizes.

    It was trained on planes. Volumes are denoised along their three families of planes, or along the sections only if
    these are far apart.
    """

    kind: Literal["diffusion"] = "diffusion"
    strength: Annotated[float, Ge(0), Le(1)] = 0.5
    """0: no prior; 0.5: as much as the noise requires; 1: trust the prior. Sets the next two fields."""
    weight: Annotated[float, Ge(0), Le(1e6)] | None = None
    """How many times the prior counts against the data; None: follows the strength."""
    denoising: Annotated[float, Gt(0), Le(20)] | None = None
    """The last level that is denoised, in units of the noise sigma; None: follows the strength."""
    edges: Annotated[float, Ge(0), Le(100)] = 0.85
    """How much sparse gradients count beside the network, relative to their own weight; 0: not at all."""
    weights: str | None = None
    """Another network: .safetensors, its card (.json) beside it, or a diffusers folder. None: the built-in one."""

    turn: Annotated[int, Ge(0), Lt(ORIENTATIONS), Field(exclude=True)] = field(default=0, repr=False, compare=False)
    """How the network sees the scene, set by `at_step`; never part of the settings' JSON."""

    def check_file(self) -> None:
        """Read another network, if one is named."""
        if self.weights is not None:
            self._network("cpu")

    def at_step(self, step: int) -> Diffusion:
        """The same, the scene seen in another orientation each step (Zhang et al. 2021, section 4.2)."""
        return replace(self, turn=step % ORIENTATIONS)

    def filters(self, spacing: tuple[float, ...]) -> list[Tensor]:
        """The identity, then those of sparse gradients."""
        identity = [torch.ones([1] * len(spacing))]
        return identity + (SparseGradients().filters(spacing) if self.edges else [])

    def denoise(self, coefficients: Tensor, level: float, spacing: tuple[float, ...]) -> Tensor:
        """The targets of equation (1)'s splitting: the denoised scene, and the gradients without the small ones.

        With 1 / level² = w / ℓ² + ½, the white scene's pull to zero is part of one quadratic term.
        """
        share = 1 - _WHITE * level**2
        relative = self.prior_weight / _WEIGHT
        if relative == 0 or share <= 0:
            return torch.cat([torch.zeros_like(coefficients[:1]), coefficients[1:]])
        sigma = level * (self.prior_weight / share) ** 0.5
        scene = share * self.denoiser(spacing)(coefficients[0], sigma)[None]
        if not self.edges:
            return scene
        edges = SparseGradients(strength=self.edges * relative / (1 + (sigma / _BLIND_BELOW) ** 4))
        return torch.cat([scene, edges.denoise(coefficients[1:], level, spacing)])

    def levels(self, steps: int, noise_sigma: float) -> list[float]:
        """From strong denoising to ``denoising`` times the noise, evenly in the logarithm."""
        last = max(self.last_level * noise_sigma, self._network("cpu")[1][0])
        sigmas = networks.noise_levels(max(_FIRST, last), last, steps, rho=1e3)
        return [(self.prior_weight / sigma**2 + _WHITE) ** -0.5 for sigma in sigmas]

    def finished(self, scene: Tensor, noise_sigma: float, spacing: tuple[float, ...]) -> Tensor:
        """The scene without the noise that the last least squares let in, as far as the prior has a say."""
        share = 1 - _WHITE / (self.prior_weight / (self.last_level * noise_sigma) ** 2 + _WHITE)
        return scene + share * (self.denoiser(spacing)(scene, noise_sigma) - scene) if share > 0 else scene

    @property
    def prior_weight(self) -> float:
        """W of equation (1)."""
        odds = self.strength / max(1 - self.strength, 1 / _FULL)
        return _WEIGHT * odds**_STEEPNESS if self.weight is None else _WEIGHT * self.weight

    @property
    def last_level(self) -> float:
        """The last level that is denoised, in units of the noise sigma."""
        return _LAST * (0.5 + self.strength) if self.denoising is None else self.denoising

    def denoiser(self, spacing: tuple[float, ...]) -> Denoise:
        """E[x | x + σ n] for scenes ``(..., *space)``; ``spacing`` is the pixel's relative size per axis."""
        ndim = len(spacing)

        def denoise(noisy: Tensor, sigma: float) -> Tensor:
            network, (low, high) = self._network(noisy.device)
            with torch.no_grad():
                answer = networks.over_planes(
                    networks.seen_turned(lambda planes, s: network(planes, min(max(s, low), high)), self.turn),
                    noisy.float(),
                    sigma,
                    ndim,
                    families(spacing),
                )
            return networks.finite_answer(answer, self.weights).to(noisy)

        return denoise

    def _network(self, device: torch.device | str) -> tuple[Denoise, tuple[float, float]]:
        """What denoises planes, and the noise levels that it knows."""
        if self.weights is not None and networks.is_folder(self.weights):
            whole = networks.load_folder(self.weights, device)
            return whole, whole.sigma_range
        network, card = (
            networks.shipped("images", device)
            if self.weights is None
            else networks.load_for_planes(self.weights, device)
        )
        return partial(networks.in_tiles, network), card.sigma_range


def families(spacing: tuple[float, ...]) -> list[tuple[int, int]] | None:
    """Pairs of axes whose planes look like images: all, but for coarse sections their own.

    Examples
    --------
    >>> families((1.0, 1.0, 1.0)) is None, families((3.0, 1.0, 1.0))
    (True, [(1, 2)])
    """
    if len(spacing) != 3 or max(spacing) <= _COARSE * min(spacing):
        return None
    fine = sorted(sorted(range(3), key=lambda axis: spacing[axis])[:2])
    return [(fine[0], fine[1])]
