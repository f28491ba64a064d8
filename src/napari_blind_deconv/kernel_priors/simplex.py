"""Kernels as probability distributions: non-negative, unit sum. Projection, and the quadratic minimised under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.statistics import KernelStatistics

if TYPE_CHECKING:
    from torch import Tensor


def project_to_simplex(values: Tensor) -> Tensor:
    """The nearest kernel: ``max(values - t, 0)`` with t such that it sums to one (Held, Wolfe & Crowder 1974).

    Examples
    --------
    >>> project_to_simplex(torch.tensor([0.5, 0.5, -3.0]))
    tensor([0.5000, 0.5000, 0.0000])
    """
    ordered = values.flatten().sort(descending=True).values
    excess = (ordered.cumsum(0) - 1) / torch.arange(1, ordered.numel() + 1, dtype=values.dtype, device=values.device)
    support = int((ordered > excess).sum())
    return (values - excess[support - 1]).clamp(min=0)


def minimise_on_simplex(
    statistics: KernelStatistics,
    start: Tensor,
    *,
    ridge: float = 0.0,
    slope: Tensor | None = None,
    steps: int = 200,
    tolerance: float = 1e-6,
) -> Tensor:
    """Argmin ½ kᵀ(A + ridge) k - bᵀk + slopeᵀk over kernels, by accelerated projected gradients.

    FISTA with restart (Beck & Teboulle 2009, doi:10.1137/080716542; O'Donoghue & Candès 2015). The step is the inverse
    of the largest eigenvalue of the circulant matrix around A, an upper bound.
    """
    linear = statistics.correlation if slope is None else statistics.correlation - slope
    lipschitz = float(statistics.spectrum.max()) + ridge
    kernel = ahead = project_to_simplex(start)
    momentum = 1.0
    for _ in range(steps):
        previous = kernel
        kernel = project_to_simplex(ahead - (statistics.apply(ahead) + ridge * ahead - linear) / lipschitz)
        change = kernel - previous
        if float(((ahead - kernel) * change).sum()) > 0:
            momentum = 1.0
        following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = kernel + (momentum - 1) / following * change
        momentum = following
        if float(change.abs().sum()) < tolerance:
            break
    return kernel
