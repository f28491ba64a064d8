"""What has a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from napari_blind_deconv._types import InputError

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class Stored(Protocol):
    """A prior that may name a file of trained figures."""

    def check_file(self) -> None:
        """Read the file if one is named, so that a wrong one is refused before the work and not after half of it.

        Raises
        ------
        InputError
            Where it cannot be used.
        """
        ...


def finite_answer(answer: Tensor, weights: str | None) -> Tensor:
    """A network's answer, which even finite weights may make infinite.

    Raises
    ------
    InputError
        Where it is not finite, naming the file of the weights.
    """
    if not bool(answer.isfinite().all()):
        raise InputError(
            subject=f"network {weights or 'of this package'!r}",
            value="returns values that are NaN or infinite",
            remedy="train it again, or copy it again",
        )
    return answer
