"""Are the microscope's error bars honest? Forty drawn cases; how often the truth lies within two of them.

    python benchmarks/microscope_error_bars.py [--cases 40] [--seed 0] [--json FILE]

NA, depth and aberrations (each up to 0.25 rad either way, together about the 0.45 rad that still count as diffraction
limited) are drawn and fitted back; wavelength, indices and voxels are known. Three cases in four are planes (NA and
aberrations free), the others stacks (NA, depth and aberrations free). A plane does not see the common sign of the even
aberrations, nor of the odd ones: signs are compared up to that.
"""

import argparse
import itertools
import json
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from napari_blind_deconv.evidence import Evidence
from napari_blind_deconv.forward import corner_sigma
from napari_blind_deconv.kernel_priors import Microscope
from napari_blind_deconv.optics import noll
from napari_blind_deconv.synthesis import beads, cells, fibres, photon_counts

SCENES = ("cells", "fibres", "beads", "photograph")
PLANE, STACK = ((192, 192), (25, 25), (0.08, 0.08)), ((28, 72, 72), (17, 31, 31), (0.3, 0.1, 0.1))


def scene_of(kind, shape, rng):
    """A sharp scene; beads and fibres as dense as their number of axes asks for."""
    if kind == "fibres":
        return 0.02 + fibres(shape, rng, count=20 if len(shape) == 2 else 30, width=0.7)
    if kind == "beads":
        return 0.02 + beads(shape, rng, count=150, width=0.7)
    if kind == "photograph" and len(shape) == 2:
        from skimage import data, transform

        image = [data.camera, data.brick, data.grass, data.coins][rng.integers(4)]() / 255.0
        image = transform.resize(image, (512, 512 * image.shape[1] // image.shape[0]), anti_aliasing=True)
        top, left = (rng.integers(0, n - m + 1) for n, m in zip(image.shape, shape, strict=True))
        return image[top : top + shape[0], left : left + shape[1]].astype(np.float32)
    return cells(shape, rng)


def drawn(rng):
    """One case: the microscope as known, the values to be found, and the observation."""
    frame, support, voxels = STACK if rng.random() < 0.25 else PLANE
    stack = len(frame) == 3
    index = 1.515 if stack else float(rng.choice([1.0, 1.515]))
    sample = 1.36 if stack else index
    known = {"emission_um": 0.52 if stack else 0.6, "immersion_index": index, "sample_index": sample}
    truth = {"na": rng.uniform(0.7, 1.25) if index > 1 else rng.uniform(0.45, 0.92)}
    if stack:
        truth["depth_um"] = rng.uniform(0.0, 12.0)
    microscope = Microscope(**known).in_voxels(voxels)
    for unknown in microscope.unknowns(len(frame)):
        if unknown.name.startswith("zernike"):
            truth[unknown.name] = rng.uniform(-0.25, 0.25)
    exact = microscope.sampling(support)
    kernel = (
        microscope.kernel({k: torch.tensor(v) for k, v in truth.items()}, exact, support).numpy().astype(np.float32)
    )
    kind = str(rng.choice(SCENES))
    scene = scene_of(kind, tuple(n + k - 1 for n, k in zip(frame, support, strict=True)), rng)
    photons = float(10 ** rng.uniform(2, 3.5))
    observed, _ = photon_counts(scene, kernel, photons, rng)
    return kind, microscope, truth, observed, photons


def fitted(microscope, observed, support):
    values = torch.from_numpy(observed / np.quantile(observed, 0.999))[None].float()
    voxels = microscope.voxel_size_um
    evidence = Evidence.of(values, corner_sigma(values), spacing=[v / min(voxels) for v in voxels])
    for fit in microscope.fit(evidence, support):
        last = fit
    return last


def away(parameters, truth, stack):
    """Distances in error bars, by name, under the signs that a plane cannot tell."""
    best = None
    for even, odd in [(1, 1)] if stack else itertools.product((1, -1), repeat=2):
        distances = {}
        for name, found in parameters.items():
            j = int(name.split("_")[1]) if name.startswith("zernike") else None
            sign = 1 if j is None else (even if noll(j)[0] % 2 == 0 else odd)
            distances[name] = (found.value - sign * truth[name]) / found.error
        total = sum(d**2 for d in distances.values())
        if best is None or total < best[0]:
            best = total, distances
    return best[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    within, rows = defaultdict(list), []
    for case in range(options.cases):
        kind, microscope, truth, observed, photons = drawn(np.random.default_rng([options.seed, case]))
        started = time.perf_counter()
        stack = observed.ndim == 3
        parameters = fitted(microscope, observed, (STACK if stack else PLANE)[1]).parameters
        distances = away(parameters, truth, stack)
        groups = defaultdict(list)
        for name, distance in distances.items():
            groups["aberrations" if name.startswith("zernike") else name].append(abs(distance) <= 2)
        for name, inside in groups.items():
            within[name].extend(inside)
        within["every number of a case"].append(all(abs(d) <= 2 for d in distances.values()))
        figures = {n: [round(truth[n], 3), round(p.value, 3), round(p.error, 3)] for n, p in parameters.items()}
        rows.append({"kind": kind, "axes": observed.ndim, "photons": round(photons), "figures": figures})
        seconds = time.perf_counter() - started
        shown = "  ".join(f"{n} {t} {v}±{e}" for n, (t, v, e) in figures.items() if not n.startswith("zernike"))
        inside = sum(groups["aberrations"])
        worst = max(distances, key=lambda n: abs(distances[n]))
        print(
            f"{case:3d} {kind:10s} {observed.ndim}-D {photons:6.0f} photons {seconds:5.1f} s  {shown}  aberrations "
            f"{inside} of {len(groups['aberrations'])}  worst {worst} {distances[worst]:+.1f}",
            flush=True,
        )
    for name, inside in within.items():
        print(f"{name:32s} within two error bars: {sum(inside):3d} of {len(inside):3d} ({np.mean(inside):.0%})")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
