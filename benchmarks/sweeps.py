"""What a strong image prior does to kernel and image, and what helps: writes docs/images/sweeps.png and sweeps.csv.

    python benchmarks/sweeps.py [FOLDER]

Twelve sharp scenes that no network of the package has seen, six blurred by drawn Gaussians and six by drawn motions,
are estimated by estimator `joint` over strengths of the diffusion prior and weights of the kernel prior. The Gaussians'
prior is the one that they are drawn from, the motions' is the network that has seen kernels of all kinds. Solver
`two-phase`, with the default prior of the family, is the line to compare with. The table goes to stdout as Markdown.
"""

import csv
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scenes import SCENES, picture
from skimage import data

mpl.use("Agg")
import matplotlib.pyplot as plt

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.estimation import Joint
from napari_blind_deconv.experiments import disk
from napari_blind_deconv.image_priors import Diffusion
from napari_blind_deconv.kernel_priors import Gaussian, KernelPrior, Learned, Motion
from napari_blind_deconv.metrics import kernel_error
from napari_blind_deconv.synthesis import blurred

Float = NDArray[np.float32]
STRENGTHS = (0.0, 0.25, 0.4, 0.5, 0.65, 0.8, 1.0)
WEIGHTS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
SIDE, SUPPORT, NOISE = 128, 17, 0.01
_STEPS = 8  # of the restoration: half as many as usual, to be quick
IMAGES = {
    "camera": SCENES["camera"],
    "coins": SCENES["coins"],
    "cat": SCENES["cat"],
    "grass": picture(data.grass),
    "text": picture(data.text),
    "immunohistochemistry": SCENES["immunohistochemistry"],
    "horse": picture(data.horse),
    "disk": lambda side: np.ascontiguousarray(disk()[70 : 70 + side, 70 : 70 + side]),
    "cells": SCENES["cells"],
    "more cells": SCENES["more cells"],
    "fibres": SCENES["fibres"],
    "beads": SCENES["beads"],
}
"""Blurred in turn by a Gaussian and by a motion."""


@dataclass(frozen=True)
class Family:
    """Where kernels are drawn from, the prior of the joint estimate, and that of the two phases."""

    drawn: KernelPrior
    joint: KernelPrior
    two_phase: KernelPrior


_SPOT = Gaussian(sigma_px=2.0, sigma_spread=0.2, anisotropy=0.2)
FAMILIES: Mapping[str, Family] = {
    "gaussian kernels": Family(_SPOT, joint=_SPOT, two_phase=Gaussian()),
    "motion kernels": Family(Motion(), joint=Learned(), two_phase=Motion()),
}


class Figures(NamedTuple):
    """KE relative to that of a delta, PSNR in dB, and SSIM."""

    ke: float
    psnr: float
    ssim: float


LABELS = Figures("KE / KE of a delta", "PSNR (dB)", "SSIM")  # type: ignore[arg-type]


@dataclass(frozen=True)
class Case:
    """An observation with its truth."""

    observed: Float
    truth: Float
    kernel: Float

    @classmethod
    def of(cls, name: str, family: Family, seed: int) -> "Case":
        """A scene under a kernel of the family, with noise."""
        kernel = family.drawn.sample((SUPPORT, SUPPORT), torch.Generator().manual_seed(seed)).numpy()
        seen, truth = blurred(IMAGES[name](SIDE + SUPPORT - 1), kernel.astype(np.float32))
        noise = np.random.default_rng(seed).normal(0, NOISE, seen.shape)
        return cls((seen + noise).astype(np.float32), truth, kernel.astype(np.float32))

    def figures(self, settings: Settings) -> Figures:
        """What a run with these settings reaches."""
        found = deconvolve(self.observed, settings, truth=self.truth, true_psf=self.kernel).report["metrics"]
        return Figures(found["ke"] / kernel_error([[1.0]], self.kernel), found["psnr"], found["ssim"])


