"""How much of its surroundings a block must see, so that what is kept of it is restored as in the whole."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_blind_deconv.image_priors import Diffusion, GaussianField
from napari_blind_deconv.restoration.richardson_lucy import RichardsonLucyRestorer

if TYPE_CHECKING:
    from torch import Tensor

# Share of the kernel's light that lies further out than its radius; radii that a deconvolution looks beyond the block;
# samples that differences look further (decision 0029).
_OUTSIDE, _RADII, _MORE = 1e-3, 2.0, 4
# Steps of Richardson-Lucy for which that is enough; more of them carry light further.
_STEPS = 30
# What a learned denoiser looks at beyond a sample, and the waves that a field's prior ties together, at most.
_DENOISER, _FIELD = 32, 48
BLEND = 4
"""Samples on either side of where two blocks meet, over which they are mixed."""


def radii(kernel: Tensor) -> tuple[int, ...]:
    """Along each axis, the distance from the centre tap beyond which a thousandth of the light lies, at most.

    Examples
    --------
    >>> import torch
    >>> radii(torch.ones(1, 7) / 7)
    (0, 3)
    """
    found = []
    for axis, n in enumerate(kernel.shape):
        profile = kernel.movedim(axis, 0).reshape(n, -1).sum(1).double()
        pairs = profile[n // 2 :].clone()
        pairs[1:] += profile[: n // 2].flip(0)
        outside = pairs.sum() - pairs.cumsum(0)
        found.append(int((outside > _OUTSIDE * profile.sum()).sum()))
    return tuple(found)


def halo_of(
    radius: tuple[int, ...], restorer: object, image_prior: object, steps: int | None = None
) -> tuple[int, ...]:
    """Samples that a block sees beyond what is kept of it, along each axis.

    Parameters
    ----------
    radius
        From `radii`.
    restorer, image_prior
        What restores.
    steps
        Steps that were asked for; ``None``: the restorer's own number.
    """
    times, more = _RADII, _MORE
    if isinstance(restorer, RichardsonLucyRestorer):
        times *= max(1.0, (restorer.plain_steps(steps) / _STEPS) ** 0.25)
    if isinstance(image_prior, Diffusion):
        more = _DENOISER
    if isinstance(image_prior, GaussianField):
        more = _FIELD
    return tuple(math.ceil(times * r) + more for r in radius)


def usual_radius(kernel_shape: tuple[int, ...]) -> tuple[int, ...]:
    """What to expect of a kernel that is not known yet: half of its support's radius."""
    return tuple((k // 2 + 1) // 2 for k in kernel_shape)
