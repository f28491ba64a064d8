"""The half spectrum of a real image, seen by the radius of its frequencies."""

from collections.abc import Sequence

import torch
from torch import Tensor

from napari_blind_deconv.fourier import frequencies


def radius(shape: Sequence[int], spacing: Sequence[float], like: Tensor) -> Tensor:
    """Length of every frequency of a half spectrum, in cycles per unit of ``spacing``."""
    axes = [values.flatten() for values in frequencies(shape, spacing, like)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).square().sum(0).sqrt()


def multiplicity(shape: Sequence[int], like: Tensor) -> Tensor:
    """How often every frequency of a half spectrum stands in the whole one, once or twice.

    Examples
    --------
    >>> multiplicity((4, 4), torch.ones(4, 3)).sum()
    tensor(16.)
    """
    counted = torch.full_like(like, 2.0)
    counted[..., 0] = 1.0
    if shape[-1] % 2 == 0:
        counted[..., -1] = 1.0
    return counted
