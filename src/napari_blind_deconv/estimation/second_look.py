"""What the rungs of the ladder learn from each other's kernels, once all are fitted and before one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from napari_blind_deconv.evidence import Evidence
from napari_blind_deconv.kernel_priors import Fit

if TYPE_CHECKING:
    from torch import Tensor

FREE_FORM = "uniform"


@runtime_checkable
class Refitted(Protocol):
    """A rung that can begin at another rung's kernel: its own search may have missed a valley."""

    def refit(self, evidence: Evidence, kernel: Tensor, weight: float = 1.0) -> Iterator[Fit]:
        """Better and better kernels of this rung from the one most like ``kernel``; the last one is the answer."""
        ...


@runtime_checkable
class Challenging(Protocol):
    """A rung whose search is dear, and can tell early that it will not catch up with a simpler rung."""

    def challenge(self, evidence: Evidence, rival: Tensor, weight: float = 1.0) -> Iterator[Fit]:
        """As `FittedByEvidence.fit`, but done early where it explains less than the kernel ``rival``."""
        ...


@runtime_checkable
class Particular(Protocol):
    """A rung that can draw what belongs to a freer one, and tells."""

    @property
    def kind(self) -> str:
        """Its name."""
        ...

    def owns(self, kernel: Tensor) -> bool:
        """Whether a kernel that it drew is what it is for."""
        ...


def second_looks(
    fits: Mapping[str, Fit],
    gains: Mapping[str, float],
    rungs: Sequence[Any],
    evidence: Evidence,
    gain: Callable[[Tensor], float],
    weight: float,
    free_form_freedom: int,
) -> Generator[tuple[Fit, None], None, tuple[dict[str, Fit], dict[str, float]]]:
    """The fits, better where one helps another, and their gains.

    What is particular begins at freer kernels that gain more, and hands over its own. Yields as `choice.ranked` does.

    Parameters
    ----------
    fits
        Every rung's best kernel, and the free form's.
    gains
        Their gains.
    rungs
        The rungs behind them.
    evidence
        The observation.
    gain
        What kernels of any origin are compared by, in nats.
    weight
        How many times the rungs' priors count.
    free_form_freedom
        Number of figures that a free form pays for.
    """
    found, gains = dict(fits), dict(gains)
    kinds = [rung.kind for rung in rungs]
    for place, rung in enumerate(rungs):
        for kind in [*kinds[place + 1 :], FREE_FORM] if isinstance(rung, Refitted) else []:
            if kind not in fits or gains[kind] <= gains[rung.kind]:
                continue
            kernel, fit = fits[kind].kernel, found[rung.kind]
            for fit in rung.refit(evidence, kernel, weight):
                yield fit, None
            ahead = gain(fit.kernel)
            if ahead > gains[rung.kind]:
                found[rung.kind], gains[rung.kind] = fit, ahead
    for rung in rungs:
        handed_over = isinstance(rung, Particular) and not rung.owns(found[rung.kind].kernel)
        if handed_over and FREE_FORM in found and gains[rung.kind] > gains[FREE_FORM]:
            found[FREE_FORM] = Fit(found[rung.kind].kernel, freedom=free_form_freedom)
            gains[FREE_FORM] = gains[rung.kind]
    return found, gains
