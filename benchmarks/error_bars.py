"""How often the truth lies within the error bars of fitted PSFs, and how near to the bound the PSFs come.

    python benchmarks/error_bars.py gaussian fields [--draws 200] [--processes 1] [--csv FILE]

With a file, every draw is kept as it comes, and a run that was stopped goes on after the last of them.

Families: gaussian, defocus, airy, microscope, motion (the length of its path) and lenslets (width and contrast of two
to six spots, whose number is known). Scenes: `fields`, draws of the model that the fit believes in (a stationary
Gaussian field of a steepness, bends and a grain drawn from their priors, in white noise); `power-laws`, the same
without bends and grain (`image_priors.GaussianField`); `scenes`, cells, filaments, beads and photographs with photon
noise, which no Gaussian field is. Figures are drawn from the prior of the family, or from its bulk where a support
would not hold them. Printed: the share of figures within 1.645 error bars (90 %) and within one, the median error
bar, and the KE beside its bound (`evidence.fisher`), level and steepness of the spectrum not known; there is none for
paths and spots, which no field tells from their turn.
"""

import argparse
import csv
import math
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from microscope_error_bars import PLANE, SCENES, away, scene_of
from numpy.typing import NDArray

from napari_blind_deconv.evidence import Evidence, NaturalSpectrum
from napari_blind_deconv.evidence.directions import grains_of
from napari_blind_deconv.evidence.fisher import bound
from napari_blind_deconv.forward import corner_sigma
from napari_blind_deconv.fourier import frequencies, irfftn, multiplicity, rfftn
from napari_blind_deconv.kernel_priors import Airy, Defocus, Gaussian, Lenslets, Microscope, Motion
from napari_blind_deconv.kernel_priors.airy import airy
from napari_blind_deconv.kernel_priors.defocus import disk
from napari_blind_deconv.kernel_priors.gaussian import gaussian
from napari_blind_deconv.kernel_priors.spots import spots
from napari_blind_deconv.metrics import kernel_error
from napari_blind_deconv.synthesis import blurred, photon_counts

Float = NDArray[np.float32]
Spectrum = Callable[[torch.Tensor], torch.Tensor]

SIDE, SUPPORT = 96, 25
# Softness of a sharp image that is sampled at its own resolution, in pixels: that of the evidence's model.
SAMPLING, CONTRAST = 0.7, 0.25
SIGMAS, PHOTONS = (0.003, 0.03), (100.0, 3000.0)
NINETY = 1.645


@dataclass(frozen=True)
class Drawn:
    """A PSF with its figures, and how it is fitted and described near its truth."""

    prior: Gaussian | Defocus | Airy | Microscope | Motion | Lenslets
    truth: dict[str, float]
    kernel: torch.Tensor
    theta: torch.Tensor | None = None
    kernel_of: object = None


def drawn_gaussian(rng: np.random.Generator) -> Drawn:
    """Both deviations from 0.4 to 4 px."""
    shape = (SUPPORT, SUPPORT)
    while True:
        sizes = 1.5 * np.exp(0.7 * rng.normal() + 0.3 * rng.normal(size=2))
        if sizes.min() > 0.4 and sizes.max() < 4:
            break
    sizes, angle = np.sort(sizes)[::-1], rng.uniform(0, math.pi)
    theta = torch.tensor([*np.log(sizes), 0.0], dtype=torch.float64)

    def kernel_of(theta: torch.Tensor) -> torch.Tensor:
        a = theta[2] + angle
        turn = torch.stack([torch.stack([a.cos(), -a.sin()]), torch.stack([a.sin(), a.cos()])])
        return gaussian(turn @ torch.diag((2 * theta[:2]).exp()) @ turn.T, shape)

    truth = {"sigma_1_px": float(sizes[0]), "sigma_2_px": float(sizes[1])}
    return Drawn(Gaussian(), truth, kernel_of(theta), theta, kernel_of)


def drawn_radius(prior: Defocus | Airy, rng: np.random.Generator) -> Drawn:
    """A radius up to 11 px."""
    shape, render = (SUPPORT, SUPPORT), disk if isinstance(prior, Defocus) else airy
    while True:
        radius = prior.radius_px * math.exp(prior.radius_spread * rng.normal())
        if 0.6 < radius < 11:
            break
    theta = torch.tensor([math.log(radius)], dtype=torch.float64)

    def kernel_of(theta: torch.Tensor) -> torch.Tensor:
        return render(theta[0].exp(), shape)

    return Drawn(prior, {"radius_px": radius}, kernel_of(theta), theta, kernel_of)


