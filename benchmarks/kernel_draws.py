"""Pictures of draws from every kernel prior, docs/images/draws-KIND.png: what each rung of the ladder believes.

    python benchmarks/kernel_draws.py [KIND ...]

Each row is one choice of fields, named in docs/kernel-priors.md; each tile a draw on 31 x 31 pixels, its root shown,
brightest tap white.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch

from napari_blind_deconv import synthesis
from napari_blind_deconv.kernel_priors import InVoxels, Known, Lenslets, Microscope, Motion, Sparse
from napari_blind_deconv.settings import KERNEL_PRIORS

matplotlib.use("Agg")

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SHAPE, DRAWS, ZOOM, GAP = (31, 31), 8, 3, 2
VOXEL_UM = (0.08, 0.08)


def rows(kind: str) -> Sequence[Any]:
    """The settings of a rung that are drawn from, one row each."""
    if kind == "known":
        return [Known(kernel=synthesis.fluorescence().kernel)]
    chosen = {
        "motion": [Motion(turn_rad=0.02), Motion(), Motion(turn_rad=2.5)],
        "lenslets": [Lenslets(count=3), Lenslets(count=10), Lenslets(count=30)],
        "sparse": [Sparse(), Sparse(concentration=0.02)],
        "microscope": [Microscope(na=0.9, emission_um=0.6, immersion_index=1.0, sample_index=1.0)],
    }
    return chosen.get(kind, [KERNEL_PRIORS[kind]()])


def strip(prior: Any, seed: int) -> np.ndarray:
    """Draws side by side, values 0 to 1."""
    generator = torch.Generator().manual_seed(seed)
    bound = prior.in_voxels(VOXEL_UM) if isinstance(prior, InVoxels) else prior
    tiles = []
    for _ in range(1 if isinstance(prior, Known) else DRAWS):
        kernel = bound.sample(SHAPE, generator).detach().numpy()
        tile = np.sqrt(np.clip(kernel, 0, None) / kernel.max())
        tile = np.kron(tile, np.ones((ZOOM, ZOOM)))
        tiles.append(np.pad(tile, GAP, constant_values=1.0))
    return np.concatenate(tiles, axis=1)


def main() -> None:
    """Draw, and write a picture per rung."""
    from matplotlib import pyplot

    for kind in sys.argv[1:] or list(KERNEL_PRIORS):
        picture = np.concatenate([strip(prior, seed) for seed, prior in enumerate(rows(kind), start=10)], axis=0)
        path = IMAGES / f"draws-{kind}.png"
        pyplot.imsave(path, picture, cmap="magma", vmin=0, vmax=1)
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
