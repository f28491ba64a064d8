"""Priors that know a posterior mean at every noise level, and with it a score."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor


Denoise = Callable[["Tensor", float], "Tensor"]


@runtime_checkable
class Scored(Protocol):
    """An image prior that samples can be drawn with."""

    def denoiser(self, spacing: tuple[float, ...]) -> Denoise:
        """(scenes ``(..., *space)``, σ) → E[x | x + σ n], for any σ > 0; ``spacing`` is the pixel's relative size."""
        ...
