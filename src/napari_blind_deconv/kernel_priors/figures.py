"""A family of kernels by its figures, which a field of kernels is made of: numbers of order one, and their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from napari_blind_deconv.kernel_priors.fit import Fit, Parameter

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Figures:
    """A family at one fit.

    Attributes
    ----------
    start
        θ of the fit, one vector.
    directions
        Along which θ may differ from place to place, the likeliest first: matrices whose rows are directions, each
        spanning more than the one before.
    kernel_of
        The kernel of θ, differentiable, unit sum.
    cost
        -log p(θ) in nats.
    described
        The figures of θ by the names that people know.
    """

    start: Tensor
    directions: tuple[Tensor, ...]
    kernel_of: Callable[[Tensor], Tensor]
    cost: Callable[[Tensor], Tensor]
    described: Callable[[Tensor], dict[str, Parameter]]


@runtime_checkable
class HasFigures(Protocol):
    """A rung whose kernels may vary smoothly over the field."""

    def figures(self, fit: Fit, shape: tuple[int, ...]) -> Figures:
        """The family at a fit of its own, on a support of odd ``shape``."""
        ...
