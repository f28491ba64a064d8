"""How wide the sampler's intervals must be: blind runs of known truth, and the table that ships, made of them.

    python benchmarks/calibration.py run out/calibration [--runs 160] [--processes 1]
    python benchmarks/calibration.py run out/tested --images FOLDER [FOLDER ...] [--runs 48]
    python benchmarks/calibration.py table out/calibration
    python benchmarks/calibration.py measure out/tested
    python benchmarks/calibration.py left-out out/calibration

Every run draws a scene, a family of kernels, its size, a noise level and whether the noise is that of light, restores
the scene with `restorer=posterior-sampling` and `image_prior=diffusion`, once blind and once with the true PSF, and
keeps truth, mean and spread in a file of the folder; a run that has its file is not repeated. Scenes for the table:
pictures in scikit-image that the network was not trained on, the held-out rows of those that it was, and our own
synthesis. Images of folders are for measuring only. `left-out` measures the runs of the table itself, each under the
factor that the others give: those of all other runs, and those of all other scenes; with and without the doubt of the
blur's width, and with other normalisations.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage import color, data, io, transform
from skimage.util import img_as_float

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.image_priors import Diffusion
from napari_blind_deconv.kernel_priors import Defocus, Gaussian, Known, Motion
from napari_blind_deconv.restoration import PosteriorSampling
from napari_blind_deconv.restoration.calibrated import Calibration, between, calibration, width_of
from napari_blind_deconv.synthesis import beads, blurred, cells, fibres, photon_counts

Float = NDArray[np.float32]

SIDE = 96
RAW = {"calibrated": False}
NINETY = 1.645
# Share of an image outside of its intervals at worst: what was seen once (decision 43).
MOST_MISSED = 0.7
INNER = (slice(2, -2), slice(2, -2))
# Nodes of the table, and how far in the logarithms of noise and width a run speaks for.
SIGMA_NODES, WIDTH_NODES = (0.011, 0.03, 0.08), (0.6, 1.2, 2.4, 3.5)
NEAR = 0.6, 0.5
# What the table covers, and the part of it that is measured.
SIGMAS, WIDTHS = (0.003, 0.1), (0.6, 3.5)
MEASURED = (0.005, 0.05), (0.7, 2.5)
FAMILIES = {"gaussian": Gaussian(), "defocus": Defocus(), "motion": Motion()}
# Pictures that the network never saw, and how much they are shrunk at least.
PICTURES = {
    "camera": (data.camera, 1.3),
    "cat": (data.cat, 1.0),
    "grass": (data.grass, 1.0),
    "coins": (data.coins, 1.0),
    "immunohistochemistry": (data.immunohistochemistry, 1.5),
    "motorcycle": (lambda: data.stereo_motorcycle()[0], 1.5),
    "moon": (data.moon, 1.5),
    "page": (data.page, 1.0),
    "clock": (data.clock, 1.0),
    "microaneurysms": (data.microaneurysms, 1.0),
}
SYNTHETIC = {
    "cells": cells,
    "fibres": lambda shape, rng: 0.02 + fibres(shape, rng, count=30, width=0.7),
    "beads": lambda shape, rng: 0.02 + beads(shape, rng, count=150),
}
OWN = ("astronaut", "coffee", "rocket", "gravel", "brick")
# What the table is made of: photographs and micrographs. The first runs show others as well: textures that fill the
# frame, print, and our own synthesis, of which the network knows less than it thinks.
APART = {"grass", "page", "gravel", "brick", *SYNTHETIC}
USED = [name for name in [*PICTURES, *OWN] if name not in APART]
FIRST = 60


def grey(image: NDArray[np.generic]) -> Float:
    """One channel in 0 … 1."""
    values = img_as_float(image)
    return (color.rgb2gray(values[..., :3]) if values.ndim == 3 else values).astype(np.float32)


def crop(image: Float, side: int, rng: np.random.Generator, shrunk: float = 1.0) -> Float:
    """A square of an image at a random place and scale, its range 0 … 1."""
    most = max(min(image.shape) / side, 1.0)
    factor = 1 / min(max(shrunk, 1.0) * rng.uniform(1.0, 1.6), most)
    small = transform.rescale(image, max(factor, side / min(image.shape)), anti_aliasing=factor < 1)
    top, left = (int(rng.integers(0, n - side + 1)) for n in small.shape)
    return small[top : top + side, left : left + side]


def scene(index: int, side: int, rng: np.random.Generator, images: list[Path]) -> tuple[str, Float]:
    """A scene by the number of its run, so that every source has as many."""
    if images:
        path = images[index % len(images)]
        return "/".join(path.parts[-2:]), in_range(crop(grey(io.imread(path)), side, rng))
    sources = [*PICTURES, *SYNTHETIC, *OWN] if index < FIRST else USED
    name = sources[index % len(sources)]
    if name in SYNTHETIC:
        return name, in_range(SYNTHETIC[name]((side, side), rng))
    if name in PICTURES:
        load, shrunk = PICTURES[name]
        return name, in_range(crop(grey(load()), side, rng, shrunk))
    # The last quarter of the rows was held out of the training.
    image = grey(getattr(data, name)())
    return name, in_range(crop(image[-max(len(image) // 4, side) :], side, rng))


def in_range(values: Float) -> Float:
    """Stretched to 0.04 … 1, where a flat crop keeps its contrast."""
    low, high = float(values.min()), float(values.max())
    return (0.04 + 0.96 * (values - low) / max(high - low, 0.1)).astype(np.float32)


def kernel(family: str, width: float, shape: tuple[int, int], rng: np.random.Generator) -> Float:
    """A draw of a family whose root mean variance is about ``width`` pixels."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    if family == "gaussian":
        prior = Gaussian(sigma_px=width, sigma_spread=0.01, anisotropy=0.2)
    elif family == "defocus":
        prior = Defocus(radius_px=2 * width, radius_spread=0.01)
    else:
        prior = Motion()
    return prior.sample(shape, generator).numpy().astype(np.float32)


