"""Waves that forget themselves: the first-order autoregression, its spectrum, and what a window makes of it.

A wave u of unit variance, from frame to frame (the Ornstein–Uhlenbeck process where ρ is real, a damped oscillation
where it turns by an angle θ; u = Re z):

    z_{t+1} = ρ e^{iθ} z_t + √(1 - ρ²) w_t,        ⟨u_s u_t⟩ = ρ^{|t-s|} cos θ(t-s),                          (1)

    P(ω) = ½ Σ_± (1 - ρ²) / (1 - 2ρ cos(ω ∓ θ) + ρ²),        mean over ω = 1.                                 (2)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import hann

if TYPE_CHECKING:
    from torch import Tensor

# Nearer to one, single precision sees no difference from a wave that stands still.
_STILL = 1 - 1e-6


def spectrum(decay: Tensor, angle: float, frames: int) -> Tensor:
    """Equation (2) at the frequencies of ``frames``, scaled to a mean of one: a movie that is periodic in time.

    The variance is that of the endless movie. Scaling only matters for waves that live as long as all frames: those
    stand still.

    Parameters
    ----------
    decay
        ρ in [0, 1), any shape.
    angle
        θ, in radians a frame.
    frames
        Number of frames.

    Returns
    -------
    Tensor
        ``(frames, *decay.shape)``, the frequencies of an `fft`.

    Examples
    --------
    >>> spectrum(torch.tensor([0.0, 0.5]), 0.0, 4).mean(0)
    tensor([1.0000, 1.0000])
    """
    omega = 2 * math.pi * torch.arange(frames, dtype=decay.dtype, device=decay.device) / frames
    omega = omega.reshape(-1, *[1] * decay.ndim)
    decay = decay.clamp(max=_STILL)
    found = torch.zeros_like(decay)[None]
    for sign in (1, -1):
        # 1 - 2ρ cos + ρ², without the difference of nearly equal numbers.
        found = found + 1 / ((1 - decay) ** 2 + 4 * decay * torch.sin((omega - sign * angle) / 2) ** 2)
    return found / found.mean(0)


def seen(decay: Tensor, angle: float, frames: int) -> Tensor:
    """What the mean of a Hann-windowed periodogram of ``frames`` is: equation (2), smeared by the window.

    The autocovariance of (1) times the window's own autocorrelation, transformed.

    Parameters
    ----------
    decay, angle, frames
        As of `spectrum`.

    Returns
    -------
    Tensor
        ``(*decay.shape, frames)``, the frequencies of an `fft`.
    """
    window = hann((frames,), decay)
    padded = torch.fft.rfft(window, 2 * frames).abs().square()
    overlap = torch.fft.irfft(padded, 2 * frames)[:frames] / window.square().sum()
    lag = torch.arange(frames, dtype=decay.dtype, device=decay.device)
    covariance = decay[..., None] ** lag * torch.cos(angle * lag) * overlap
    return 2 * torch.fft.fft(covariance, dim=-1).real - covariance[..., :1]
