"""A restorer that works block by block on an observation that is in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import finished
from napari_blind_deconv.fourier import trailing
from napari_blind_deconv.restoration.blockwise import Blocks, InMemory, Restores, restored
from napari_blind_deconv.restoration.settling import settled
from napari_blind_deconv.restoration.task import Restored, Task
from napari_blind_deconv.tiling import Cut

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class InBlocks:
    """A restorer that works block by block, for an observation that is there as a whole.

    Attributes
    ----------
    restorer
        Which restores a block.
    counts
        Blocks along each spatial axis.
    halo, blend
        As of `tiling.Cut`.
    frames
        Frames that are worked on together; ``None``: all.
    """

    restorer: Restores
    counts: tuple[int, ...]
    halo: tuple[int, ...]
    blend: tuple[int, ...]
    frames: int | None = None

    def restore(self, task: Task) -> Iterator[Restored]:
        """The scene so far after every block; beyond the frame its edge continued."""
        data = task.data
        batch = data.observed.shape[0]
        source = InMemory(data.observed, data.weights)
        cut = Cut(data.frame.shape, self.counts, self.halo, self.blend)
        blocks = Blocks(cut, self.frames or batch, batch)
        restorer, task = finished(settled(self.restorer, source, task, blocks))
        out = torch.zeros_like(data.observed)
        maps: dict[str, Tensor] = {}
        for index in range(len(blocks.groups)):
            for answer in restored(restorer, source, task, list(blocks.of_group(index))):
                if answer.scene is None:
                    continue
                share = torch.from_numpy(cut.weights(answer.block.tile)).to(out)
                where, crop = (answer.block.frames, *answer.block.tile.kept), answer.task.data.frame.crop
                within = trailing(answer.block.tile.within)
                out[where] += share * crop(answer.scene)[within]
                for name, values in answer.maps.items():
                    maps.setdefault(name, torch.zeros_like(out))[where] += share * crop(values)[within]
                done = {name: data.frame.extend(values) for name, values in maps.items()}
                yield Restored(data.frame.extend(out), len(blocks), done)
