"""Pictures of draws from every kernel prior, docs/images/draws-KIND.png: what each rung of the ladder believes.

    python benchmarks/kernel_draws.py [KIND ...]

Each row is one choice of fields, named at its left; each tile a draw on 31 x 31 pixels, its root shown, brightest tap
white. All rungs in one picture: `blind-deconv synthesize kernel --voxel-size-um .08,.08 -o out --figure ladder.png`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from napari_blind_deconv import synthesis
from napari_blind_deconv.cli.draws_figure import draw, name_of
from napari_blind_deconv.kernel_priors import Known, Lenslets, Microscope, Motion, Sparse, drawn
from napari_blind_deconv.settings import KERNEL_PRIORS

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SHAPE, DRAWS = (31, 31), 8
VOXEL_UM = (0.08, 0.08)


def rows(kind: str) -> Sequence[Any]:
    """The settings of a rung that are drawn from, one row each."""
    chosen = {
        "motion": [Motion(turn_rad=0.02), Motion(), Motion(turn_rad=2.5)],
        "lenslets": [Lenslets(count=3), Lenslets(count=10), Lenslets(count=30)],
        "sparse": [Sparse(), Sparse(concentration=0.02)],
        "microscope": [Microscope(na=0.9, emission_um=0.6, immersion_index=1.0, sample_index=1.0)],
    }
    return chosen.get(kind, [KERNEL_PRIORS[kind]()])


def main() -> None:
    """Draw, and write a picture per rung."""
    for kind in sys.argv[1:] or list(KERNEL_PRIORS):
        if kind == Known.kind:
            pictures = {kind: [synthesis.fluorescence().kernel]}
        else:
            pictures = {}
            for seed, prior in enumerate(rows(kind), start=10):
                generator = torch.Generator().manual_seed(seed)
                draws = [drawn(prior, SHAPE, generator, VOXEL_UM).numpy() for _ in range(DRAWS)]
                pictures[name_of(prior)] = draws
        path = IMAGES / f"draws-{kind}.png"
        draw(path, pictures)
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
