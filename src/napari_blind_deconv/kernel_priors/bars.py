"""Error bars of a fit by evidence: the covariance of its parameters, honest where no image is a Gaussian field."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.kernel_priors.dispersion import Information

if TYPE_CHECKING:
    from torch import Tensor

# Draws that a figure's error is read from where it does not follow the parameters in a straight line.
_DRAWS = 400


def tempered(told: Information, prior: Tensor) -> Tensor:
    """What observation and prior together leave open, the observation weighed down by its dispersion.

    Parameters
    ----------
    told
        What the observation tells.
    prior
        Curvature of -log p(θ), ``(n, n)``, times what the prior counts.
    """
    prior = prior.to(told.precision)
    covariance = torch.linalg.inv(told.precision / told.dispersion + prior)
    # What the prior leaves open is no wider than the prior, however dispersed the observation.
    own = covariance.diagonal() * told.own / told.dispersion
    open_wide = 1 / prior.diagonal().clamp(min=1e-12)
    wider = torch.minimum(own, torch.maximum(open_wide, covariance.diagonal())) / covariance.diagonal()
    root = wider.sqrt()
    return covariance * root[:, None] * root


def figure_errors(figures: Callable[[Tensor], Tensor], theta: Tensor, covariance: Tensor) -> Tensor:
    """Root-mean-square departures of figures of θ from their values at θ, over its posterior; one per figure.

    The same draws every time: a figure's error is a function of the fit.

    Parameters
    ----------
    figures
        Vector of θ.
    theta, covariance
        Of the posterior, which is taken for Gaussian.
    """
    white = torch.randn(_DRAWS, len(theta), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    values, vectors = torch.linalg.eigh(covariance.double().cpu())
    moves = (white * values.clamp(min=0).sqrt()) @ vectors.T
    here = figures(theta)
    away = torch.stack([figures(theta + move.to(theta)) - here for move in moves])
    return away.double().square().mean(0).sqrt()
