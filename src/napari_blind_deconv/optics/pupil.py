"""Quadrature over the unit disk: the pupil's points, whose edge moves with the aperture because they scale with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_blind_deconv._torch import torch
from napari_blind_deconv.optics.zernike import zernike

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Pupil:
    """Rows of points: Gauss-Chebyshev (second kind) across the rows, Gauss-Legendre along each.

    Exact for polynomials of degree ``2 rows - 1``. No mask cuts the edge, so integrals over the pupil converge
    exponentially and are differentiable in the aperture.

    Attributes
    ----------
    x, y
        Coordinates, ``(rows, rows)``; ``y`` is constant along a row.
    weights
        Share of each point in a mean over the disk; they sum to one.
    modes
        Zernike polynomials at the points, ``(modes, rows, rows)``.

    Examples
    --------
    >>> pupil = Pupil.of(12, noll_indices=(4, 11))
    >>> round(float((pupil.weights * (pupil.x**2 + pupil.y**2)).sum()), 6)  # mean of rho² over the disk
    0.5
    """

    x: Tensor
    y: Tensor
    weights: Tensor
    modes: Tensor

    @classmethod
    def of(cls, rows: int, noll_indices: Sequence[int] = (), dtype: torch.dtype | None = None) -> Pupil:
        """Points for so many rows, with the Zernike polynomials of the given Noll indices."""
        angle = math.pi * torch.arange(1, rows + 1, dtype=torch.float64) / (rows + 1)
        along, along_weights = (torch.from_numpy(v) for v in np.polynomial.legendre.leggauss(rows))
        x = torch.sin(angle)[:, None] * along
        y = torch.cos(angle)[:, None].expand(rows, rows).contiguous()
        weights = torch.sin(angle)[:, None] ** 2 * along_weights / (rows + 1)
        modes = torch.stack([zernike(j, x, y) for j in noll_indices]) if noll_indices else x.new_zeros(0, rows, rows)
        return cls(*(t.to(dtype or torch.float64) for t in (x, y, weights, modes)))

    def to(self, device: torch.device) -> Pupil:
        """The same points on a device."""
        return Pupil(*(t.to(device) for t in (self.x, self.y, self.weights, self.modes)))
