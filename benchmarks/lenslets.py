"""Lenslets: how well sums of 3, 10 and 30 sharp spots are found, and their number, from one image at 1 % noise.

    python benchmarks/lenslets.py [--draws 8] [--first 0] [--spots 3 10]

Scenes are the package's own and those that scikit-image ships (camera, astronaut, coins), 256 x 256; supports are a few
pixels larger than the spots need. MNC and KE are against the true kernel after the best whole-pixel shift.
"""

import argparse
import time

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage import data, transform

from napari_blind_deconv import Settings, deconvolve, synthesis
from napari_blind_deconv.kernel_priors import Lenslets
from napari_blind_deconv.kernel_priors.spots import spots
from napari_blind_deconv.metrics import score_kernel

Float = NDArray[np.float32]

SIZE, SUPPORT, NOISE = 256, 41, 0.01
LEAST_DISTANCE, WIDTH, SPREAD = 1.5, 0.5, 0.5


def leaves(size: int, rng: np.random.Generator) -> Float:
    """Opaque disks of all sizes, one on top of another (dead leaves): edges, and a natural spectrum."""
    scene = np.zeros((size, size))
    rows, columns = np.indices(scene.shape)
    for radius in sorted(rng.uniform(1 / 60**2, 1 / 3**2, 2500) ** -0.5, reverse=True):
        y, x = rng.uniform(-20, size + 20, 2)
        scene[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = rng.uniform()
    return ndimage.gaussian_filter(scene, 0.5)


def scenes(size: int, seed: int) -> list[tuple[str, Float]]:
    """Scenes of unit range by name, larger than the frame by the kernel."""
    rng = np.random.default_rng(seed)
    photographs = {"camera": data.camera()[:400, 40:440], "coins": data.coins()[:300, :300]}
    photographs["astronaut"] = data.astronaut().mean(-1)[:400, 50:450]
    out = {k: transform.resize(v.astype(float), (size, size), anti_aliasing=True) for k, v in photographs.items()}
    out |= {"cells": synthesis.cells((size, size), rng), "leaves": leaves(size, rng)}
    return [(k, ((v - v.min()) / np.ptp(v)).astype(np.float32)) for k, v in out.items()]


def drawn(count: int, rng: np.random.Generator) -> tuple[Float, int]:
    """A kernel of spots at uniform places in a random square, and a support a few pixels larger than that."""
    extent = int(rng.choice([19, 23, 27, 31]))
    places: list[NDArray[np.float64]] = []
    while len(places) < count:
        place = rng.uniform(1 - extent / 2, extent / 2 - 1, 2)
        if all(np.hypot(*(place - other)) > LEAST_DISTANCE for other in places):
            places.append(place)
    intensities = np.exp(SPREAD * rng.normal(size=count))
    centre = np.average(places, axis=0, weights=intensities)
    kernel = spots(torch.tensor(np.array(places) - centre), torch.tensor(intensities), (SUPPORT, SUPPORT), WIDTH)
    return kernel.numpy().astype(np.float32), min(extent + int(rng.choice([4, 8, 10])), SUPPORT)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=8, help="kernels per number of spots")
    parser.add_argument("--first", type=int, default=0, help="number of the first draw")
    parser.add_argument("--spots", type=int, nargs="+", default=[3, 10, 30], help="numbers of spots")
    parser.add_argument("--given", action="store_true", help="tell the prior the number of spots")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("spots  scene      support  found    MNC     KE   seconds")
    for count in arguments.spots:
        scores = []
        for draw in range(arguments.first, arguments.first + arguments.draws):
            rng = np.random.default_rng(1000 * count + draw)
            kernel, support = drawn(count, rng)
            name, scene = (s := scenes(SIZE + SUPPORT - 1, draw))[draw % len(s)]
            observed, _ = synthesis.blurred(scene, kernel)
            observed = (observed + rng.normal(0, NOISE, observed.shape)).astype(np.float32)
            prior = Lenslets(count=count if arguments.given else None)
            begun = time.perf_counter()
            result = deconvolve(observed, Settings(kernel_prior=prior, kernel_size=(support + 1 - support % 2,)))
            found = result.report["kernel"]["parameters"]["count"]["value"]
            score = score_kernel(result.kernel, kernel)
            scores.append((score["mnc"], score["ke"], abs(found - count) <= 0.2 * count))
            seconds = time.perf_counter() - begun
            line = f"{count:5d}  {name:9s} {support:8d} {found:6.0f} {score['mnc']:6.3f} {score['ke']:6.3f}"
            print(f"{line} {seconds:9.1f}", flush=True)
        mnc, ke, right = np.array(scores, float).T
        summary = f"{count:5d}  mean MNC {mnc.mean():.3f}, worst {mnc.min():.3f}; mean KE {ke.mean():.3f}"
        print(f"{summary}; number within 20 %: {right.sum():.0f} of {len(right)}", flush=True)


if __name__ == "__main__":
    main()
