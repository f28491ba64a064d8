"""The picture of draws from the microscope prior in docs/microscope.md.

python benchmarks/microscope_draws.py [--output docs/images/microscope_draws.png]
"""

import argparse
from pathlib import Path

import torch

from napari_blind_deconv.cli.draws_figure import draw
from napari_blind_deconv.kernel_priors import Microscope, drawn

SHAPE, VOXELS = (41, 41, 41), (0.2, 0.08, 0.08)
PRIORS = {
    "wide-field\nNA 1.2\nat the cover glass": Microscope(na=1.2, emission_um=0.52, depth_um=0.0, zernike_rad=[]),
    "wide-field\nNA 1.2\ndepth free": Microscope(na=1.2, emission_um=0.52, zernike_rad=[]),
    "wide-field\nall but the wavelength free": Microscope(emission_um=0.52),
    "confocal\nNA 1.2\naberrations free": Microscope(
        modality="confocal", na=1.2, emission_um=0.52, excitation_um=0.488, depth_um=0.0
    ),
    "light-sheet\nNA 0.8\nsheet free": Microscope(modality="light-sheet", na=0.8, emission_um=0.52, sheet_um=None),
}
DRAWS = 4


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("docs/images/microscope_draws.png"))
    options = parser.parse_args()
    rows = {}
    for name, prior in PRIORS.items():
        generator = torch.Generator().manual_seed(4)
        rows[name] = [drawn(prior, SHAPE, generator, VOXELS).numpy() for _ in range(DRAWS)]
    draw(options.output, rows, "Draws of the microscope prior: xy, and xz beside it", VOXELS)


if __name__ == "__main__":
    main()
