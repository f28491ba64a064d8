"""How often intervals hold the truth, of kernels' figures and of restored images: writes docs/images/coverage.png.

    python benchmarks/coverage_figure.py out [OUT.png]

The folder holds what `error_bars.py FAMILY fields --csv out/fields_FAMILY.csv` (and `scenes`) and
`calibration.py run out/tested --images …` wrote.
"""

import csv
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from calibration import APART, kept
from scipy import stats

from napari_blind_deconv.restoration.calibrated import between

mpl.use("Agg")
import matplotlib.pyplot as plt

FAMILIES = ("gaussian", "defocus", "airy", "microscope")
LEVELS = np.linspace(0.02, 0.98, 49)


def distances(path: Path) -> np.ndarray:
    """How many error bars the figures of a file's draws lie off."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return np.array([abs(float(v)) for row in rows for name, v in row.items() if name.endswith("_away") and v])


def curve(axis: plt.Axes, away: np.ndarray, label: str, style: str) -> None:
    """Share of figures within the interval of every level."""
    inside = [np.mean(away < stats.norm.ppf((1 + level) / 2)) for level in LEVELS]
    axis.plot(LEVELS, inside, style, label=label)


def main(folder: Path, path: Path) -> None:
    """Draw both."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
    for axis, scenes, title in (
        (axes[0], "fields", "figures of PSFs, fields of the model"),
        (axes[1], "scenes", "figures of PSFs, other scenes"),
    ):
        axis.plot([0, 1], [0, 1], color="0.7", lw=1)
        for family in FAMILIES:
            source = folder / f"{scenes}_{family}.csv"
            if source.exists():
                curve(axis, distances(source), family, "-")
        axis.set(title=title, xlabel="what the interval says", ylabel="what it holds", xlim=(0, 1), ylim=(0, 1))
        axis.legend(frameon=False)
    runs = [r for r in kept(folder / "tested") if r.name not in APART]
    before = np.array([r.within(1.0) for r in runs])
    after = np.array([r.within(between(r.sigma, r.width)) for r in runs])
    order = np.argsort(before)
    place = np.arange(len(order))
    axes[2].axhline(0.9, color="0.7", lw=1)
    axes[2].plot(place, before[order], "o", mfc="none", ms=4, label=f"as drawn, mean {before.mean():.0%}")
    axes[2].plot(place, after[order], "o", ms=4, label=f"calibrated, mean {after.mean():.0%}")
    axes[2].set(
        title="images, blind, learned prior",
        xlabel="image, by what it held before",
        ylabel="pixels within the 90 % interval",
        ylim=(0, 1),
    )
    axes[2].legend(frameon=False, loc="lower right")
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "docs/images/coverage.png"))