def run(index: int, folder: Path, images: list[Path]) -> None:
    """One run, kept in a file."""
    path = folder / f"{index:04d}.npz"
    if path.exists():
        return
    torch.set_num_threads(1)
    rng = np.random.default_rng([20 if images else 10, index])
    limits = MEASURED if images else (SIGMAS, WIDTHS)
    sigma, width = (float(np.exp(rng.uniform(*np.log(pair)))) for pair in limits)
    family = list(FAMILIES)[index % 3] if index % 2 else "gaussian"
    size = {"gaussian": 6 * width, "defocus": 4 * width + 2, "motion": 4.5 * width}[family] + 2
    shape = (2 * int(size / 2) + 1,) * 2
    name, sharp = scene(index // 2 if images else index, SIDE + shape[0] - 1, rng, images)
    truth_psf = kernel(family, width, shape, rng)
    counted = rng.random() < 1 / 3
    if counted:
        observed, truth = photon_counts(sharp, truth_psf, 0.5 / sigma**2, rng)
    else:
        observed, truth = blurred(sharp, truth_psf)
        observed = (observed + rng.normal(0, sigma, observed.shape)).astype(np.float32)
    blind = Settings(
        kernel_prior=FAMILIES[family], kernel_size=shape, image_prior=Diffusion(), restorer=PosteriorSampling(**RAW)
    )
    known = replace(blind, kernel_prior=Known(), kernel_size=None)
    arrays = {"truth": truth, "observed": observed, "true_psf": truth_psf}
    ways = {"blind": (blind, None), "known": (known, truth_psf)} if index % 4 == 0 else {"blind": (blind, None)}
    for way, (settings, psf) in ways.items():
        result = deconvolve(observed, settings, axes="YX", psf=psf)
        arrays |= {f"{way}_image": result.image, f"{way}_spread": result.maps["uncertainty"]}
        arrays |= {f"{way}_psf": result.kernel, f"{way}_noise": result.report["noise_sigma"]}
        arrays |= {f"{way}_misfit": result.report["misfit_sigma"]}
    np.savez_compressed(path, **arrays, sigma=sigma, width=width, family=family, name=name, counted=counted)
    print(f"{index:4d} {name:24} {family:8} noise {sigma:.4f} width {width:.2f} {shown(arrays)}", flush=True)


def shown(kept: dict[str, NDArray[np.generic]]) -> str:
    """The coverage of the spread as it is."""
    inside = {
        way: np.mean(np.abs(kept[f"{way}_image"] - kept["truth"]) < 1.645 * kept[f"{way}_spread"])
        for way in ("blind", "known")
        if f"{way}_image" in kept
    }
    return "within 90 %: " + ", ".join(f"{way} {share:.0%}" for way, share in inside.items())


@dataclass(frozen=True)
class Kept:
    """What a run tells: its scene, its noise (model error included) and its blur, and |x - x̂| / u, sorted.

    ``spread`` is the mean of u over the range.
    """

    index: int
    name: str
    family: str
    sigma: float
    width: float
    ratios: NDArray[np.float32]
    spread: float

    def within(self, factor: float) -> float:
        """Share of the pixels whose truth lies within the 90 % interval of a widened spread."""
        return float(np.searchsorted(self.ratios, NINETY * factor)) / len(self.ratios)


def kept(folder: Path, way: str = "blind", blur_error: float | None = None) -> list[Kept]:
    """The runs of a folder, u as of equation (2) of `restoration.calibrated`."""
    found = []
    for path in sorted(folder.glob("*.npz")):
        one = np.load(path)
        if f"{way}_image" not in one:
            continue
        low, high = np.quantile(one["observed"], (0.001, 0.999))
        scale = (high - low) / 0.96
        psf = torch.from_numpy(one[f"{way}_psf"])
        error = calibration(Diffusion(), 0.03, psf, 16).blur_error if blur_error is None else blur_error
        image, spread = (torch.from_numpy(one[f"{way}_{name}"]) for name in ("image", "spread"))
        # A canvas is wider than the frame: at the border of a frame alone, neighbours are wrong.
        widened = Calibration(1.0, "", error).spread(spread, image, psf)[INNER].clamp(min=1e-12).numpy()
        ratios = np.abs(one[f"{way}_image"] - one["truth"])[INNER] / widened
        found.append(
            Kept(
                int(path.stem),
                str(one["name"]),
                str(one["family"]),
                float(one[f"{way}_misfit"]) / scale,
                width_of(psf),
                np.sort(ratios.ravel()),
                float(widened.mean()) / scale,
            )
        )
    return found


def factor(runs: list[Kept], sigma: float, width: float) -> float:
    """Equation (1) of `restoration.calibrated`, the mean over ever so many other images held, not over these."""
    away = [np.log(r.sigma / sigma) / NEAR[0] for r in runs], [np.log(r.width / width) / NEAR[1] for r in runs]
    shares = np.exp(-0.5 * np.square(away).sum(0))
    wanted, low, high = 0.9 + (MOST_MISSED - 0.1) / len(runs), 0.05, 20.0
    for _ in range(50):
        middle = (low * high) ** 0.5
        reached = float(np.average([r.within(middle) for r in runs], weights=shares))
        low, high = (middle, high) if reached < wanted else (low, middle)
    return high


def table(runs: list[Kept]) -> None:
    """Print the factors at the nodes, as `restoration.calibrated` has them."""
    print(f"_RUNS = {len(runs)}")
    print(f"_SIGMAS = {SIGMA_NODES}\n_WIDTHS = {WIDTH_NODES}")
    print("_FACTORS = (")
    for sigma in SIGMA_NODES:
        print(f"    ({', '.join(f'{factor(runs, sigma, width):.2f}' for width in WIDTH_NODES)}),")
    print(")")


def measure(runs: list[Kept], title: str) -> None:
    """Print what the intervals hold, as drawn and by the table that ships."""
    for name, of in (("factor 1", lambda r: 1.0), ("calibrated", lambda r: between(r.sigma, r.width))):
        inside = np.array([r.within(of(r)) for r in runs])
        width = np.mean([2 * NINETY * of(r) * r.spread for r in runs])
        print(
            f"{title:28} {name:10} {len(runs):3d} images: within 90 %: {inside.mean():.1%}, tenth percentile "
            f"{np.percentile(inside, 10):.1%}, least {inside.min():.1%}, mean width {width:.3f} of the range"
        )


def left_out(folder: Path) -> None:
    """Print what intervals of the table's own runs hold, each under the factor that others give."""
    for error in (0.0, 0.1, 0.2, 0.3):
        runs = [r for r in kept(folder, blur_error=error) if r.name not in APART]
        for words, same in (("runs", lambda a, b: a is b), ("scenes", lambda a, b: a.name == b.name)):
            factors = [factor([o for o in runs if not same(o, r)], r.sigma, r.width) for r in runs]
            inside = np.array([r.within(f) for r, f in zip(runs, factors, strict=True)])
            width = np.mean([2 * NINETY * f * r.spread for r, f in zip(runs, factors, strict=True)])
            print(
                f"blur error {error:.1f}, other {words:7} {len(runs):3d} images: within 90 %: {inside.mean():.1%}, "
                f"tenth percentile {np.percentile(inside, 10):.1%}, least {inside.min():.1%}, mean width {width:.3f}"
            )


def report(folder: Path) -> None:
    """Measure a folder's runs, all and by groups."""
    runs = kept(folder)
    used = [r for r in runs if r.name not in APART]
    measure(used, "photographs and micrographs")
    for family in FAMILIES:
        measure([r for r in used if r.family == family], f"  {family}")
    for low, high in ((0.0, 0.02), (0.02, 0.2)):
        some = [r for r in used if low <= r.sigma < high]
        measure(some, f"  noise {low:g} to {high:g}") if some else None
    for low, high in ((0.0, 1.3), (1.3, 9.0)):
        some = [r for r in used if low <= r.width < high]
        measure(some, f"  blur {low:g} to {high:g} px") if some else None
    if len(used) < len(runs):
        measure([r for r in runs if r.name in APART], "textures, print, synthesis")
    known = [r for r in kept(folder, "known") if r.name not in APART]
    measure(known, "PSF known")


def main() -> None:
    """Run, or make the table, or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "table", "measure", "left-out"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=160)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--images", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    images = sorted(p for d in options.images for p in ([d] if d.is_file() else d.glob("*.png")))
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.what == "run":
        work = partial(run, folder=options.folder, images=images)
        if options.processes == 1:
            for index in range(options.runs):
                work(index)
            return
        with ProcessPoolExecutor(options.processes) as pool:
            list(pool.map(work, range(options.runs)))
    elif options.what == "table":
        table([r for r in kept(options.folder) if r.name not in APART])
    elif options.what == "left-out":
        left_out(options.folder)
    else:
        report(options.folder)


if __name__ == "__main__":
    main()
