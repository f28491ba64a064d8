"""The PSF is known: p(k) = δ(k - K)."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, SkipValidation

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.statistics import KernelStatistics

if TYPE_CHECKING:
    from torch import Tensor


def no_psf() -> InputError:
    """The refusal of a PSF that is called known, and was not given."""
    return InputError(subject="kernel_prior=known", value="has no PSF", remedy="give one with `psf`")


@component
class Known:
    """The PSF is given; only the image is restored."""

    kind: Literal["known"] = "known"
    psf: str | None = None
    """File of the PSF, read when a run begins; in Python an array can be given instead."""
    kernel: Annotated[SkipValidation[Any], Field(exclude=True)] = field(default=None, repr=False, compare=False)
    """K itself, an array of odd shape, once it has been read; never part of the settings' JSON."""

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """K: there is nothing to draw."""
        return self._known()

    def update(self, statistics: KernelStatistics, kernel: Tensor, weight: float) -> Tensor:
        """K, whatever the data say."""
        return self._known().to(kernel)

    def _known(self) -> Tensor:
        if self.kernel is None:
            raise no_psf()
        return torch.as_tensor(self.kernel)
