"""The picture of `benchmarks.movies`, and its means as a table.

python -m benchmarks.movies_figure FOLDER PICTURE [PANEL ...]

Panels are those of the tables that are there, or those that are named: frames, joint, noise, lenslets, entropy, priors.
"""

import csv
import sys
from collections.abc import Callable, Sequence
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


def draw(folder: Path, picture: Path, named: Sequence[str] = ()) -> None:
    """Panels of the parts that are there, or of some of them."""
    panels = {
        "frames": _frames,
        "noise": _noise,
        "lenslets": _lenslets,
        "entropy": _entropy,
        "priors": _priors,
        "joint": _joint,
    }
    tables = {panel: "lenslets" if panel == "entropy" else panel for panel in named or panels}
    there = {panel: rows for panel, part in tables.items() if (rows := rows_of(folder / f"{part}.csv"))}
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
        places, mean, error = curve(some, "value", "ke_rel_up_to_turn")
        label = f"{frames} frame{'s' if frames > 1 else ''}"
        axis.errorbar(places, mean, error, color=colour, marker="o", ms=4, lw=1.2, label=label)
    axis.axhline(1, color="#a0aec0", lw=1, ls=":")
    axis.set(
        xscale="log", xlabel="lenslets", ylabel="KE / ‖k‖, up to a turn", title="kernels of lenslets", ylim=(0, None)
    )
    axis.set_xticks(sorted({r["value"] for r in rows}), [f"{v:g}" for v in sorted({r["value"] for r in rows})])
    axis.minorticks_off()
    axis.legend(frameon=False, fontsize=8)


def _entropy(axis: Any, rows: list[Row]) -> None:
    for frames, colour in ((1, "#a0aec0"), (4, "#2b6cb0")):
        some = [r for r in rows if r["frames"] == frames]
        gain = [r["psnr"] - r["psnr_observed"] for r in some]
        label = f"{frames} frame{'s' if frames > 1 else ''}"
        axis.scatter([r["entropy"] for r in some], gain, s=12, color=colour, label=label)
    axis.axhline(0, color="#a0aec0", lw=1, ls=":")
    axis.set(xlabel="entropy of the kernel, nats", ylabel="PSNR gained, dB", title="what the restored frames gain")
    axis.legend(frameon=False, fontsize=8)


def _priors(axis: Any, rows: list[Row]) -> None:
    names = list(dict.fromkeys(r["prior"] for r in rows))
    rng = np.random.default_rng(0)
    for place, name in enumerate(names):
        gain = np.array([r["psnr"] - r["psnr_observed"] for r in rows if r["prior"] == name])
        axis.scatter(place + rng.uniform(-0.12, 0.12, len(gain)), gain, s=12, color="#a0aec0")
        axis.errorbar(place, gain.mean(), gain.std(ddof=1) / np.sqrt(len(gain)), color="#2b6cb0", marker="o", ms=5)
    axis.set_xticks(range(len(names)), [name.replace(" ", "\n") for name in names])
    axis.set(ylabel="PSNR gained, dB", title="four frames, blind, by the image prior")


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
    draw(folder, Path(sys.argv[2]), sys.argv[3:])
    for part in ("frames", "noise"):
        for row in ratios(rows_of(folder / f"{part}.csv")):
            sys.stdout.write(
                f"{part:7} {row['family']:9} {row['spectrum']:6} {row['frames']:3d} frames, noise {row['noise']:<5g} "
                f"KE {row['ke']:.5f}, {row['ratio']:.2f} of the bound ({row['draws']} draws)\n"
            )


if __name__ == "__main__":
    main()
