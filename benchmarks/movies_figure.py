"""The picture of `benchmarks.movies`, and its means as a table.

python -m benchmarks.movies_figure FOLDER PICTURE
"""

import csv
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

Row = dict[str, Any]
COLOURS = {"gaussian": "#2b6cb0", "defocus": "#c05621", "airy": "#2f855a"}


def rows_of(path: Path) -> list[Row]:
    """A table's rows, numbers as such."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as file:
        return [{name: _number(text) for name, text in row.items()} for row in csv.DictReader(file)]


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def curve(
    rows: list[Row], along: str, of: str, *, squared: bool = False
) -> tuple[list[float], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Means over the draws at every value, root-mean-square where asked, and their standard errors by resampling."""
    places = sorted({row[along] for row in rows})
    rng = np.random.default_rng(0)
    means, errors = [], []
    for place in places:
        values = np.array([row[of] for row in rows if row[along] == place])
        several = rng.choice(values, (400, len(values)))
        mean: Callable[..., Any] = (lambda v, a: np.sqrt(np.mean(v**2, a))) if squared else np.mean
        means.append(mean(values, None))
        errors.append(np.std(mean(several, 1)))
    return places, np.array(means), np.array(errors)


def ratios(rows: list[Row]) -> list[Row]:
    """KE over the bound, root-mean-square over the draws, of every family, spectrum and number of frames."""
    found = []
    keys = sorted({(r["family"], r["spectrum"], r["frames"], r["noise"]) for r in rows})
    for family, spectrum, frames, noise in keys:
        some = [
            r
            for r in rows
            if (r["family"], r["spectrum"], r["frames"], r["noise"]) == (family, spectrum, frames, noise)
        ]
        relative = np.array([r["ke"] / (r["bound"] / np.sqrt(frames)) for r in some])
        ke = np.sqrt(np.mean([r["ke"] ** 2 for r in some]))
        entry = {"family": family, "spectrum": spectrum, "frames": int(frames), "noise": noise, "ke": ke}
        found.append(entry | {"ratio": float(np.sqrt(np.mean(relative**2))), "draws": len(some)})
    return found


def draw(folder: Path, picture: Path) -> None:
    """Panels of the parts that are there."""
    panels = {"frames": _frames, "noise": _noise, "lenslets": _lenslets, "joint": _joint}
    there = {part: rows for part in panels if (rows := rows_of(folder / f"{part}.csv"))}
    figure, axes = plt.subplots(1, len(there), figsize=(4.2 * len(there), 3.6), layout="constrained", squeeze=False)
    for axis, (part, rows) in zip(axes[0], there.items(), strict=True):
        panels[part](axis, rows)
    figure.savefig(picture, dpi=110)
    plt.close(figure)


def _frames(axis: Any, rows: list[Row]) -> None:
    for family, colour in COLOURS.items():
        some = [r for r in rows if r["family"] == family and r["spectrum"] == "true"]
        if not some:
            continue
        places, mean, error = curve(some, "frames", "ke", squared=True)
        axis.errorbar(places, mean, error, color=colour, marker="o", ms=4, lw=1.2, label=family)
        least = np.sqrt(np.mean([r["bound"] ** 2 for r in some])) / np.sqrt(places)
        axis.plot(places, least, color=colour, ls=":", lw=1.2)
    axis.set(xscale="log", yscale="log", xlabel="frames", ylabel="KE", title="KE and bound (dotted), true p(x)")
    axis.set_xticks([1, 2, 4, 8, 16, 32], ["1", "2", "4", "8", "16", "32"])
    axis.minorticks_off()
    axis.legend(frameon=False, fontsize=8)


def _noise(axis: Any, rows: list[Row]) -> None:
    for spectrum, colour in (("true", "#2b6cb0"), ("found", "#a0aec0")):
        some = [r for r in rows if r["spectrum"] == spectrum]
        if not some:
            continue
        places, mean, error = curve(some, "noise", "ke", squared=True)
        axis.errorbar(places, mean, error, color=colour, marker="o", ms=4, lw=1.2, label=f"{spectrum} spectrum")
        _, least, _ = curve(some, "noise", "bound", squared=True)
        axis.plot(places, least / 2, color=colour, ls=":", lw=1.2)
    axis.set(
        xscale="log", yscale="log", xlabel="noise σ, scene σ 0.5", ylabel="KE", title="four frames, Gaussian kernels"
    )
    axis.legend(frameon=False, fontsize=8)


def _lenslets(axis: Any, rows: list[Row]) -> None:
    for frames, colour in ((1, "#a0aec0"), (4, "#2b6cb0")):
        some = [r for r in rows if r["frames"] == frames]
        if not some:
            continue
        places, mean, error = curve(some, "value", "ke_rel")
        label = f"{frames} frame{'s' if frames > 1 else ''}"
        axis.errorbar(places, mean, error, color=colour, marker="o", ms=4, lw=1.2, label=label)
    axis.set(xlabel="lenslets", ylabel="KE / ‖k‖", title="kernels of lenslets", ylim=(0, None))
    axis.legend(frameon=False, fontsize=8)


def _joint(axis: Any, rows: list[Row]) -> None:
    marginal = [r for r in rows if r["estimator"] == "marginal"]
    joint = [r for r in rows if r["estimator"] == "joint"]
    if marginal:
        axis.scatter([r["ke"] for r in marginal], [r["ke"] for r in joint], s=14, color="#2b6cb0")
        most = max(r["ke"] for r in (*marginal, *joint)) * 1.2
        least = min(r["ke"] for r in (*marginal, *joint)) / 1.2
        axis.plot([least, most], [least, most], color="#a0aec0", lw=1)
        axis.set(xscale="log", yscale="log")
    axis.set(
        xlabel="KE of the marginal estimate", ylabel="KE of the joint maximum", title="one frame, Gaussian kernels"
    )


def main() -> None:
    """The picture, and KE over the bound."""
    folder = Path(sys.argv[1])
    draw(folder, Path(sys.argv[2]))
    for part in ("frames", "noise"):
        for row in ratios(rows_of(folder / f"{part}.csv")):
            sys.stdout.write(
                f"{part:7} {row['family']:9} {row['spectrum']:6} {row['frames']:3d} frames, noise {row['noise']:<5g} "
                f"KE {row['ke']:.5f}, {row['ratio']:.2f} of the bound ({row['draws']} draws)\n"
            )


if __name__ == "__main__":
    main()
