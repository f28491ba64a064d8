"""Mean, deviation and range of pixels that pass by, frame after frame."""

import math
from typing import Any

from torch import Tensor


class Moments:
    """Running moments, in double precision.

    Examples
    --------
    >>> import torch
    >>> seen = Moments()
    >>> seen.add(torch.tensor([1.0, 3.0])); seen.add(torch.tensor([5.0]))
    >>> seen.described
    {'mean': 3.0, 'sd': 1.63299, 'min': 1.0, 'max': 5.0}
    """

    def __init__(self) -> None:
        self._count, self._sum, self._squares = 0, 0.0, 0.0
        self._low, self._high = math.inf, -math.inf

    def add(self, values: Tensor) -> None:
        """Look at some more."""
        wide = values.double()
        self._count += wide.numel()
        self._sum += float(wide.sum())
        self._squares += float(wide.square().sum())
        self._low, self._high = min(self._low, float(wide.min())), max(self._high, float(wide.max()))

    @property
    def variance(self) -> float:
        """Of all so far."""
        return max(self._squares / self._count - (self._sum / self._count) ** 2, 0.0)

    @property
    def described(self) -> dict[str, Any]:
        """As JSON values, six digits."""
        figures = {
            "mean": self._sum / self._count,
            "sd": math.sqrt(self.variance),
            "min": self._low,
            "max": self._high,
        }
        return {name: float(f"{value:.6g}") for name, value in figures.items()}
