"""The share of the prior in an image that was restored block by block: what every block adds to it, and its map."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.forward import DataTerm
from napari_blind_deconv.fourier import trailing
from napari_blind_deconv.pipeline.outcome import Float, array_of
from napari_blind_deconv.restoration import Task
from napari_blind_deconv.restoration.blockwise import Block
from napari_blind_deconv.spread import Step
from napari_blind_deconv.tiling import Cut
from napari_blind_deconv.trust.prior_share import details, share_map, shells

if TYPE_CHECKING:
    from torch import Tensor

Detail = tuple[float, float, float]
"""Sums of the detail that the data told and that the prior did, and of the weights."""


@dataclass(frozen=True)
class Shown:
    """A block, and what it sees of the restored image, on the priors' scale."""

    block: Block
    image: Float


@dataclass(frozen=True)
class _Asking:
    """Looks at blocks of the restored image.

    Attributes
    ----------
    task
        That of the restoration, without its observation.
    cut
        How the space is cut.
    """

    task: Task
    cut: Cut

    @cached_property
    def data(self) -> DataTerm:
        """What a block may miss of its observation, which is not needed: all blocks are alike."""
        kernel, noise = self.task.data.blur.kernel, self.task.noise
        few = kernel.new_zeros(()).expand(1, *self.cut.seen)
        return DataTerm.of(few, kernel, noise, model_error=self.task.model_error)

    def image(self, part: Shown) -> Tensor:
        """That of a part, where the kernel is."""
        return torch.from_numpy(part.image).to(self.task.data.blur.kernel.device)


@dataclass(frozen=True)
class Shells(_Asking):
    """Sums over shells of the spectrum, as of `trust.prior_share.shells`."""

    def steps(self, part: Shown) -> Generator[Step, None, Tensor]:
        """As of `spread.Job`."""
        yield Step()
        return shells(self.image(part), self.data, self.task.spacing)


@dataclass(frozen=True)
class Details(_Asking):
    """Sums of detail, given those over the shells of all blocks."""

    sums: Tensor

    def steps(self, part: Shown) -> Generator[Step, None, Detail]:
        """As of `spread.Job`."""
        energies = details(self.image(part), self.data, self.task.spacing, self.sums)
        yield Step()
        share = torch.from_numpy(self.cut.weights(part.block.tile)).to(energies[0])
        within = trailing(part.block.tile.within)
        told, prior = (float((share * e[within]).sum(dtype=torch.float64)) for e in energies)
        return told, prior, float(share.sum()) * (part.block.frames.stop - part.block.frames.start)


@dataclass(frozen=True)
class ShareMaps(_Asking):
    """The map of what is kept of a block, given sums over shells, and mean detail and share of the whole."""

    sums: Tensor
    whole: tuple[float, float]

    def steps(self, part: Shown) -> Generator[Step, None, Float]:
        """As of `spread.Job`."""
        spacing = self.task.spacing
        energies = details(self.image(part), self.data, spacing, self.sums)
        yield Step()
        return array_of(share_map(*energies, len(spacing), self.whole)[trailing(part.block.tile.within)])
