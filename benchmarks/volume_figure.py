"""A volume of 40 x 128 x 128 voxels restored blind: writes docs/images/volume.png and prints the figures.

    python benchmarks/volume_figure.py [OUT.png]

The scene, the PSF and the noise are synthetic, so that truth and result can stand side by side.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.kernel_priors import Gaussian
from napari_blind_deconv.metrics import score
from napari_blind_deconv.synthesis import Sample, beads, fibres, gaussian_kernel, photon_counts

VOXEL_UM = (0.25, 0.1, 0.1)
SHAPE = (40, 128, 128)
SUPPORT = (17, 17, 17)


def volume() -> Sample:
    """Filaments and beads of 0.1 µm, blurred by a tilted Gaussian three times longer than wide, 300 photons."""
    rng = np.random.default_rng(11)
    shape = tuple(n + k - 1 for n, k in zip(SHAPE, SUPPORT, strict=True))
    scene = 0.005 + fibres(shape, rng, count=22, width=0.8) + beads(shape, rng, count=60, width=1.0)
    covariance = np.array([[5.0, 1.2, 0.0], [1.2, 3.0, 0.5], [0.0, 0.5, 3.0]])
    kernel = gaussian_kernel(SUPPORT, covariance)
    observed, truth = photon_counts(scene, kernel, peak=300, rng=rng)
    settings = Settings(kernel_prior=Gaussian(), kernel_size=SUPPORT)
    return Sample(observed, truth, kernel, "ZYX", VOXEL_UM, settings)


def views(stack: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maximum projections along z (xy) and along y (xz)."""
    return stack.max(0), stack.max(1)


def draw(path: Path, columns: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """One column a volume with its PSF below: xy, xz, and the PSF's xz section."""
    aspect = VOXEL_UM[0] / VOXEL_UM[1]
    heights = [SHAPE[1], SHAPE[0] * aspect, 45]
    figure, axes = plt.subplots(
        3, len(columns), figsize=(3.1 * len(columns), 7.3), height_ratios=heights, layout="constrained"
    )
    for column, (title, (stack, kernel)) in zip(axes.T, columns.items(), strict=True):
        top = np.quantile(stack, 0.9995)
        for axis, view, ratio in zip(column, views(stack), (1, aspect), strict=False):
            axis.imshow(view, cmap="gray", vmin=0, vmax=top, aspect=ratio)
        column[0].set_title(title)
        if kernel.size:
            column[2].imshow(kernel[:, kernel.shape[1] // 2], cmap="magma", aspect=aspect)
        else:
            column[2].text(0.5, 0.5, "PSF, x-z:", ha="center", va="center", fontsize=12)
            column[2].set_frame_on(False)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    for axis, name in zip(axes[:, 0], ("x-y, maximum along z", "x-z, maximum along y"), strict=False):
        axis.set_ylabel(name)
    figure.savefig(path, dpi=110)


def main(path: Path) -> None:
    """Restore the volume blind, print what came out, draw it."""
    sample = volume()
    result = deconvolve(
        sample.observed,
        sample.settings,
        voxel_size_um=sample.voxel_size_um,
        truth=sample.truth,
        true_psf=sample.kernel,
    )
    before = score(sample.observed, sample.truth)
    after = result.report["metrics"]
    print(f"PSNR {before['psnr']:.2f} -> {after['psnr']:.2f} dB, SSIM {before['ssim']:.3f} -> {after['ssim']:.3f}")
    print(f"KE {after['ke']:.4f}, KE/|k| {after['ke_rel']:.3f}, MNC {after['mnc']:.4f}, {result.report['seconds']} s")
    nothing = np.zeros((0, 0, 0))
    draw(
        path,
        {
            "observed": (sample.observed, nothing),
            "restored, PSF estimated": (result.image, result.kernel),
            "truth": (sample.truth, sample.kernel),
        },
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "docs" / "images" / "volume.png")
