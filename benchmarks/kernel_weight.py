"""Weight of the kernel prior against kernel error: writes docs/images/kernel-weight.png and prints the table.

    python benchmarks/kernel_weight.py [OUT.png]

Six sharp scenes, each blurred by a kernel drawn from a prior and seen through strong noise, are estimated with that
prior (it is right), and with one that expects another kernel (it is wrong), over weights from 0.1 to 1000.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from numpy.typing import NDArray
from scenes import SCENES

mpl.use("Agg")
import matplotlib.pyplot as plt

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.kernel_priors import Gaussian, KernelPrior, Motion, Sparse
from napari_blind_deconv.metrics import kernel_error
from napari_blind_deconv.synthesis import blurred

WEIGHTS = (0.1, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0)
SIDE, SUPPORT = 160, 17
NAMES = tuple(SCENES)[::2]


@dataclass(frozen=True)
class Trial:
    """A prior that kernels are drawn from, one that expects others, and the noise they are seen through."""

    right: KernelPrior
    wrong: KernelPrior
    noise: float


TRIALS: Mapping[str, Trial] = {
    "gaussian": Trial(
        right=Gaussian(sigma_px=2.0, sigma_spread=0.1, anisotropy=0.1),
        wrong=Gaussian(sigma_px=1.2, sigma_spread=0.1, anisotropy=0.1),
        noise=0.05,
    ),
    "motion": Trial(right=Motion(turn_rad=0.15), wrong=Motion(turn_rad=2.0), noise=0.05),
    "sparse": Trial(
        right=Sparse(concentration=0.02, sparsity=0.03), wrong=Sparse(concentration=1.0, sparsity=0.0), noise=0.03
    ),
}


def observation(scene: str, trial: Trial, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A scene blurred by a kernel drawn from the right prior, with noise, and that kernel."""
    generator, rng = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    kernel = trial.right.sample((SUPPORT, SUPPORT), generator).numpy().astype(np.float32)
    seen, _ = blurred(SCENES[scene](SIDE + SUPPORT - 1), kernel)
    return (seen + rng.normal(0, trial.noise, seen.shape)).astype(np.float32), kernel


def errors(trial: Trial, prior: KernelPrior) -> NDArray[np.float64]:
    """KE, ``(weights, scenes)``."""
    found = np.empty((len(WEIGHTS), len(NAMES)))
    for column, scene in enumerate(NAMES):
        observed, kernel = observation(scene, trial, column)
        for row, weight in enumerate(WEIGHTS):
            settings = Settings(
                kernel_prior=prior,
                kernel_weight=weight,
                kernel_size=(SUPPORT + 4,),
                iterations=1,
                noise_sigma=trial.noise,
            )
            found[row, column] = kernel_error(deconvolve(observed, settings).kernel, kernel)
    return found


def main(path: Path) -> None:
    """Print one row a weight, and draw one panel a prior."""
    figure, axes = plt.subplots(1, len(TRIALS), figsize=(3.6 * len(TRIALS), 3.2), layout="constrained", sharey=False)
    for axis, (name, trial) in zip(axes, TRIALS.items(), strict=True):
        print(f"{name}: kernel error, mean ± standard error of {len(NAMES)} scenes, noise {trial.noise:.0%}")
        for label, prior in {"prior is right": trial.right, "prior is wrong": trial.wrong}.items():
            values = errors(trial, prior)
            mean, error = values.mean(1), values.std(1, ddof=1) / np.sqrt(values.shape[1])
            axis.errorbar(WEIGHTS, mean, error, marker="o", markersize=4, capsize=2, label=label)
            row = "  ".join(f"{w:g}: {m:.3f} ± {e:.3f}" for w, m, e in zip(WEIGHTS, mean, error, strict=True))
            print(f"  {label:15} {row}", flush=True)
        axis.set(xscale="log", xlabel="kernel weight", title=name, ylim=(0, None))
    axes[0].set_ylabel("kernel error (KE)")
    axes[0].legend(frameon=False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "docs/images/kernel-weight.png")
