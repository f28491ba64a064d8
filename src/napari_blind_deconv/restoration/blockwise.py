"""A restoration in blocks: what concerns all of the observation is decided once, then block after block is restored.

A block is restored as the whole would be, by the same restorer with the same noise, levels and strengths; it sees a
halo around what is kept of it (`halo`), and neighbours are mixed where they overlap (`tiling`).
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from napari_blind_deconv._types import finished, translated
from napari_blind_deconv.forward import Blur, Frame
from napari_blind_deconv.fourier import trailing
from napari_blind_deconv.restoration.by_data import ByData
from napari_blind_deconv.restoration.by_prior import ByPrior, in_need_of_unit
from napari_blind_deconv.restoration.part import part_of
from napari_blind_deconv.restoration.photon_map import PhotonMap
from napari_blind_deconv.restoration.photons import Light
from napari_blind_deconv.restoration.richardson_lucy import RichardsonLucyRestorer, intensities
from napari_blind_deconv.restoration.scene_unit import concentration
from napari_blind_deconv.restoration.task import Restored, Task, darkest, photons_of, sampled
from napari_blind_deconv.spread import Done, Spreads, Step, in_turn
from napari_blind_deconv.tiling import Cut, Tile

# Blocks that a decision on the whole looks at, at most: they are spread evenly.
_LOOKED_AT = 27
_LEAST_LIGHT = 1e-6


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

    def only(self, frames: slice, place: tuple[slice, ...]) -> "Observed":
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

    def only(self, frames: slice, place: tuple[slice, ...]) -> "InMemory":
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
    return replace(part, light=light)


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


def settled(
    restorer: Restores, source: Observed, task: Task, blocks: Blocks, spread: Spreads = in_turn
) -> Generator[str, None, tuple[Restores, Task]]:
    """What is decided once for all blocks: the darkest level, the restorer, the light, and how concentrated it is.

    A yield after every block that was looked at; at most 27 are.

    Parameters
    ----------
    task
        The restoration of a part of the observation that shows much.
    spread
        Who looks at blocks.
    """
    if task.non_negative or task.counts:
        task = replace(task, dark=(yield from _darkest(source, task, blocks, spread)))
    if isinstance(restorer, ByData):
        restorer = yield from translated(restorer.chosen(task), lambda _: "choosing how to restore")
    if isinstance(restorer, PhotonMap | RichardsonLucyRestorer):
        return restorer, replace(task, light=(yield from _light(source, task, blocks, spread)))
    if isinstance(restorer, ByPrior) and in_need_of_unit(task):
        task = replace(task, concentration=concentration(part_of(task)))
        yield "looking how light is concentrated"
    return restorer, task


@dataclass(frozen=True)
class _Dark:
    """Samples of what a block shows once its noise is averaged away."""

    task: Task
    cut: Cut

    def steps(self, part: Seen) -> Generator[Step, None, Tensor]:
        smooth = task_of(part.block, part.source, self.task).smooth()
        yield Step()
        return sampled(smooth[trailing(self.cut.own(part.block.tile))]).cpu()


def _darkest(source: Observed, task: Task, blocks: Blocks, spread: Spreads) -> Generator[str, None, float]:
    if task.dark is not None:
        return task.dark
    found = []
    for answer in spread(_Dark(carried(task), blocks.cut), seen(source, blocks.spread())):
        if isinstance(answer, Done):
            found.append(answer.found)
        yield "looking for the darkest parts"
    return darkest(torch.cat(found))


@dataclass(frozen=True)
class _Sums:
    """Sums over a block's own part: of the weight, of the light and of its square, in photons; and the pedestal."""

    task: Task
    cut: Cut

    def steps(self, part: Seen) -> Generator[Step, None, tuple[list[Tensor], float]]:
        one = task_of(part.block, part.source, self.task)
        data = photons_of(one) if one.counts else intensities(one)
        own = trailing(self.cut.own(part.block.tile))
        yield Step()
        counts, mask = data.counts[own], data.weight.expand(data.counts.shape)[own]
        axes = tuple(range(1, counts.ndim))
        sums = (mask, mask * counts, mask * counts.square())
        return [one.sum(axes, keepdim=True, dtype=torch.float64).cpu() for one in sums], data.pedestal


def _light(source: Observed, task: Task, blocks: Blocks, spread: Spreads) -> Generator[str, None, Light]:
    """Mean of every frame, and brightness of the brightest one, from sums over all blocks."""
    shape = (source.shape[0], *(1,) * (len(source.shape) - 1))
    totals = [torch.zeros(shape, dtype=torch.float64) for _ in range(3)]
    pedestal = 0.0
    for answer in spread(_Sums(carried(task), blocks.cut), seen(source, blocks.all())):
        if isinstance(answer, Done):
            sums, pedestal = answer.found
            for total, values in zip(totals, sums, strict=True):
                total[answer.part.block.frames] += values
        yield "measuring the light"
    weight, first, second = totals
    mean = (first / weight.clamp(min=1) - pedestal).clamp(min=_LEAST_LIGHT * max(1.0, pedestal))
    power = second - 2 * pedestal * first + pedestal**2 * weight - first
    brightness = torch.maximum(power / (mean * weight).clamp(min=1e-30), mean).max()
    like = task.data.observed
    return Light(mean.to(like), brightness.to(like))


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
