"""Draws from p(x | y) where the prior is a stationary Gaussian around a mean, the surround of the frame unknown.

    x ~ N(mean, F⁻¹ diag(v) F),  y = H x + n,  n ~ N(0, R):

    draw = argmin ‖y + n' - H x‖²_R + Σ_f |x - mean - m'|² σ² / v,                                          (1)

n' and m' drawn from noise and prior: perturb and optimise (Papandreou & Yuille 2010; Orieux et al. 2012,
doi:10.1109/LSP.2012.2189104), exact up to the solver of the linear system.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.forward import DataTerm
from napari_blind_deconv.fourier import irfftn, rfftn
from napari_blind_deconv.restoration.normal_equations import solve

if TYPE_CHECKING:
    from torch import Tensor

# Conjugate-gradient steps from the solution of a periodic scene (decision 0014).
_INNER_STEPS = 8


def conditional_draws(
    data: DataTerm, mean: Tensor, variance: Tensor, generator: torch.Generator, steps: int = _INNER_STEPS
) -> Tensor:
    """Equation (1), once for every scene in ``mean``.

    Parameters
    ----------
    data
        The observation.
    mean
        Prior means on the canvas, shape ``(draws, ..., *canvas)``.
    variance
        v > 0, the variance of a coefficient over the number of samples: that of a white scene is its variance.
        Real, on the half canvas.
    generator
        The only source of randomness.
    steps
        Steps of the linear solver.
    """
    frame, blur, ndim = data.frame, data.blur, data.frame.ndim
    noise = data.sigma * blur.adjoint_spectrum(data.noise_draw(white(mean, generator)))
    stiffness = data.sigma**2 / variance
    deviation = rfftn(white(mean, generator), ndim) * variance.sqrt()
    right = data.explained + noise + stiffness * (rfftn(mean, ndim) + deviation)
    missed = blur.adjoint_spectrum(data.weighed(data.filled - blur(mean)))
    start = rfftn(mean, ndim) + missed / (data.typical + stiffness)
    found, _ = solve(start, right, data, stiffness, steps)
    return irfftn(found, frame.canvas)


def white(like: Tensor, generator: torch.Generator) -> Tensor:
    """White noise of unit variance, drawn where the generator lives."""
    return torch.randn(like.shape, generator=generator, device=generator.device, dtype=like.dtype).to(like.device)
