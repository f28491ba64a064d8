"""What plans predict of memory and time, and what they take: one process for every plan, measured by the system.

`python benchmarks/plans.py` prints the table of decision 29; `--only NAME` one line of it. Where predictions are off,
the constants in `pipeline/costs.py` are to be changed: below the table stand those that would fit these runs.
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


def posed(kernel, chosen):
    """Settings of a run with these choices, and the PSF that it is given: none where it is to be found."""
    settings = settings_of(chosen)
    if settings.kernel_prior.kind == "known":
        return settings, kernel
    return replace(settings, kernel_size=kernel.shape), None


def measured(folder: Path, name: str) -> dict:
    """One plan, in this process."""
    import torch

    from napari_blind_deconv import deconvolve_steps
    from napari_blind_deconv.machine import resident_bytes
    from napari_blind_deconv.report import peak_memory_mb

    torch.set_num_threads(1)
    _, bytes_a_pixel, chosen = PLANS[name]
    image, kernel = np.load(folder / "image.npy"), np.load(folder / "kernel.npy")
    settings, psf = posed(kernel, chosen)
    before = resident_bytes()
    limit = None if bytes_a_pixel is None else (before + 1.5e8 + bytes_a_pixel * image.size) / 1e9
    report, stages = staged(deconvolve_steps(image, settings, psf=psf, max_memory_gb=limit, maps=False))
    peak = 1e6 * peak_memory_mb() * 1.048576
    found = {"seconds": sum(s for s, _ in stages.values()), "peak": peak, "before": before, "limit": limit}
    found |= {"pixels": image.size, "fits": fitting(report, settings, image.shape, kernel.shape, stages, before)}
    return report["plan"] | found


# What a step counts as; all others are checking.
PARTS = {"preparing": "looking", "estimating the kernel": "estimating", "restoring": "restoring"}


def staged(steps) -> tuple[dict, dict]:
    """The report, and for every part of a run its time of one core, and the most that the process held."""
    import threading

    from napari_blind_deconv.machine import resident_bytes

    stages, sample, going = {}, [0.0], threading.Event()

    def watch():
        while not going.wait(0.01):
            sample[0] = max(sample[0], resident_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        while True:
            started, sample[0] = time.thread_time(), 0.0
            try:
                part, end = PARTS.get(next(steps).stage, "checking"), None
            except StopIteration as stop:
                part, end = "checking", stop
            seconds, held = stages.get(part, (0.0, 0.0))
            stages[part] = seconds + time.thread_time() - started, max(held, sample[0])
            if end is not None:
                return end.value.report, stages
    finally:
        going.set()
        watcher.join()


def fitting(report, settings, shape, kernel_shape, stages, before) -> dict:
    """The constants that would have predicted this run."""
    import math

    from napari_blind_deconv.fourier import fast_shape
    from napari_blind_deconv.pipeline import costs, memory
    from napari_blind_deconv.pipeline.cutting import Work

    ndim, plan = len(kernel_shape), report["plan"]
    space = shape[-ndim:]
    batch = math.prod(shape) // math.prod(space)
    work = Work((batch, *space), 1, tuple(kernel_shape), (2,) * ndim, settings)
    whole = plan["blocks"] == 1
    seen = plan["block"][-ndim:]
    frames = batch if whole else plan["block"][0]
    one = frames * math.prod(fast_shape([n + 2 * (k // 2) for n, k in zip(seen, kernel_shape, strict=True)]))
    unit, size, kind = costs.transform_seconds("cpu", ndim, 1), math.prod(shape), int(ndim > 2)
    base = before + costs.PACKAGES[kind]
    found = {}

    def part(name):
        return stages.get(name, (0.0, 0.0))

    seconds, held = part("restoring")
    fixed = (costs.HELD["whole"] if whole else costs.HELD["blocks"] + 4 + 50 * one / size) * size
    steps = costs.steps_of(settings) * one * plan["blocks"]
    name = costs.kind_of(settings)
    found[f"RESTORING[{name!r}].transforms[{kind}]"] = seconds / unit / steps, costs.RESTORING[name].transforms[kind]
    found[f"RESTORING[{name!r}].bytes[{kind}]"] = (held - base - fixed) / one, costs.RESTORING[name].bytes[kind]
    seconds, held = part("looking")
    found[f"CHECKING[{kind}]"] = (seconds + part("checking")[0]) / unit / size, costs.CHECKING[kind]
    if whole:
        found[f"LOOKING[{kind}]"] = (held - base) / size, costs.LOOKING[kind]
    seconds, held = part("estimating")
    if seconds:
        window, name = memory._window(work), settings.kernel_prior.kind
        cost = costs.ESTIMATING[name if name in costs.ESTIMATING else "other"]
        found[f"ESTIMATING[{name!r}].transforms[{kind}]"] = seconds / unit / window, cost.transforms[kind]
        found[f"ESTIMATING[{name!r}].bytes[{kind}]"] = (held - base - fixed) / window, cost.bytes[kind]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(PLANS))
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        print(json.dumps(measured(arguments.here, arguments.only)))
        return
    fits: dict[str, list[tuple[str, float, float]]] = {}
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
        for constant, (fit, now) in found["fits"].items():
            fits.setdefault(constant, []).append((name, fit, now))
    print("\n| constant | now | would fit | in |\n|---|---|---|---|")
    for constant, runs in sorted(fits.items()):
        values = ", ".join(f"{fit:.3g}" for _, fit, _ in runs)
        print(f"| {constant} | {runs[0][2]:g} | {values} | {'; '.join(name for name, _, _ in runs)} |")


if __name__ == "__main__":
    main()
