"""What kernels look like, whatever their family: a denoising network trained on draws of every rung of the ladder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from napari_blind_deconv import networks
from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import component
from napari_blind_deconv.kernel_priors.simplex import minimise_on_simplex
from napari_blind_deconv.statistics import KernelStatistics

if TYPE_CHECKING:
    from torch import Tensor

_DRAW_STEPS = 24
# Half-quadratic splitting: noise levels relative to the kernel's norm (decision 0010); λ of equation (1): the
# statistics are sure of their image, which has errors, so that a λ of one would be too weak (decision 0024).
_FIRST_LEVEL, _LAST_LEVEL, _ROUNDS = 0.04, 0.005, 4
_PULL = 10.0


@component
class Learned:
    """Typical PSFs, learned by a network: camera shake, defocus, optics, few pixels, and mixtures of these.

    The network denoises planes; a volume is denoised along its three families of planes, and a line as a plane of one
    row. Between them it is a score, ∇ log p(k), which draws kernels and takes part in the kernel's M-step.
    """

    kind: Literal["learned"] = "learned"
    weights: str | None = None
    """File of another network: .safetensors, with its model card (.json) beside it. None: the one in the package."""

    def check_file(self) -> None:
        """Read another network, if one is named."""
        if self.weights is not None:
            self._network("cpu")

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """A draw by the score: noise carried to level zero along the probability flow, then made a kernel."""
        denoiser, card = self._network("cpu")
        low, high = card.sigma_range
        draw = networks.heun_draw(
            lambda noisy, sigma: networks.over_planes(denoiser, noisy, sigma),
            shape,
            networks.noise_levels(high, low, _DRAW_STEPS),
            generator,
        )
        return as_kernel(draw)

    def update(self, statistics: KernelStatistics, kernel: Tensor, weight: float) -> Tensor:
        """Least squares on the simplex and denoising in turn, at falling noise levels (half-quadratic splitting).

        As in Zhang et al. 2021 (arXiv:2008.13751, eq. 6), with the statistics as the data term, from least squares on:

            z ← D(k; σ),   k ← argmin ½ kᵀA k - bᵀk + ½ ρ ‖k - z‖²,   ρ = λ weight / σ².                   (1)

        Statistics are in nats, so that more data outvote the prior.
        """
        denoiser, _ = self._network(kernel.device)
        kernel = minimise_on_simplex(statistics, kernel)
        for level in networks.noise_levels(_FIRST_LEVEL, _LAST_LEVEL, _ROUNDS, rho=1e3):
            sigma = level * float(kernel.norm())
            with torch.no_grad():
                ideal = networks.finite_answer(networks.over_planes(denoiser, kernel.float(), sigma), self.weights).to(
                    kernel
                )
            ridge = weight * _PULL / sigma**2
            kernel = minimise_on_simplex(statistics, kernel, ridge=ridge, slope=-ridge * ideal)
        return kernel

    def _network(self, device: torch.device | str) -> tuple[networks.Denoiser, networks.ModelCard]:
        return (
            networks.shipped("kernels", device)
            if self.weights is None
            else networks.load_for_planes(self.weights, device)
        )


def as_kernel(values: Tensor) -> Tensor:
    """Values without their negative part, at unit sum; a delta where nothing is positive."""
    taps = values.clamp(min=0)
    if not float(taps.sum()) > 0:
        taps = torch.zeros_like(values)
        taps[tuple(n // 2 for n in values.shape)] = 1.0
    return taps / taps.sum()
