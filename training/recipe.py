"""What there is to train: data, architecture and schedule, by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, Self

import torch
from torch import Tensor

from napari_blind_deconv.networks import UNetShape
from training.images import ImageScenes
from training.kernels import KernelDraws


class Source(Protocol):
    """Where clean arrays come from."""

    def __init__(self, arrays: Mapping[str, Tensor]) -> None: ...

    @property
    def arrays(self) -> Mapping[str, Tensor]:
        """All that is drawn once; a source is made of them anew."""
        ...

    @classmethod
    def drawn(cls, seed: int, draws: int, *, held_out: bool) -> Self:
        """So many arrays (of each kind), for training or, other ones, for measuring."""
        ...

    @classmethod
    def description(cls) -> str:
        """What they are, and under which licence."""
        ...

    def batch(self, count: int, generator: torch.Generator) -> Tensor:
        """``(count, *space)``, decided by the generator alone; the size may differ from batch to batch."""
        ...


@dataclass(frozen=True)
class Recipe:
    """One network's training.

    Attributes
    ----------
    name
        Of the network, its files and its folder.
    title, unit
        What it denoises, and what the value 1 is.
    network
        Architecture.
    source
        Where the clean arrays come from.
    draws, held_out
        How many arrays (of each kind) are made for training, and for measuring.
    sigma_range
        Noise levels, drawn log-uniformly.
    sigma_data
        Root mean square of the arrays: above it, the loss no longer forgives in proportion to σ.
    batch, steps, learning_rate
        Adam's; the rate rises over the first hundredth of the steps and falls to zero over the last 40 %.
    decay
        Of the moving average of the weights, per step.
    """

    name: str
    title: str
    unit: str
    network: UNetShape
    source: type[Source]
    draws: int
    held_out: int
    sigma_range: tuple[float, float]
    sigma_data: float
    batch: int
    steps: int
    learning_rate: float = 1e-3
    decay: float = 0.999


KERNELS = Recipe(
    name="kernels",
    title="kernels (point spread functions), 2-D",
    unit="the Euclidean norm of the kernel",
    network=UNetShape(widths=(16, 32, 64), blocks=1, surround="zero"),
    source=KernelDraws,
    draws=2000,
    held_out=100,
    sigma_range=(0.002, 0.5),
    sigma_data=0.05,
    batch=64,
    steps=5_000,
)

IMAGES = Recipe(
    name="images",
    title="grey images, 2-D",
    unit="the image's intensity range",
    network=UNetShape(widths=(24, 48, 96, 128), blocks=1, surround="replicate"),
    source=ImageScenes,
    draws=2000,
    held_out=100,
    sigma_range=(0.5 / 255, 1.0),
    sigma_data=0.25,
    batch=16,
    steps=20_000,
)

RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.name: recipe for recipe in (KERNELS, IMAGES)})
