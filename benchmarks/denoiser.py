"""The image denoiser against scikit-image's: grey images with white noise, and fluorescence of few photons.

    python benchmarks/denoiser.py [--images FOLDER] [--network FILE.safetensors]

FOLDER holds grey PNG images to measure on (for instance the classic twelve, "Set12"). Fluorescence is synthetic, of
seeds that no training uses, 20 photons expected at the brightest pixel; all denoisers work on square roots of counts
(Anscombe 1948, doi:10.1093/biomet/35.3-4.246), and come back by the exact unbiased inverse's closed form (Makitalo &
Foi 2011, doi:10.1109/TIP.2010.2056693). Strengths of the others are the best of a scan against the truth. Wavelets need
PyWavelets, and BM3D its own package, which is free for research only: where they are not installed they are left out.
"""

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, denoise_wavelet

from napari_blind_deconv.networks import in_tiles, load, shipped

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from training.fluorescence import fluorescence

Float = NDArray[np.floating]
Denoise = Callable[[Float, float], Float]

PEAK, SCENES, SIZE = 20, 12, 192


def psnr(image: Float, truth: Float, span: float) -> float:
    return float(10 * np.log10(span**2 / np.mean((image - truth) ** 2)))


def rivals() -> dict[str, list[Denoise]]:
    """Each with the strengths that are tried; the best one for every image counts."""
    weights = (0.7, 1.0, 1.5, 2.0)
    means = [
        lambda y, s, h=h: denoise_nl_means(y, patch_size=5, patch_distance=6, h=h * s, sigma=s, fast_mode=True)
        for h in (0.4, 0.6, 0.8, 1.0)
    ]
    variation = [lambda y, s, w=w: denoise_tv_chambolle(y, weight=w * s) for w in weights]
    found = {"non-local means": means, "total variation": variation}
    if importlib.util.find_spec("pywt"):
        found["wavelets"] = [
            lambda y, s, t=t: denoise_wavelet(y, sigma=t * s, method="BayesShrink", rescale_sigma=True) for t in weights
        ]
    if importlib.util.find_spec("bm3d"):
        from bm3d import bm3d

        found["BM3D"] = [lambda y, s, t=t: bm3d(y, t * s) for t in (0.8, 1.0, 1.25)]
    return found


def inverse_anscombe(roots: Float) -> Float:
    """The closed form that approximates the exact unbiased inverse."""
    r = np.maximum(roots, 2 * np.sqrt(3 / 8))
    return r**2 / 4 + np.sqrt(1.5) / (4 * r) - 11 / (8 * r**2) + 5 * np.sqrt(1.5) / (8 * r**3) - 1 / 8


def white_noise(folder: Path, ours: Denoise) -> None:
    files = sorted(folder.glob("*.png"))
    for sigma in (15, 25, 50):
        scores, seconds = [], []
        for seed, file in enumerate(files):
            truth = np.asarray(Image.open(file).convert("L"), np.float32) / 255
            noisy = truth + sigma / 255 * np.random.default_rng(seed).normal(size=truth.shape).astype(np.float32)
            begun = time.perf_counter()
            scores.append(psnr(ours(noisy, sigma / 255), truth, 1.0))
            seconds.append((time.perf_counter() - begun) * 256**2 / truth.size)
        print(f"{folder.name}, sigma {sigma}: {np.mean(scores):.2f} dB, {np.median(seconds):.3f} s for 256 x 256")


def few_photons(ours: Denoise) -> None:
    table: dict[str, list[float]] = {}
    for seed in range(SCENES):
        scene = fluorescence(SIZE, np.random.default_rng([77, seed])).astype(float)
        truth = PEAK * scene / scene.max()
        counts = np.random.default_rng([78, seed]).poisson(truth)
        roots = 2 * np.sqrt(counts + 3 / 8)
        span = 2 * np.sqrt(PEAK)
        everyone = {"ours": [ours], **rivals()}
        for name, strengths in everyone.items():
            answers = [inverse_anscombe(f((roots / span).astype(np.float32), 1 / span) * span) for f in strengths]
            table.setdefault(name, []).append(max(psnr(a, truth, PEAK) for a in answers))
    for name, scores in table.items():
        print(f"fluorescence, {PEAK} photons at the peak, {name}: {np.mean(scores):.2f} dB")
    best = max(np.mean(s) for n, s in table.items() if n != "ours")
    print(f"ours over the best of the others: {np.mean(table['ours']) - best:+.2f} dB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, help="folder of grey PNG images")
    parser.add_argument("--network", type=Path, help="another network; default: the one that ships")
    arguments = parser.parse_args()
    network, _ = shipped("images") if arguments.network is None else load(arguments.network)

    def ours(noisy: Float, sigma: float) -> Float:
        with torch.no_grad():
            return in_tiles(network, torch.from_numpy(np.ascontiguousarray(noisy)), sigma).numpy()

    if arguments.images:
        white_noise(arguments.images, ours)
    few_photons(ours)


if __name__ == "__main__":
    main()
