"""The picture of draws from the microscope prior in docs/microscope.md.

python benchmarks/microscope_draws.py [--output docs/images/microscope_draws.png]
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from napari_blind_deconv.kernel_priors import Microscope

SHAPE, VOXELS = (41, 41, 41), (0.2, 0.08, 0.08)
PRIORS = {
    "wide-field, NA 1.2, at the cover glass": Microscope(na=1.2, emission_um=0.52, depth_um=0.0, zernike_rad=[]),
    "wide-field, NA 1.2, depth free": Microscope(na=1.2, emission_um=0.52, zernike_rad=[]),
    "wide-field, all but the wavelength free": Microscope(emission_um=0.52),
    "confocal, NA 1.2, aberrations free": Microscope(
        modality="confocal", na=1.2, emission_um=0.52, excitation_um=0.488, depth_um=0.0
    ),
    "light-sheet, NA 0.8, sheet free": Microscope(modality="light-sheet", na=0.8, emission_um=0.52, sheet_um=None),
}
DRAWS = 4


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("docs/images/microscope_draws.png"))
    options = parser.parse_args()
    figure, axes = plt.subplots(2 * len(PRIORS), DRAWS, figsize=(7, 16), layout="constrained")
    for row, (title, prior) in enumerate(PRIORS.items()):
        generator = torch.Generator().manual_seed(4)
        for column in range(DRAWS):
            kernel = prior.in_voxels(VOXELS).sample(SHAPE, generator).numpy()
            views = kernel[SHAPE[0] // 2], kernel[:, SHAPE[1] // 2]
            for panel, view, height in zip(
                axes[2 * row : 2 * row + 2, column], views, VOXELS[1:-1] + VOXELS[:1], strict=True
            ):
                panel.imshow(np.sqrt(view), cmap="magma", aspect=height / VOXELS[2], interpolation="nearest")
                panel.set_axis_off()
        heading = axes[2 * row, 0].set_title(f"{title}: xy above, xz below", loc="left", fontsize=9)
        heading.set_in_layout(False)
    figure.get_layout_engine().set(h_pad=0.1)
    figure.savefig(options.output, dpi=70)


if __name__ == "__main__":
    main()
