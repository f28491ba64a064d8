"""Draws from the distribution that a denoiser knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from torch import Tensor


def noise_levels(largest: float, smallest: float, count: int, rho: float = 7.0) -> list[float]:
    """Falling noise levels, dense at the small end (Karras et al. 2022, arXiv:2206.00364, eq. 5).

    Examples
    --------
    >>> [round(s, 3) for s in noise_levels(1.0, 0.01, 4)]
    [1.0, 0.293, 0.066, 0.01]
    """
    ends = largest ** (1 / rho), smallest ** (1 / rho)
    return [(ends[0] + i / max(count - 1, 1) * (ends[1] - ends[0])) ** rho for i in range(count)]


def heun_draw(
    denoise: Callable[[Tensor, float], Tensor],
    shape: Sequence[int],
    levels: Sequence[float],
    generator: torch.Generator,
) -> Tensor:
    """One draw: noise of the first level, carried along the probability flow to level zero.

    Second-order steps of Heun's (algorithm 1 there, deterministic after the first noise).

    Parameters
    ----------
    denoise
        (noisy values, σ) → posterior mean.
    shape
        Shape of the draw.
    levels
        Falling noise levels; zero follows the last.
    generator
        The only source of randomness.
    """
    values = levels[0] * torch.randn(tuple(shape), generator=generator, device=generator.device)
    with torch.no_grad():
        for sigma, following in zip(levels, [*levels[1:], 0.0], strict=True):
            slope = (values - denoise(values, sigma)) / sigma
            ahead = values + (following - sigma) * slope
            if following:
                slope = (slope + (ahead - denoise(ahead, following)) / following) / 2
                ahead = values + (following - sigma) * slope
            values = ahead
    return values
