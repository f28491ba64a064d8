"""Zernike polynomials in the order and with the normalisation of Noll 1976, doi:10.1364/JOSA.66.000207."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from torch import Tensor


def noll(index: int) -> tuple[int, int]:
    """Radial order n and angular order m of a Noll index, counted from 1; m < 0 stands for the sine.

    Examples
    --------
    >>> [noll(j) for j in (1, 2, 3, 4, 7, 8, 11)]
    [(0, 0), (1, 1), (1, -1), (2, 0), (3, -1), (3, 1), (4, 0)]
    """
    if index < 1:
        raise ValueError(f"Noll index {index} must be at least 1")
    n = (math.isqrt(8 * index - 7) - 1) // 2
    rank = index - n * (n + 1) // 2 - 1
    m = (rank + 1) // 2 * 2 if n % 2 == 0 else rank // 2 * 2 + 1
    return n, m if m == 0 or index % 2 == 0 else -m


def zernike(index: int, x: Tensor, y: Tensor) -> Tensor:
    """The polynomial of a Noll index on the unit disk, of mean square one (and mean zero, above index 1).

    Parameters
    ----------
    index
        Noll's j, from 1.
    x, y
        Pupil coordinates, 1 at the edge; the angle runs from +x to +y.
    """
    n, m = noll(index)
    squared = x**2 + y**2
    radial = torch.zeros_like(x)
    for k in range((n - abs(m)) // 2 + 1):
        factor = (-1) ** k * math.comb(n - k, k) * math.comb(n - 2 * k, (n - abs(m)) // 2 - k)
        radial = radial + factor * squared ** ((n - abs(m)) // 2 - k)
    wave = torch.complex(x, y) ** abs(m)
    angular = wave.imag if m < 0 else wave.real
    return math.sqrt((n + 1) * (1 if m == 0 else 2)) * radial * angular
