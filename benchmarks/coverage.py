"""How often the posterior sampler's intervals hold the truth: exact priors, then the learned one.

    python benchmarks/coverage.py [--samples 24] [--levels 16]

Gaussian fields with their own spectrum as the prior, where all is exact but the steps; then scenes that the network was
not trained on, under the diffusion prior. The kernel is known. Of n draws and the truth each has the same chance of
every rank, if the sampler is right: what is printed is the share of pixels whose truth lies between the ranks that
enclose 90 % (and 50 %), corrected for the finite number of draws.
"""

import argparse

import numpy as np
import torch
from numpy.typing import NDArray
from scenes import SCENES
from torch import Tensor

from napari_blind_deconv.forward import DataTerm, Frame
from napari_blind_deconv.image_priors import Diffusion, GaussianField
from napari_blind_deconv.networks import noise_levels
from napari_blind_deconv.restoration.annealing import annealed
from napari_blind_deconv.synthesis import blurred, gaussian_kernel

Float = NDArray[np.float32]

SIDE, SUPPORT, WIDTH = 128, 11, 1.4
FIELD = GaussianField()


def field(seed: int) -> Float:
    """A draw from the field itself."""
    n = SIDE + SUPPORT - 1
    return FIELD.sample((n, n), (1.0, 1.0), torch.Generator().manual_seed(seed)).numpy().astype(np.float32)


def covered(draws: Tensor, truth: Tensor, share: float) -> float:
    """Share of pixels whose truth lies within the central interval, over what finitely many draws let expect."""
    count = len(draws)
    rank = (draws < truth).sum(0)
    low, high = (1 - share) / 2 * (count + 1), (1 + share) / 2 * (count + 1) - 1
    nominal = sum(low <= r <= high for r in range(count + 1)) / (count + 1)
    return float(((rank >= low) & (rank <= high)).float().mean()) / nominal * share


def measured(scene: Float, denoise, sigma: float, count: int, levels: int, seed: int) -> list[float]:
    """Coverage at 90 % and at 50 %, root mean square error and mean uncertainty."""
    kernel = gaussian_kernel((SUPPORT, SUPPORT), WIDTH**2 * np.eye(2))
    seen, truth = blurred(scene, kernel)
    noise = np.random.default_rng(seed).normal(0, sigma, seen.shape)
    observed = torch.from_numpy((seen + noise).astype(np.float32))[None]
    frame = Frame.around(seen.shape, kernel.shape)
    start = frame.extend(observed)
    *_, draws = annealed(
        DataTerm.of(observed, torch.from_numpy(kernel), sigma),
        denoise,
        start.expand(count, *start.shape),
        noise_levels(0.5, 0.5 * sigma, levels),
        (1.0, 1.0),
        torch.Generator().manual_seed(seed),
    )
    images, target = frame.crop(draws)[:, 0], torch.from_numpy(truth)
    error = float((images.mean(0) - target).square().mean().sqrt())
    return [*[covered(images, target, share) for share in (0.9, 0.5)], error, float(images.std(0).mean())]


def main() -> None:
    """Print one row a scene and noise level, and the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=24)
    parser.add_argument("--levels", type=int, default=16)
    arguments = parser.parse_args()
    pictures = {
        name: SCENES[name](SIDE + SUPPORT - 1) for name in ("camera", "cat", "coins", "cells", "fibres", "beads")
    }
    kinds = {
        "gaussian field": (FIELD, {f"draw {seed}": field(seed) for seed in range(4)}),
        "diffusion": (Diffusion(), pictures),
    }
    for kind, (prior, scenes) in kinds.items():
        for sigma in (0.01, 0.05):
            rows = []
            for seed, (name, scene) in enumerate(scenes.items()):
                found = measured(scene, prior.denoiser((1.0, 1.0)), sigma, arguments.samples, arguments.levels, seed)
                rows.append(found)
                print(
                    f"{kind}, noise {sigma:g}, {name:8}: 90 %: {found[0]:.1%}  50 %: {found[1]:.1%}  "
                    f"error {found[2]:.4f}  uncertainty {found[3]:.4f}",
                    flush=True,
                )
            mean = np.mean(rows, axis=0)
            print(f"{kind}, noise {sigma:g}, mean: 90 % intervals hold {mean[0]:.1%}, 50 % intervals {mean[1]:.1%}")


if __name__ == "__main__":
    main()
