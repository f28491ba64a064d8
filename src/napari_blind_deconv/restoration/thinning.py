"""Counts split into two independent observations of one scene: one restores, the other judges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError
from napari_blind_deconv.restoration.gaussian_conditional import white

if TYPE_CHECKING:
    from torch import Tensor


def thin(counts: Tensor, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two images of photon counts whose sum is the given one: every photon goes to the first with chance ``share``.

    Where the counts are Poisson the two are independent, with means ``share`` and ``1 - share`` of the light.

    Parameters
    ----------
    counts
        Photons, whole numbers from 0.
    share
        Between 0 and 1.
    generator
        Source of the draws.

    Raises
    ------
    InputError
        Where the counts are not whole photons, or the share leaves one part empty.

    Examples
    --------
    >>> kept, held = thin(torch.full((4,), 9.0), 0.5, torch.Generator().manual_seed(0))
    >>> kept + held
    tensor([9., 9., 9., 9.])
    """
    if not 0 < share < 1:
        raise InputError(
            subject="share", value=f"{share}", allowed="must lie between 0 and 1", remedy="give both parts some photons"
        )
    if bool((counts < 0).any()) or not bool((counts == counts.round()).all()):
        raise InputError(
            subject="counts",
            value="of photons",
            allowed="must be whole numbers from 0",
            remedy="divide by the camera's gain, or use `split_gaussian`",
        )
    kept = torch.binomial(counts, torch.full_like(counts, share), generator=generator)
    return kept, counts - kept


def split_gaussian(light: Tensor, variance: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two noisier images, light ± √variance · ξ, for camera data: each of twice the variance, their mean the given one.

    Their errors are uncorrelated where ``variance`` is the variance of the noise in ``light``.
    """
    noise = variance.sqrt() * white(light, generator)
    return light + noise, light - noise
