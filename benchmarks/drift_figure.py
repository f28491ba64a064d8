"""The picture of a movie that drifts out of focus: restored with one PSF, and with one that may change with time.

    python -m benchmarks.drift_figure PICTURE [MOVIE]

Without MOVIE, a file with a time axis, cells that move slowly are blurred by widths that grow from 1 to 2.4 pixels.
About two minutes on one core.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

mpl.use("Agg")
import matplotlib.pyplot as plt

from napari_blind_deconv import Settings, deconvolve, io
from napari_blind_deconv.kernel_priors import Gaussian
from napari_blind_deconv.synthesis import cells

Float = NDArray[np.float32]
FRAMES, SIDE, NOISE, GROUP = 24, 128, 0.01, 4
WIDTHS = np.linspace(1.0, 2.4, FRAMES)


def drifting(widths: NDArray[np.floating]) -> tuple[Float, Float]:
    """A scene that moves slowly, and what is seen of it."""
    rng = np.random.default_rng(4)
    scene = cells((SIDE + 2 * FRAMES, SIDE + 2 * FRAMES), rng)
    frames = np.stack(
        [ndimage.shift(scene, (0.7 * t, 0.4 * t), order=1)[FRAMES:-FRAMES, FRAMES:-FRAMES] for t in range(len(widths))]
    )
    seen = np.stack([ndimage.gaussian_filter(f, w) for f, w in zip(frames, widths, strict=True)])
    return (seen + NOISE * rng.standard_normal(seen.shape)).astype(np.float32), frames.astype(np.float32)


def widths_of(report: dict[str, object]) -> list[float]:
    """The fitted width of every PSF."""
    found = report["kernel"]
    several = found if isinstance(found, list) else [found]
    return [kernel["parameters"]["sigma_1_px"]["value"] for kernel in several]


def main(picture: Path, movie: Path | None) -> None:
    """Run twice, draw, and say what was found."""
    truth: Float | None = None
    if movie is None:
        observed, truth = drifting(WIDTHS)
    else:
        observed = io.read(movie).data.astype(np.float32)
        observed = observed.reshape(-1, *observed.shape[-2:])
    common = {"kernel_prior": Gaussian(), "kernel_size": (15, 15)}
    one = deconvolve(observed, Settings(**common), axes="TYX", maps=False)
    several = deconvolve(observed, Settings(**common, psf_drift=GROUP), axes="TYX", maps=False)
    sys.stdout.write(f"{several.report['drift']['reason']}\n")
    figure, axes = plt.subplots(2, 5, figsize=(13, 5.2), layout="constrained", width_ratios=(1, 1, 1, 1, 1.3))
    for row, frame in zip(axes, (1, len(observed) - 2), strict=True):
        shown = {"observed": observed, "one PSF": one.image, "changing PSF": several.image}
        shown |= {} if truth is None else {"truth": truth}
        low, high = np.percentile(several.image[frame], (0.5, 99.7))
        for axis, (name, images) in zip(row, shown.items(), strict=False):
            axis.imshow(images[frame], cmap="gray", vmin=low, vmax=high)
            axis.set_title(f"{name}, frame {frame + 1}", fontsize=9)
        for axis in row[:4]:
            axis.axis("off")
    _curves(axes[0, 4], widths_of(one.report), widths_of(several.report), len(observed), truth is not None)
    if truth is None:
        axes[1, 4].axis("off")
    else:
        _errors(axes[1, 4], observed, one.image, several.image, truth)
    figure.savefig(picture, dpi=100)


def _curves(axis: plt.Axes, one: list[float], several: list[float], frames: int, known: bool) -> None:
    axis.axhline(one[0], color="#a0aec0", label="one PSF")
    middles = (np.arange(len(several)) + 0.5) * frames / len(several) + 0.5
    axis.plot(middles, several, color="#2b6cb0", marker="o", ms=4, label="changing PSF")
    if known:
        axis.plot(np.arange(1, frames + 1), WIDTHS, color="black", ls=":", label="truth")
    axis.set(xlabel="frame", ylabel="σ of the PSF (px)", ylim=(0, None))
    axis.legend(frameon=False, fontsize=8)


def _errors(axis: plt.Axes, observed: Float, one: Float, several: Float, truth: Float) -> None:
    frames = np.arange(1, len(observed) + 1)
    for images, colour, label in (
        (observed, "#cbd5e0", "observed"),
        (one, "#718096", "one PSF"),
        (several, "#2b6cb0", "changing PSF"),
    ):
        errors = np.square(images - truth).mean((1, 2))
        axis.plot(frames, 10 * np.log10(np.ptp(truth) ** 2 / errors), color=colour, label=label)
    axis.set(xlabel="frame", ylabel="PSNR (dB)")
    axis.legend(frameon=False, fontsize=8)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
