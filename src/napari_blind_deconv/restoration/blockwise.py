"""A restoration in blocks: what concerns all of the observation is decided once (`settling`), then blocks are restored.

A block is restored as the whole would be, by the same restorer with the same noise, levels and strengths; it sees a
halo around what is kept of it (`halo`), and neighbours are mixed where they overlap (`tiling`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from napari_blind_deconv._torch import torch
from napari_blind_deconv.forward import Blur, Frame
from napari_blind_deconv.restoration.photons import Light
from napari_blind_deconv.restoration.task import Restored, Task
from napari_blind_deconv.tiling import Cut, Tile

if TYPE_CHECKING:
    from torch import Tensor

# Blocks that a decision on the whole looks at, at most: they are spread evenly.
_LOOKED_AT = 27


class Restores(Protocol):
    """As of `restoration.Restores`."""

    def restore(self, task: Task) -> Iterator[Restored]:
        """Scenes after every step, the best last."""
        ...


class Observed(Protocol):
    """An observation that is read part by part, on the scale that priors know."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(batch, *space)``."""
        ...

    def read(self, frames: slice, place: tuple[slice, ...]) -> tuple[Tensor, Tensor | None]:
        """Some frames of a part of the space, and their weights: 0 where a pixel is no data; ``None``: all are."""
        ...

    def only(self, frames: slice, place: tuple[slice, ...]) -> Observed:
        """The same with nothing but what reading that part takes, so that it can be sent to another process."""
        ...


@dataclass(frozen=True)
class InMemory:
    """An observation that is there as a whole."""

    observed: Tensor
    weights: Tensor | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """``(batch, *space)``."""
        return tuple(self.observed.shape)

    def read(self, frames: slice, place: tuple[slice, ...]) -> tuple[Tensor, Tensor | None]:
        """As of `Observed`."""
        where = (frames, *place)
        weights = None if self.weights is None else self.weights.expand(self.observed.shape)[where]
        return self.observed[where], weights

    def only(self, frames: slice, place: tuple[slice, ...]) -> InMemory:
        """All of it: who has it in memory sends it to nobody."""
        return self


@dataclass(frozen=True)
class Block:
    """Some frames of a part of the space; ``number`` counts from 0."""

    number: int
    frames: slice
    tile: Tile


@dataclass(frozen=True)
class Blocks:
    """How an observation ``(batch, *space)`` is worked on.

    Attributes
    ----------
    cut
        Of the space.
    frames
        Frames that are worked on together.
    batch
        Frames in all.
    """

    cut: Cut
    frames: int
    batch: int

    def __len__(self) -> int:
        return len(self.cut.tiles) * len(self.groups)

    @property
    def groups(self) -> list[slice]:
        """The frames of every group."""
        return [slice(i, min(i + self.frames, self.batch)) for i in range(0, self.batch, self.frames)]

    def of_group(self, index: int) -> Iterator[Block]:
        """The blocks of a group of frames, in the order of the cut's tiles."""
        first = index * len(self.cut.tiles)
        for number, tile in enumerate(self.cut.tiles, start=first):
            yield Block(number, self.groups[index], tile)

    def all(self) -> Iterator[Block]:
        """Group after group."""
        for index in range(len(self.groups)):
            yield from self.of_group(index)

    def spread(self, count: int = _LOOKED_AT) -> Iterator[Block]:
        """So many of them, evenly, or all."""
        every = list(self.all())
        chosen = sorted({i * len(every) // count for i in range(count)}) if len(every) > count else range(len(every))
        return (every[i] for i in chosen)


@dataclass(frozen=True)
class Seen:
    """A block, and what it sees of the observation."""

    block: Block
    source: Observed


def seen(source: Observed, blocks: Iterable[Block]) -> Iterator[Seen]:
    """Blocks, each with what it sees, one at a time."""
    return (Seen(block, source.only(block.frames, block.tile.seen)) for block in blocks)


@dataclass(frozen=True)
class Answer:
    """What a step on a block gave.

    Attributes
    ----------
    block
        Which.
    step, total
        Of the block.
    task, scene
        The block's task and, after its last step, its scene on the task's canvas.
    maps
        As of `Restored`, after the last step.
    message
        A detail for people.
    """

    block: Block
    step: int
    total: int
    task: Task
    scene: Tensor | None = None
    maps: Mapping[str, Tensor] = field(default_factory=dict)
    message: str = ""


def task_of(block: Block, source: Observed, task: Task) -> Task:
    """The restoration of one block; its randomness is that of its place."""
    observed, weights = source.read(block.frames, block.tile.seen)
    seed = (task.generator.initial_seed() + block.number) % 2**63
    part = replace(task.of(observed, weights, block.tile.seen), generator=torch.Generator().manual_seed(seed))
    light = None if task.light is None else Light(task.light.mean[block.frames], task.light.brightness)
    return replace(part, light=light, order=None if task.order is None else task.order.of(block.frames))


def carried(task: Task) -> Task:
    """All of a task that those of blocks (`task_of`) take over: not the observation, of which each has its part."""
    kernel = task.data.blur.kernel
    few = task.data.observed.new_zeros((1,) * (kernel.ndim + 1))
    blur = Blur(kernel, Frame.around(few.shape[1:], kernel.shape))
    return replace(task, data=replace(task.data, observed=few, blur=blur, weights=None, colour=None))


def restored(restorer: Restores, source: Observed, task: Task, blocks: Sequence[Block]) -> Iterator[Answer]:
    """Blocks, one after the other, a yield after every step; ``task`` and ``restorer`` as `settled` left them."""
    for block in blocks:
        part = task_of(block, source, task)
        before: Restored | None = None
        step = 0
        for step, done in enumerate(restorer.restore(part), start=1):
            # Held back until it is known whether it is the last one.
            total, message = (done.total, "") if before is None else (max(before.total, step), before.message)
            yield Answer(block, step - 1, total, part, message=message)
            before = done
        if before is None:
            raise RuntimeError("the restorer ended without a scene")
        yield Answer(block, step, step, part, before.scene, before.maps, before.message)
