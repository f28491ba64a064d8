"""Real micrographs: what the evidence says of plausible optics, and who predicts held-out light better.

    python benchmarks/real_images.py FILE [FILE ...] [--output docs/images/real-images.png]

Every file is split into two images of half the light (`restoration.held_out`): one is restored, the other judges, as
nobody has the truth. Ours is the kernel prior below and the default restorer; the rival is Richardson-Lucy with the
best of Gaussian PSFs, at its best of three numbers of steps. Prints a table, and draws before and after.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from numpy.typing import NDArray

from napari_blind_deconv import Settings, deconvolve, io
from napari_blind_deconv.crops import informative_window
from napari_blind_deconv.defects import find_defects
from napari_blind_deconv.forward import Blur, Frame, read_noise
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.kernel_priors import Gaussian, KernelPrior, Known, Microscope
from napari_blind_deconv.kernel_priors.gaussian import gaussian
from napari_blind_deconv.kernel_priors.judgement import Judge
from napari_blind_deconv.restoration import RichardsonLucyRestorer

Float = NDArray[np.float32]
SIDE, DEPTH = 160, 16
WIDTHS, STEPS = (0.8, 1.2, 1.6, 2.2, 3.0), (10, 30, 100)


@dataclass(frozen=True)
class Plausible:
    """What is plausible for a file: voxels, optics, and the part of it that is looked at."""

    voxel_um: tuple[float, ...] | None
    optics: KernelPrior
    channel: int | None = None


PLAUSIBLE: Mapping[str, Plausible] = {
    "dapi_001": Plausible((0.3, 0.13, 0.13), Microscope(na=1.45, emission_um=0.461, immersion_index=1.515)),
    "pollen": Plausible(None, Gaussian()),
    "stardist_img2d": Plausible(None, Gaussian()),
    "IXMtest_A02_s9": Plausible(None, Gaussian(), channel=0),
}


def part_of(path: Path) -> tuple[Float, Plausible]:
    """The busiest part of a plane, or the middle of a stack: at most 160 pixels a side and 16 planes."""
    plausible = next((k for name, k in PLAUSIBLE.items() if path.name.startswith(name)), Plausible(None, Gaussian()))
    data = np.asarray(io.read(path).data, np.float32).squeeze()
    data = data if plausible.channel is None else data[plausible.channel]
    if data.ndim == 2:
        busiest = informative_window(torch.from_numpy(data)[None], (15, 15), side=SIDE, frames=1)
        return data[busiest.box], plausible
    sizes = [DEPTH, SIDE, SIDE]
    starts = [max(0, (n - s) // 2) for n, s in zip(data.shape, sizes, strict=True)]
    return data[tuple(slice(a, a + s) for a, s in zip(starts, sizes, strict=True))], plausible


def halves(image: Float) -> tuple[Float, Float, Float]:
    """Two images of independent noise, and the variance of either."""
    clean = find_defects(image[None]).image
    noise = read_noise(torch.from_numpy(clean))
    light = torch.from_numpy(clean)
    variance = noise.variance(light)
    white = torch.randn(light.shape, generator=torch.Generator().manual_seed(0))
    if not noise.is_white:
        spectrum = torch.fft.rfftn(white, dim=tuple(range(1, light.ndim)))
        white = torch.fft.irfftn(spectrum * noise.on(light.shape[1:]).sqrt(), s=light.shape[1:])
    added = variance.sqrt() * white
    return ((light + added)[0].numpy(), (light - added)[0].numpy(), 2 * variance[0].numpy())


def missed(restored: Float, kernel: Float, judge: Float, variance: Float) -> float:
    """Mean squared miss of the held-out half in units of its variance, inside the border."""
    blur = Blur(torch.from_numpy(kernel), Frame.around(judge.shape, kernel.shape))
    seen = blur(blur.frame.extend(torch.from_numpy(restored)[None]))[0].numpy()
    inner = tuple(
        slice(min(k // 2, n // 4), n - min(k // 2, n // 4)) for k, n in zip(kernel.shape, judge.shape, strict=True)
    )
    return float(np.mean((seen - judge)[inner] ** 2 / variance[inner]))


def rival(seen: Float, judge: Float, variance: Float) -> tuple[float, float, int]:
    """(Miss, sigma in pixels, steps) of Richardson-Lucy at its best."""
    found = []
    for width in WIDTHS:
        shape = tuple(min(n - 1 + n % 2, 2 * int(3 * width) + 3) for n in seen.shape)
        kernel = gaussian(width**2 * torch.eye(seen.ndim), shape).numpy()
        for steps in STEPS:
            settings = Settings(
                kernel_prior=Known(), restorer=RichardsonLucyRestorer(), image_prior=NoPrior(), iterations=steps
            )
            image = deconvolve(seen, settings, psf=kernel).image
            found.append((missed(image, kernel, judge, variance), width, steps))
    return min(found)


def report(path: Path) -> tuple[str, Float, Float]:
    """One line of the table, and the picture before and after."""
    image, plausible = part_of(path)
    settings = Settings(kernel_prior=plausible.optics)
    whole = deconvolve(image, settings, voxel_size_um=plausible.voxel_um)
    noise = read_noise(torch.from_numpy(find_defects(image[None]).image))
    spacing = np.array(plausible.voxel_um or (1.0,) * image.ndim)
    judge_of = Judge.of(torch.from_numpy(image)[None], noise, spacing=tuple(spacing / spacing.min()))
    gain = judge_of.gain(torch.from_numpy(whole.kernel))
    seen, held, variance = halves(image)
    ours = deconvolve(seen, settings, voxel_size_um=plausible.voxel_um)
    our_miss = missed(ours.image, ours.kernel, held, variance)
    theirs, width, steps = rival(seen, held, variance)
    words = whole.report["noise"]["words"]
    line = f"| {path.stem} | {gain:+.0f} | {our_miss:.4f} | {theirs:.4f} (σ {width} px, {steps} steps) | {words} |"
    return line, image, whole.image


def shown(image: Float) -> Float:
    """The middle plane."""
    return image if image.ndim == 2 else image[len(image) // 2]


def main() -> None:
    """The table, then the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    print(
        "| image | optics over no blur, nats | ours, held-out miss | Richardson-Lucy | noise |\n|---|---|---|---|---|"
    )
    pairs = []
    for path in arguments.files:
        line, before, after = report(path)
        pairs.append((path.stem, shown(before), shown(after)))
        print(line, flush=True)
    if arguments.output:
        draw(pairs, arguments.output)


def draw(pairs: list[tuple[str, Float, Float]], output: Path) -> None:
    """Before and after, side by side, on one scale of grey."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, len(pairs), figsize=(3 * len(pairs), 6.2), squeeze=False)
    for column, (name, before, after) in enumerate(pairs):
        low, high = np.quantile(before, [0.01, 0.998])
        for row, (title, picture) in enumerate((("before", before), ("after", after))):
            axes[row, column].imshow(picture, cmap="gray", vmin=low, vmax=high * (1 + 0.3 * row))
            axes[row, column].set_title(f"{name}\n{title}" if row == 0 else title, fontsize=9)
            axes[row, column].set_axis_off()
    figure.tight_layout()
    figure.savefig(output, dpi=110)


if __name__ == "__main__":
    main()
