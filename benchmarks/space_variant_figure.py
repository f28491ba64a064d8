"""Fibres under a blur that doubles from left to right, restored blind: writes docs/images/space-variant.png.

python -m benchmarks.space_variant_figure [OUT.png]
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

from benchmarks.space_variant import FIELDS, decibels, plane, settings
from napari_blind_deconv import deconvolve


def main(path: Path) -> None:
    """Restore with one PSF and with one that changes, print what came out, draw it."""
    observed, truth = plane("fibres", FIELDS["left to right"], 0)
    one, smooth = (deconvolve(observed, settings(smooth=s)) for s in (False, True))
    print(smooth.report["field"]["reason"])
    if not smooth.psf_fields:
        raise SystemExit("one PSF was found for all of the field: nothing to draw")
    mosaic = smooth.psf_fields[0].mosaic
    panels = {
        f"observed, {decibels(observed, truth):.1f} dB": observed,
        f"one PSF, {decibels(one.image, truth):.1f} dB": one.image,
        f"a changing PSF, {decibels(smooth.image, truth):.1f} dB": smooth.image,
        "truth": truth,
    }
    figure, axes = plt.subplots(1, 5, figsize=(16, 3.5), layout="constrained")
    top = float(np.quantile(truth, 0.998))
    for axis, (title, image) in zip(axes, panels.items(), strict=False):
        axis.imshow(image, cmap="gray", vmin=0, vmax=top)
        axis.set_title(title)
    axes[4].imshow(mosaic**0.5, cmap="magma")
    axes[4].set_title("PSFs over the field (square root)")
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main(
        Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "docs" / "images" / "space-variant.png"
    )
