"""What the penalties on lengths of gradients share: the lengths, and the levels of their splitting."""

import math

from torch import Tensor


def levels_for(alpha: float, steps: int) -> list[float]:
    """Geometric levels whose shrinkage ``α level²`` runs from 1/4 to 1/4000 of the unit scene."""
    shrinkages = [0.25 * 1000 ** (-(i + 1) / steps) for i in range(steps)]
    return [math.sqrt(s / alpha) for s in shrinkages]


def length_of(vectors: Tensor) -> Tensor:
    """Euclidean length along the first axis, which is kept; ten times faster than a norm over a leading axis."""
    return vectors.square().sum(0, keepdim=True).sqrt()
