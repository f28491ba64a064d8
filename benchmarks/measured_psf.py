"""PSFs measured from synthetic beads against the truth: prints a table and writes docs/images/measured_psf.png.

    python benchmarks/measured_psf.py [OUT.png]

Two microscopes (a confocal one, and a wide-field one with some spherical aberration), three light levels, without and
with a bad bead. KE / ‖k‖ is that to the truth on the measured support. The wide-field PSF peaks between two planes, so
its shape is judged by the figure after the best shift between pixels.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from napari_blind_deconv.beads import measure_psf
from napari_blind_deconv.cli.psf_figure import draw
from napari_blind_deconv.metrics import compare_psfs, psf_profiles
from napari_blind_deconv.optics import Optics, Sampling, psf

VOXEL_UM = (0.25, 0.1, 0.1)
STACK, SUPPORT, COUNT = (60, 256, 256), (29, 47, 47), 14
BACKGROUND = 10.0  # photons
MICROSCOPES = {
    "confocal": Optics(
        modality="confocal",
        na=torch.tensor(1.2, dtype=torch.float64),
        emission_um=torch.tensor(0.52, dtype=torch.float64),
        excitation_um=torch.tensor(0.488, dtype=torch.float64),
        immersion_index=torch.tensor(1.33, dtype=torch.float64),
    ),
    "wide-field": Optics(
        na=torch.tensor(1.2, dtype=torch.float64),
        emission_um=torch.tensor(0.52, dtype=torch.float64),
        immersion_index=torch.tensor(1.515, dtype=torch.float64),
        sample_index=torch.tensor(1.45, dtype=torch.float64),
        depth_um=torch.tensor(4.0, dtype=torch.float64),
    ),
}


def moved(kernel: np.ndarray, step: np.ndarray) -> np.ndarray:
    """A kernel at unit peak, moved by a fraction of a voxel."""
    padded = np.pad(kernel / kernel.max(), 2)
    return np.fft.ifftn(ndimage.fourier_shift(np.fft.fftn(padded), step)).real


def bead_stack(kernel: np.ndarray, peak: float, bad: str, rng: np.random.Generator) -> np.ndarray:
    """Photon counts of beads at random places, the first of which may be bad."""
    rim = np.array(kernel.shape) // 2 + 2
    canvas = np.zeros([n + 2 * r for n, r in zip(STACK, rim, strict=True)])
    low, high = np.array([22.0, 0, 0]), np.array([37.0, *STACK[1:]])

    def put(place: np.ndarray, light: float) -> None:
        whole = np.floor(place).astype(int)
        spot = light * peak * moved(kernel, place - whole)
        canvas[tuple(slice(int(w), int(w) + n) for w, n in zip(whole, spot.shape, strict=True))] += spot

    for index in range(COUNT):
        place, light = rng.uniform(low, high - 1), rng.uniform(0.7, 1.3)
        if index == 0 and bad:
            place = np.array([30.0, 128, 128]) + rng.uniform(0, 1, 3)
        put(place, light * (8 if index == 0 and bad == "saturated" else 1))
        if index == 0 and bad == "doublet":
            put(place + np.array([0, 2.0, 3.0]), light)
    inner = canvas[tuple(slice(int(r), int(r) + n) for r, n in zip(rim, STACK, strict=True))]
    counts = rng.poisson(np.maximum(inner, 0) + BACKGROUND).astype(np.float32)
    return np.minimum(counts, 2 * peak) if bad == "saturated" else counts


def cropped(kernel: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The middle of a kernel, as much of it as there is."""
    return kernel[tuple(slice(max(0, (n - m) // 2), (n + m) // 2) for n, m in zip(kernel.shape, shape, strict=True))]


def main(path: Path) -> None:
    """Measure, print, draw."""
    shown = []
    heads = (
        "microscope",
        "photons at the peak",
        "bad bead",
        "used / found",
        "KE / ‖k‖",
        "sub-pixel",
        "MNC",
        "FWHM (µm)",
    )
    print(f"| {' | '.join(heads)} |")
    print("|---|---|---|---|---|---|---|---|")
    for name, optics in MICROSCOPES.items():
        reach = {"wavelength_um": 0.488, "index": float(optics.immersion_index), "depth_um": float(optics.depth_um)}
        truth = psf(optics, Sampling.of(SUPPORT, VOXEL_UM, na=float(optics.na), **reach)).numpy()
        shown.append((f"{name}, truth", psf_profiles(truth, VOXEL_UM)))
        for peak in (20, 100, 1000):
            for bad in ("", "doublet", "saturated"):
                stack = bead_stack(truth, peak, bad, np.random.default_rng(peak))
                measured = measure_psf(stack, voxel_size_um=VOXEL_UM)
                report = measured.to_dict()
                row = compare_psfs([cropped(truth, measured.kernel.shape), measured.kernel]).rows[1]
                widths = ", ".join(f"{w:.3f}" for w in report["psf"]["fwhm"])
                beads = f"{report['used']} / {report['found']}"
                error = f"{row.ke_rel:.3f} | {row.ke_rel_subpixel:.3f} | {row.mnc:.4f}"
                print(f"| {name} | {peak} | {bad or 'none'} | {beads} | {error} | {widths} |")
                if bad == "doublet" and peak == 100:
                    shown.append((f"{name}, measured", psf_profiles(measured.kernel, VOXEL_UM)))
        widths = ", ".join(f"{w:.3f}" for w in compare_psfs([truth], None, [VOXEL_UM]).rows[0].figures.fwhm)
        print(f"| {name} | truth | | | | | | {widths} |")
    draw(path, shown)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "docs/images/measured_psf.png")
