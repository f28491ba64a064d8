"""What plans predict of memory and time, and what they take: one process for every plan, measured by the system.

`python benchmarks/plans.py` prints the table of decision 29; `--only NAME` one line of it. Where predictions are off,
the constants in `pipeline/costs.py` are to be changed: the last columns give what a sample of the canvas took.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

KERNEL = {2: (15, 15), 3: (11, 13, 13)}
# Name: shape, limit in bytes a pixel beyond what a process holds at first (None: none), settings.
PLANS = {
    "image": ((1024, 1024), None, {}),
    "image, even noise": ((1536, 1024), None, {"likelihood": "even-noise"}),
    "image, richardson-lucy": ((1536, 1536), None, {"restorer": "richardson-lucy", "image_prior": "none"}),
    "image, blocks": ((2048, 2048), 60, {}),
    "frames, blocks": ((12, 512, 512), 70, {"planes": True}),
    "volume": ((40, 192, 192), None, {}),
    "volume, even noise": ((48, 256, 256), None, {"likelihood": "even-noise"}),
    "volume, photon-map": ((40, 192, 192), None, {"restorer": "photon-map"}),
    "volume, blocks": ((64, 256, 256), 120, {"likelihood": "even-noise"}),
    "volume, total-variation, blocks": ((64, 256, 256), 100, {"image_prior": "total-variation"}),
    "volume, gaussian": ((40, 192, 192), None, {"kernel_prior": "gaussian"}),
    "image, uniform": ((768, 768), None, {"kernel_prior": "uniform"}),
}


def image_of(shape):
    """Fibres and beads that were blurred, in counts of light."""
    from napari_blind_deconv.synthesis import beads, cells, gaussian_kernel, photon_counts

    rng = np.random.default_rng(0)
    planes = len(shape) == 3 and shape[0] < 20
    space = shape[1:] if planes else shape
    support = KERNEL[len(space)]
    kernel = gaussian_kernel(support, np.diag([3.0, 2.0, 2.0][-len(space) :]))
    tile = tuple(min(n, 64 if len(space) == 3 else 512) for n in space)
    grown = tuple(n + k - 1 for n, k in zip(tile, support, strict=True))
    scene = cells(grown, rng) if len(space) == 2 else 0.02 + beads(grown, rng, count=60, width=2.0)
    one, _ = photon_counts(scene, kernel, 300, rng)
    repeated = np.tile(one, [-(-n // t) for n, t in zip(space, tile, strict=True)])
    whole = rng.poisson(np.maximum(repeated[tuple(slice(0, n) for n in space)], 0)).astype(np.float32)
    return np.stack([np.roll(whole, 7 * i, 0) for i in range(shape[0])]) if planes else whole, kernel


def settings_of(chosen):
    from napari_blind_deconv.settings import FAMILIES, Settings, default_of, settings_from_dict, settings_to_dict

    base = {"kernel_prior": "known", "likelihood": "camera"} | chosen
    values = settings_to_dict(Settings())
    for name, value in base.items():
        values[name] = default_of(name, value) if name in FAMILIES else value
    if base["likelihood"] == "camera":
        values["likelihood"]["gain"] = 2.0
    return replace(settings_from_dict(values), device="cpu")


def measured(folder: Path, name: str) -> dict:
    """One plan, in this process."""
    import torch

    from napari_blind_deconv import deconvolve
    from napari_blind_deconv.machine import resident_bytes
    from napari_blind_deconv.report import peak_memory_mb

    torch.set_num_threads(1)
    _, bytes_a_pixel, chosen = PLANS[name]
    image, kernel = np.load(folder / "image.npy"), np.load(folder / "kernel.npy")
    settings = settings_of(chosen)
    before = resident_bytes()
    limit = None if bytes_a_pixel is None else (before + 1.5e8 + bytes_a_pixel * image.size) / 1e9
    psf = kernel if settings.kernel_prior.kind == "known" else None
    if psf is None:
        settings = replace(settings, kernel_size=kernel.shape)
    started = time.process_time()
    report = deconvolve(image, settings, psf=psf, max_memory_gb=limit, maps=False).report
    seconds = time.process_time() - started
    peak = 1e6 * peak_memory_mb() * 1.048576
    return report["plan"] | {"seconds": seconds, "peak": peak, "before": before, "limit": limit, "pixels": image.size}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(PLANS))
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        print(json.dumps(measured(arguments.here, arguments.only)))
        return
    print("| plan | pixels | words | GB predicted | measured | limit | s predicted | one core | bytes a pixel |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in [arguments.only] if arguments.only else PLANS:
        with tempfile.TemporaryDirectory() as folder:
            image, kernel = image_of(PLANS[name][0])
            np.save(Path(folder) / "image.npy", image)
            np.save(Path(folder) / "kernel.npy", kernel)
            command = [sys.executable, __file__, "--here", folder, "--only", name]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            print(f"| {name} | {done.stderr.strip().splitlines()[-1]} |")
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        limit = "" if found["limit"] is None else f"{found['limit']:.2f}"
        size = " x ".join(map(str, PLANS[name][0]))
        each = (found["peak"] - found["before"]) / found["pixels"]
        print(
            f"| {name} | {size} | {found['words']} | {found['predicted_gb']:.2f} | {found['peak'] / 1e9:.2f} | {limit} "
            f"| {found['predicted_seconds']:.3g} | {found['seconds']:.3g} | {each:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
