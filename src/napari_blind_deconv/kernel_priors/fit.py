"""A fit of few parameters by evidence: what it yields, and the descent that parameters and spectrum share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from napari_blind_deconv.evidence import NaturalSpectrum
from napari_blind_deconv.kernel_priors.descent import descend, lowest

if TYPE_CHECKING:
    from torch import Tensor


class Parameter(NamedTuple):
    """One fitted figure: its value, one standard deviation of it (``None``: not known) and its unit."""

    value: float
    error: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class Fit:
    """What a fit knows after a step.

    Attributes
    ----------
    kernel
        The best kernel so far, unit sum.
    parameters
        The figures that describe it, by name; filled in by the last step.
    freedom
        Number of free figures behind the kernel, where it is not the number of ``parameters``.
    """

    kernel: Tensor
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    freedom: int | None = None

    @property
    def degrees_of_freedom(self) -> int:
        """What a fit pays for when families are compared."""
        return len(self.parameters) if self.freedom is None else self.freedom


def fitted(
    spectrum: NaturalSpectrum,
    kernel_of: Callable[..., Tensor],
    start: Sequence[Tensor],
    *,
    cost: Callable[..., Tensor],
    iterations: int,
) -> Iterator[tuple[float, list[Tensor], list[Tensor]]]:
    """Descend -log p(y, S, θ) over a kernel's parameters θ and the image's spectrum S together.

    Parameters
    ----------
    spectrum
        The observation and its spectrum's prior.
    kernel_of
        The kernel of the parameters, differentiable.
    start
        θ to begin with, one or more tensors.
    cost
        -log p(θ) in nats.
    iterations
        Iterations at most.

    Yields
    ------
    tuple
        (nats, θ, spectrum's parameters), the best so far.
    """
    count = len(start)

    def nats(*arguments: Tensor) -> Tensor:
        theta, image = arguments[:count], arguments[count:]
        return spectrum.nats(kernel_of(*theta), *image) + cost(*theta)

    for value, found in descend(nats, [*start, *spectrum.start(kernel_of(*start).detach())], iterations):
        yield value, found[:count], found[count:]


def explained(spectrum: NaturalSpectrum, kernel: Tensor, iterations: int = 48) -> float:
    """-log p(y, S | k) in nats at the best spectrum S: what kernels of any origin are compared by."""
    return lowest(lambda *image: spectrum.nats(kernel, *image), spectrum.start(kernel), iterations)
