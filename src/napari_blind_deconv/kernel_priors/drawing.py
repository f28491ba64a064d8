"""Draws k ~ p(k): of which rungs there are any, and the one way to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError
from napari_blind_deconv.kernel_priors.known import Known

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class Drawable(Protocol):
    """A proper distribution of kernels; `drawn` refuses what has the method but nothing to draw."""

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """A kernel drawn from the prior, on a support of odd ``shape``."""
        ...


def drawn(
    prior: Any, shape: Sequence[int], generator: torch.Generator, voxel_size_um: Sequence[float] | None = None
) -> Tensor:
    """A kernel from a prior, as all that is synthesised here gets it.

    Parameters
    ----------
    prior
        Any rung but a known kernel: uniform and sparse ones are Dirichlet distributions, and proper, too.
    shape
        Odd, one entry per axis.
    generator
        The only source of randomness.
    voxel_size_um
        For rungs in physical lengths, which are told it.

    Returns
    -------
    Tensor
        Non-negative, unit sum, float32.

    Raises
    ------
    InputError
        For a known kernel, sizes that are not odd, and rungs that miss the voxel size or do not have so many axes.

    Examples
    --------
    >>> from napari_blind_deconv.kernel_priors import Lenslets
    >>> kernel = drawn(Lenslets(count=3), (15, 15), torch.Generator().manual_seed(0))
    >>> kernel.shape, round(float(kernel.sum()), 3)
    (torch.Size([15, 15]), 1.0)
    """
    if isinstance(prior, Known) or not isinstance(prior, Drawable):
        raise InputError(
            subject=f"kernel_prior={getattr(prior, 'kind', type(prior).__name__)}",
            value="is one kernel",
            allowed="which cannot be drawn",
            remedy="choose another `kernel_prior`",
        )
    size = tuple(int(n) for n in shape)
    if not size or any(n < 1 or n % 2 == 0 for n in size):
        raise InputError(
            subject="kernel_size",
            value=f"{size}",
            allowed="must be positive odd numbers, so that there is a centre pixel",
            remedy=f"try {tuple(n + 1 - n % 2 for n in size)}",
        )
    bound = prior
    # By its field: the protocol `InVoxels` lives beside the union, which imports this file.
    if is_dataclass(prior) and "voxel_size_um" in {field.name for field in fields(prior)}:
        bound = prior.in_voxels(None if voxel_size_um is None else tuple(voxel_size_um))
    return bound.sample(size, generator).detach().float()