def drawn_microscope(rng: np.random.Generator) -> Drawn:
    """Aperture and aberrations of a plane; wavelength, index and pixel known."""
    _, support, voxels = PLANE
    index = float(rng.choice([1.0, 1.515]))
    fixed = {"emission_um": 0.6, "immersion_index": index, "sample_index": index}
    prior = Microscope(**fixed).in_voxels(voxels)
    truth = {"na": rng.uniform(0.7, 1.25) if index > 1 else rng.uniform(0.45, 0.92)}
    unknowns = prior.unknowns(2)
    for unknown in unknowns:
        if unknown.name.startswith("zernike"):
            truth[unknown.name] = unknown.spread * rng.normal()
    exact = prior.sampling(support)
    theta = torch.tensor([truth[u.name] / u.scale for u in unknowns], dtype=torch.float64)

    def kernel_of(theta: torch.Tensor) -> torch.Tensor:
        values = {u.name: t * u.scale for u, t in zip(unknowns, theta, strict=True)}
        return prior.kernel(values, exact, support).double()

    return Drawn(prior, truth, kernel_of(theta), theta, kernel_of)


def drawn_motion(rng: np.random.Generator) -> Drawn:
    """A path of its prior."""
    prior, generator = Motion(), torch.Generator().manual_seed(int(rng.integers(2**31)))
    shape, state = (SUPPORT, SUPPORT), generator.get_state()
    path = prior.path(shape, generator)
    return Drawn(
        prior, {"length_px": float(path.diff(dim=0).norm(dim=1).sum())}, prior.sample(shape, generator.set_state(state))
    )


def drawn_lenslets(rng: np.random.Generator) -> Drawn:
    """Two to six spots, as the prior has them."""
    prior = Lenslets(count=int(rng.integers(2, 7)))
    levels = prior.intensity_spread * torch.from_numpy(rng.normal(size=prior.count)).float()
    width = prior.width_px * math.exp(prior.width_spread * rng.normal())
    places = torch.from_numpy(rng.uniform(-1, 1, (prior.count, 2))).float() * (SUPPORT / 2 - 2 * width)
    truth = {"width_px": width, "intensity_spread": float(levels.std(correction=0))}
    return Drawn(prior, truth, spots(places, levels.exp(), (SUPPORT, SUPPORT), width))


DRAWN = {
    "gaussian": drawn_gaussian,
    "defocus": partial(drawn_radius, Defocus()),
    "airy": partial(drawn_radius, Airy()),
    "microscope": drawn_microscope,
    "motion": drawn_motion,
    "lenslets": drawn_lenslets,
}


def soft(shape: tuple[int, ...]) -> torch.Tensor:
    """Transfer function of the sampling."""
    like = torch.zeros((), dtype=torch.float64)
    return torch.exp(-2 * (math.pi * SAMPLING) ** 2 * sum(f**2 for f in frequencies(shape, (1.0, 1.0), like)))


def spectrum_of(canvas: tuple[int, int], side: int, rng: np.random.Generator, *, bent: bool) -> Spectrum:
    """S on the half canvas as a function of level and steepness, per pixel; drawn from its prior.

    Steepness, bends and grain as `NaturalSpectrum` believes in them; without ``bent``, a power law of some steepness.
    """
    like = torch.zeros(side, side, dtype=torch.float64)
    evidence = Evidence.of(like + torch.eye(side), 1.0, spacing=(1.0, 1.0))
    natural = NaturalSpectrum.of(evidence)
    shape = [torch.from_numpy(rng.normal(size=n)) for n in (natural.basis.shape[1], 3)]
    steepness = float(np.clip(rng.normal(3, 1), 1.5, 4.5))
    waves = [f.flatten() for f in frequencies(canvas, (1.0, 1.0), like)]
    grain = torch.tensordot(shape[1], grains_of(waves), 1) if bent else torch.zeros(())
    counts = multiplicity(canvas, like)

    def spectrum(eta: torch.Tensor) -> torch.Tensor:
        line = torch.stack([eta[0], eta[1] + steepness])
        nodes = natural.at_nodes(shape[0] * bent, line)
        power = evidence.spectrum_at(nodes, waves) * grain.exp() * soft(canvas) ** 2
        # Waves that no frame holds are left out: they are the mean.
        power[0, 0] = 0.0
        return power

    unit = CONTRAST**2 * counts.sum() / (spectrum(torch.zeros(2, dtype=torch.float64)) * counts).sum()
    return lambda eta: unit * spectrum(eta)


def of_fields(case: Drawn, rng: np.random.Generator, side: int, *, bent: bool = True) -> tuple[Float, float, float]:
    """A draw of the model, its noise, and the bound on KE."""
    kernel = case.kernel.float().numpy()
    canvas = tuple(side + n - 1 for n in kernel.shape)
    zero, seed = torch.zeros(2, dtype=torch.float64), int(rng.integers(2**31))
    power = spectrum_of(canvas, side, np.random.default_rng(seed), bent=bent)(zero)
    white = torch.from_numpy(rng.normal(size=canvas))
    scene = irfftn(rfftn(white, 2) * power.sqrt(), canvas).float().numpy()
    sigma = float(np.exp(rng.uniform(*np.log(SIGMAS))))
    seen, _ = blurred(scene, kernel)
    observed = (seen + rng.normal(0, sigma, seen.shape)).astype(np.float32)
    if case.theta is None:
        return observed, sigma, math.nan
    of_frame = spectrum_of((side, side), side, np.random.default_rng(seed), bent=bent)
    best = bound(case.kernel_of, case.theta, of_frame, zero, sigma**2, (side, side))
    return observed, sigma, best.kernel_error