def measured(family: Family, cases: Sequence[Case]) -> dict[tuple[str, float], NDArray[np.float64]]:
    """(sweep, value) → figures, ``(cases, 3)``; the two phases are the sweep "two-phase"."""
    common = Settings(kernel_size=(SUPPORT + 4,), image_prior=Diffusion(), iterations=_STEPS)
    joint = replace(common, estimator=Joint(), kernel_prior=family.joint)
    runs = {("two-phase", 0.0): replace(common, kernel_prior=family.two_phase)}
    runs |= {("strength", s): replace(joint, image_prior=Diffusion(strength=s)) for s in STRENGTHS}
    runs |= {("weight", w): replace(joint, kernel_weight=w) for w in WEIGHTS if w != 1}
    found = {}
    for key, settings in runs.items():
        found[key] = np.array([case.figures(settings) for case in cases])
        print(key, found[key].mean(0).round(3), file=sys.stderr, flush=True)
    return found | {("weight", 1.0): found["strength", 0.5]}


def summary(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard error of each figure."""
    return values.mean(0), values.std(0, ddof=1) / np.sqrt(len(values))


def draw(path: Path, results: Mapping[str, dict[tuple[str, float], NDArray[np.float64]]]) -> None:
    """One row a figure, one column a sweep, one curve a family, dashed the two phases."""
    figure, axes = plt.subplots(3, 2, figsize=(8.4, 8.4), layout="constrained", sharex="col", sharey="row")
    for column, (sweep, values, label) in enumerate(
        [
            ("strength", STRENGTHS, "strength of the diffusion prior (kernel weight 1)"),
            ("weight", WEIGHTS, "weight of the kernel prior (strength 0.5)"),
        ]
    ):
        for row, title in enumerate(LABELS):
            axis: Axes = axes[row, column]
            for index, (name, found) in enumerate(results.items()):
                means, errors = zip(*(summary(found[sweep, v]) for v in values), strict=True)
                mean, error = ([figures[row] for figures in f] for f in (means, errors))
                axis.errorbar(values, mean, error, color=f"C{index}", marker="o", markersize=4, capsize=2, label=name)
                reference = found["two-phase", 0.0].mean(0)[row]
                axis.axhline(reference, color=f"C{index}", linestyle="--", linewidth=1, label=f"{name}, two-phase")
            if row == 0:
                axis.axhline(1.0, color="black", linestyle=":", linewidth=1, label="a delta")
            axis.set_ylabel(str(title) if column == 0 else "")
        axes[-1, column].set_xlabel(label)
    axes[0, 1].set_xscale("log")
    axes[0, 0].set_ylim(0, None)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(path, dpi=130)


def tabulate(path: Path, results: Mapping[str, dict[tuple[str, float], NDArray[np.float64]]]) -> None:
    """Write means and standard errors as CSV, and print them as Markdown."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["kernels", "sweep", "value", *(f"{f}_{s}" for f in Figures._fields for s in ("mean", "error"))]
        )
        for name, found in results.items():
            print(f"\n| {name}: sweep | value | KE / delta | PSNR | SSIM |\n|---|---|---|---|---|")
            for (sweep, value), values in sorted(found.items()):
                mean, error = summary(values)
                writer.writerow(
                    [name, sweep, value, *(f"{x:.4f}" for pair in zip(mean, error, strict=True) for x in pair)]
                )
                cells = [f"{m:.{d}f} ± {e:.{d}f}" for m, e, d in zip(mean, error, (3, 2, 3), strict=True)]
                print(f"| {sweep} | {value:g} | {' | '.join(cells)} |")


def main(folder: Path) -> None:
    results = {}
    for first, (name, family) in enumerate(FAMILIES.items()):
        images = list(IMAGES)[first :: len(FAMILIES)]
        cases = [Case.of(image, family, seed) for seed, image in enumerate(images)]
        results[name] = measured(family, cases)
    draw(folder / "sweeps.png", results)
    tabulate(folder / "sweeps.csv", results)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "docs/images")
