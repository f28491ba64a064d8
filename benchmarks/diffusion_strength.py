"""The knob of the diffusion prior: writes docs/images/diffusion-strength.png and prints the table.

    python benchmarks/diffusion_strength.py [OUT.png]

Four sharp scenes that the network was not trained on, blurred by a known kernel and seen through noise, are restored
with that kernel at strengths from 0 to 1; above, one of them at some strengths.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from scenes import SCENES

mpl.use("Agg")
import matplotlib.pyplot as plt

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.image_priors import Diffusion, SparseGradients
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.metrics import score_image
from napari_blind_deconv.synthesis import blurred, gaussian_kernel

Float = NDArray[np.float32]

STRENGTHS = (0.0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0)
SHOWN, CROP = (0.0, 0.25, 0.5, 0.75, 1.0), (slice(30, 102), slice(52, 124))
SIDE, SUPPORT, WIDTH, NOISE = 160, 15, 1.6, 0.02
NAMES = ("camera", "cat", "cells", "fibres")


def observation(name: str, seed: int) -> tuple[Float, Float, Float]:
    """Observed, truth and kernel."""
    kernel = gaussian_kernel((SUPPORT, SUPPORT), WIDTH**2 * np.eye(2))
    seen, truth = blurred(SCENES[name](SIDE + SUPPORT - 1), kernel)
    noise = np.random.default_rng(seed).normal(0, NOISE, seen.shape)
    return (seen + noise).astype(np.float32), truth, kernel


def main(path: Path) -> None:
    """Print the table and draw the figure."""
    table = np.empty((len(NAMES), len(STRENGTHS), 2))
    baseline = np.empty((len(NAMES), 2))
    shown: list[tuple[str, Float]] = []
    for row, name in enumerate(NAMES):
        observed, truth, kernel = observation(name, row)
        given = {"kernel_prior": Known(), "noise_sigma": NOISE, "model_error": 0.0}
        plain = score_image(
            deconvolve(observed, Settings(image_prior=SparseGradients(), **given), psf=kernel).image, truth
        )
        baseline[row] = plain["psnr"], plain["ssim"]
        if name == "cat":
            shown.append(("observed", observed))
        for column, strength in enumerate(STRENGTHS):
            image = deconvolve(observed, Settings(image_prior=Diffusion(strength=strength), **given), psf=kernel).image
            scores = score_image(image, truth)
            table[row, column] = scores["psnr"], scores["ssim"]
            if name == "cat" and strength in SHOWN:
                shown.append((f"strength {strength:g}", image))
        if name == "cat":
            shown.append(("truth", truth))
        found = "  ".join(f"{s:g}: {p:.2f} dB {q:.3f}" for s, (p, q) in zip(STRENGTHS, table[row], strict=True))
        print(f"{name:8} {found}; sparse gradients {plain['psnr']:.2f} dB {plain['ssim']:.3f}", flush=True)
    figure = plt.figure(figsize=(11, 5.4), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1, 1.7))
    for axis, (title, image) in zip(above.subplots(1, len(shown)), shown, strict=True):
        axis.imshow(image[CROP], cmap="gray", vmin=0, vmax=0.9)
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    for axis, place, label in zip(below.subplots(1, 2), (0, 1), ("PSNR (dB)", "SSIM"), strict=True):
        for row, name in enumerate(NAMES):
            (line,) = axis.plot(STRENGTHS, table[row, :, place], marker="o", markersize=4, label=name)
            axis.axhline(baseline[row, place], color=line.get_color(), linestyle=":", linewidth=1)
        axis.set(xlabel="diffusion strength", ylabel=label)
        axis.grid(alpha=0.3)
    below.axes[0].legend(frameon=False, title="dotted: sparse gradients", fontsize=9, title_fontsize=9)
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    here = Path(__file__).resolve().parent.parent
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else here / "docs" / "images" / "diffusion-strength.png")