def of_scenes(case: Drawn, rng: np.random.Generator, side: int) -> tuple[Float, float, float]:
    """A scene that is no Gaussian field, in counts of light, the noise read from it; no bound is known."""
    kernel = case.kernel.float().numpy()
    scene = scene_of(str(rng.choice(SCENES)), tuple(side + n - 1 for n in kernel.shape), rng)
    observed, _ = photon_counts(scene, kernel, float(np.exp(rng.uniform(*np.log(PHOTONS)))), rng)
    observed = observed / np.quantile(observed, 0.999)
    return observed, corner_sigma(torch.from_numpy(observed)[None]), math.nan


def row(index: int, family: str, scenes: str, seed: int) -> dict[str, object]:
    """One draw, fitted."""
    torch.set_num_threads(1)
    rng = np.random.default_rng([seed, index, len(family)])
    case = DRAWN[family](rng)
    side = PLANE[0][0] if family == "microscope" else SIDE
    ways = {"fields": of_fields, "power-laws": partial(of_fields, bent=False), "scenes": of_scenes}
    observed, sigma, best = ways[scenes](case, rng, side)
    started = time.perf_counter()
    *_, fit = case.prior.fit(
        Evidence.of(torch.from_numpy(observed)[None], sigma, spacing=(1.0, 1.0)), tuple(case.kernel.shape)
    )
    seconds = time.perf_counter() - started
    found = fit.parameters
    if family == "microscope":
        distances = away(found, case.truth, stack=False)
    else:
        distances = {n: (found[n].value - t) / found[n].error for n, t in case.truth.items()}
    ke = kernel_error(fit.kernel.numpy(), case.kernel.numpy())
    out: dict[str, object] = {"index": index, "family": family, "scenes": scenes, "sigma": sigma, "seconds": seconds}
    out |= {"ke": ke, "bound": best, "norm": float(case.kernel.norm())}
    for name, truth in case.truth.items():
        out |= {name: truth, f"{name}_found": found[name].value, f"{name}_error": found[name].error}
        out |= {f"{name}_away": distances[name]}
    return out


def summary(rows: list[dict[str, object]]) -> str:
    """Coverage, bars and the bound."""
    groups: dict[str, list[tuple[float, float]]] = {}
    for one in rows:
        for name in [n.removesuffix("_away") for n in one if n.endswith("_away")]:
            group = "aberrations" if name.startswith("zernike") else name
            groups.setdefault(group, []).append((abs(one[f"{name}_away"]), one[f"{name}_error"] / abs(one[name])))
    lines = []
    for name, pairs in groups.items():
        away_, relative = np.array(pairs).T
        lines.append(
            f"{name:12} within 90 %: {np.mean(away_ < NINETY):.1%}  within one bar: {np.mean(away_ < 1):.1%}  "
            f"median bar {np.median(relative):.1%}  worst {away_.max():.1f} bars"
        )
    ke, least = (np.array([one[name] for one in rows], dtype=float) for name in ("ke", "bound"))
    norm = np.array([one["norm"] for one in rows], dtype=float)
    lines.append(f"KE relative to the norm: median {np.median(ke / norm):.3f}")
    if np.isfinite(least).all():
        lines.append(
            f"its bound: median {np.median(least / norm):.3f}; KE over bound: median {np.median(ke / least):.2f}"
        )
    return "\n".join(lines)


def already(path: Path, draws: int) -> list[dict[str, object]]:
    """The draws of a run that was stopped; its names and scenes stay words."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        found = [{name: _read(value) for name, value in one.items()} for one in csv.DictReader(file)]
    return [one for one in found if one["index"] < draws]


def _read(value: str) -> object:
    try:
        return int(value) if value.isdecimal() else float(value)
    except ValueError:
        return value


def kept(rows: list[dict[str, object]], path: Path) -> None:
    """Write all draws so far."""
    new = path.with_name(path.name + ".new")
    with new.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, sorted({name for one in rows for name in one}))
        writer.writeheader()
        writer.writerows(rows)
    new.replace(path)


def main() -> None:
    """Print the coverage of one family on one kind of scene."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=list(DRAWN))
    parser.add_argument("scenes", choices=["fields", "power-laws", "scenes"])
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    work = partial(row, family=options.family, scenes=options.scenes, seed=options.seed)
    rows = already(options.csv, options.draws) if options.csv else []
    left = [index for index in range(options.draws) if index not in {one["index"] for one in rows}]
    with ProcessPoolExecutor(options.processes) as pool:
        for one in map(work, left) if options.processes == 1 else pool.map(work, left):
            rows.append(one)
            if options.csv:
                kept(rows, options.csv)
    print(f"{options.family}, {options.scenes}, {options.draws} draws")
    print(summary(rows))


if __name__ == "__main__":
    main()
