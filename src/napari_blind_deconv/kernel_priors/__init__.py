"""p(k): the ladder of kernel knowledge, from known δ(k - K) to completely blind U. One file per rung."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Protocol, runtime_checkable

from pydantic import Discriminator

from napari_blind_deconv.evidence import Evidence
from napari_blind_deconv.statistics import KernelStatistics

from .airy import Airy
from .auto import Auto
from .defocus import Defocus
from .drawing import Drawable, drawn
from .figures import Figures, HasFigures
from .fit import Fit, Parameter
from .gaussian import Gaussian
from .known import Known
from .learned import Learned
from .lenslets import Lenslets
from .microscope import Microscope
from .motion import Motion
from .sparse import Sparse
from .uniform import Uniform

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class Updatable(Drawable, Protocol):
    """What every rung does: draw a kernel, and take one step on kernel statistics."""

    def update(self, statistics: KernelStatistics, kernel: Tensor, weight: float) -> Tensor:
        """The kernel that the statistics and the prior, ``weight`` times, agree on; ``kernel`` is the last one."""
        ...


@runtime_checkable
class FittedByEvidence(Protocol):
    """A rung of few parameters, which the closed-form evidence finds without an image."""

    def fit(self, evidence: Evidence, shape: tuple[int, ...], weight: float = 1.0) -> Iterator[Fit]:
        """Better and better kernels, the prior counting ``weight`` times; the last one is the answer."""
        ...


@runtime_checkable
class InVoxels(Protocol):
    """A rung in physical lengths, which has to be told the voxel size."""

    def in_voxels(self, voxel_size_um: Sequence[float] | None) -> InVoxels:
        """The same rung for a voxel size, one length per axis of the PSF; ``InputError`` where it is unknown."""
        ...


@runtime_checkable
class PerChannel(Protocol):
    """A rung that may differ from channel to channel."""

    def of_channel(self, index: int, count: int) -> PerChannel:
        """The rung of one of ``count`` channels; ``InputError`` where another number was described."""
        ...


KernelPrior = Annotated[
    Known | Microscope | Gaussian | Defocus | Airy | Motion | Lenslets | Sparse | Learned | Uniform | Auto,
    Discriminator("kind"),
]

__all__ = [
    "Airy",
    "Auto",
    "Defocus",
    "Drawable",
    "Figures",
    "Fit",
    "FittedByEvidence",
    "Gaussian",
    "HasFigures",
    "InVoxels",
    "KernelPrior",
    "Known",
    "Learned",
    "Lenslets",
    "Microscope",
    "Motion",
    "Parameter",
    "PerChannel",
    "Sparse",
    "Uniform",
    "Updatable",
    "drawn",
]
