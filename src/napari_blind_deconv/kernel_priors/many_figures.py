"""Error bars of what many numbers decide together: the length of a path, the width and contrast of spots.

Control points and spots trade places with each other, so that none of them has an error bar worth reading; what they
come to has one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.kernel_priors.bars import figure_errors, tempered
from napari_blind_deconv.kernel_priors.dispersion import Explaining, information

if TYPE_CHECKING:
    from torch import Tensor

# Inverse variance of a parameter of which neither observation nor prior say anything, as where all of a kernel lies.
_ANYWHERE = 1e-3


def errors_of(
    figures: Callable[[Tensor], Tensor],
    model: Explaining,
    kernel_of: Callable[[Tensor], Tensor],
    theta: Tensor,
    image: Sequence[Tensor],
    cost: Callable[[Tensor], Tensor],
) -> list[float]:
    """Standard errors of figures of θ over its posterior, taken for Gaussian around a fit.

    Parameters
    ----------
    figures
        Vector of θ.
    model
        Observation and image model.
    kernel_of
        The unit-sum kernel of θ.
    theta
        The fit, one vector.
    image
        The spectrum's parameters at the fit.
    cost
        -log p(θ) in nats, differentiable twice, of parameters in double precision on the CPU.
    """
    told = information(model, kernel_of, theta, image)
    # Not every device has double precision, and these are a few numbers.
    with torch.enable_grad():
        hessian = torch.autograd.functional.hessian(cost, theta.cpu().double())
    values, vectors = torch.linalg.eigh(hessian)
    prior = (vectors * values.clamp(min=0)) @ vectors.T + _ANYWHERE * torch.eye(len(theta), dtype=torch.float64)
    errors: list[float] = figure_errors(figures, theta, tempered(told, prior)).tolist()
    return errors
