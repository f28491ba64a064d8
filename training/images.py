"""Grey images to learn from: dead leaves, fluorescence and free photographs, cut, turned and dimmed at random."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from training.dead_leaves import dead_leaves
from training.fluorescence import fluorescence
from training.photographs import PHOTOGRAPHS, crops

_SCENE, _CROP = 192, 64
# Of the scenes of a training; the rest are dead leaves.
_FLUORESCENCE, _PHOTOGRAPHS = 0.25, 0.35


@dataclass(frozen=True)
class ImageScenes:
    """Scenes in 0 … 1, held with eight bits, dithered.

    Attributes
    ----------
    arrays
        ``scenes``: ``(scenes, y, x)``, uint8.
    """

    arrays: Mapping[str, Tensor]

    @classmethod
    def drawn(cls, seed: int, draws: int, *, held_out: bool) -> Self:
        """``draws`` scenes of a seed; those held out show other parts of the photographs."""
        rng = np.random.default_rng([seed, int(held_out)])
        photographs = crops(_SCENE, round(_PHOTOGRAPHS * draws), rng, held_out)
        cells = [fluorescence(_SCENE, rng) for _ in range(round(_FLUORESCENCE * draws))]
        leaves = [dead_leaves(_SCENE, rng) for _ in range(draws - len(photographs) - len(cells))]
        levels = 255 * np.stack([*photographs, *cells, *leaves])
        dithered = np.floor(levels + rng.uniform(0, 1, levels.shape)).clip(0, 255).astype(np.uint8)
        return cls({"scenes": torch.from_numpy(dithered)})

    @classmethod
    def description(cls) -> str:
        """What the scenes are, and whose."""
        return (
            "synthetic dead leaves, synthetic fluorescence (filaments, puncta, nuclei, membranes, tissue), and "
            f"photographs that are CC0 or in the public domain: {', '.join(PHOTOGRAPHS)}"
        )

    def batch(self, count: int, generator: torch.Generator) -> Tensor:
        """Crops in 0 … 1, ``(count, 64, 64)``: turned, mirrored, of random contrast and brightness."""
        scenes = self.arrays["scenes"]
        places = torch.randint(len(scenes), (count,), generator=generator).tolist()
        corners = torch.randint(_SCENE - _CROP + 1, (count, 2), generator=generator).tolist()
        pieces = [scenes[i, y : y + _CROP, x : x + _CROP] for i, (y, x) in zip(places, corners, strict=True)]
        cut = torch.stack(pieces).float() / 255
        for turned in (_mirrored, _quarter_turn, _half_turn):
            chosen = torch.rand(count, 1, 1, generator=generator) < 0.5
            cut = torch.where(chosen, turned(cut), cut)
        contrast = 1 - 0.7 * torch.rand(count, 1, 1, generator=generator) ** 3
        return contrast * cut + (1 - contrast) * torch.rand(count, 1, 1, generator=generator)


def _mirrored(images: Tensor) -> Tensor:
    return images.flip(-1)


def _quarter_turn(images: Tensor) -> Tensor:
    return images.rot90(1, (-2, -1))


def _half_turn(images: Tensor) -> Tensor:
    return images.flip(-2, -1)
