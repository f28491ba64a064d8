"""What a graphics processor saves: seconds, its memory and the difference to the CPU's result, size by size.

`python benchmarks/accelerators.py` prints the table of docs/volumes.md; `--json FILE` keeps it. Every run is made twice
on the accelerator, the second counts: the first loads libraries. `--only NAME` makes one line of it, `--largest N`
leaves out what has more samples, `--profile NAME` lists where the time of one run goes.
"""

import argparse
import json
import math
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from plans import image_of, posed

# Name: shape, settings, and whether it is run on the CPU too.
RUNS = {
    "image, known": ((1024, 1024), {}, True),
    "image, sparse gradients": ((1024, 1024), {"restorer": "by-prior"}, True),
    "image, gaussian": ((1024, 1024), {"kernel_prior": "gaussian"}, True),
    "image, uniform": ((512, 512), {"kernel_prior": "uniform"}, True),
    "image, diffusion": ((512, 512), {"restorer": "by-prior", "image_prior": "diffusion"}, True),
    "volume, known": ((48, 256, 256), {}, True),
    "volume, sparse gradients": ((48, 256, 256), {"restorer": "by-prior"}, True),
    "volume, gaussian": ((48, 256, 256), {"kernel_prior": "gaussian"}, True),
    "volume, uniform": ((40, 192, 192), {"kernel_prior": "uniform"}, True),
    "64 x 1024 x 1024, known": ((64, 1024, 1024), {}, False),
    "256 x 1024 x 1024, known": ((256, 1024, 1024), {}, False),
}


def accelerator() -> str:
    """The one that is there."""
    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    raise SystemExit("no accelerator on this machine")


def timed(name: str, device: str):
    """Result, seconds on the clock, and GB that the accelerator held at most."""
    from napari_blind_deconv import deconvolve

    shape, chosen, _ = RUNS[name]
    image, kernel = image_of(shape)
    settings, psf = posed(kernel, chosen)
    settings = replace(settings, device=device)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    started = time.perf_counter()
    result = deconvolve(image, settings, psf=psf, maps=math.prod(shape) < 1 << 26)
    seconds = time.perf_counter() - started
    return result, seconds, torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else math.nan


def stages(name: str, device: str) -> dict[str, float]:
    """Seconds of every stage."""
    from napari_blind_deconv.pipeline import deconvolve_steps

    shape, chosen, _ = RUNS[name]
    image, kernel = image_of(shape)
    settings, psf = posed(kernel, chosen)
    settings = replace(settings, device=device)
    steps, found, last = deconvolve_steps(image, settings, psf=psf), {}, time.perf_counter()
    for progress in steps:
        stage = f"{progress.stage}: {progress.message}" if progress.total == 0 and progress.message else progress.stage
        now = time.perf_counter()
        found[stage], last = found.get(stage, 0.0) + now - last, now
    return found


def profiled(name: str, device: str) -> None:
    """Where the time of one run goes: by stage, and by function."""
    import cProfile
    import pstats

    timed(name, device)
    for stage, seconds in sorted(stages(name, device).items(), key=lambda item: -item[1]):
        print(f"{seconds:8.3f}  {stage}")
    profile = cProfile.Profile()
    profile.runcall(timed, name, device)
    pstats.Stats(profile).sort_stats("tottime").print_stats(25)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(RUNS))
    parser.add_argument("--profile", choices=list(RUNS))
    parser.add_argument("--largest", type=float, default=math.inf, metavar="N")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    device = accelerator()
    if arguments.profile:
        profiled(arguments.profile, device)
        return
    print(
        f"{torch.cuda.get_device_name() if device == 'cuda' else device}; CPU with {torch.get_num_threads()} threads\n"
    )
    print("| run | samples | s, CPU | s, accelerator | times faster | GB there | plan | rms difference / range |")
    print("|---|---|---|---|---|---|---|---|")
    rows = []
    for name in [arguments.only] if arguments.only else RUNS:
        shape, _, also = RUNS[name]
        if math.prod(shape) > arguments.largest:
            continue
        timed(name, device)
        there, seconds, held = timed(name, device)
        here, slow = timed(name, "cpu")[:2] if also else (None, math.nan)
        difference = math.nan
        if here is not None:
            difference = float(np.sqrt(np.mean((there.image - here.image) ** 2)) / np.ptp(here.image))
        row = {"run": name, "samples": math.prod(shape), "cpu_seconds": slow, "seconds": seconds, "gb": held}
        row |= {"plan": there.report["plan"]["words"], "difference": difference}
        rows.append(row)
        print(
            f"| {name} | {math.prod(shape) / 1e6:.2f} M | {slow:.2f} | {seconds:.2f} | {slow / seconds:.1f} "
            f"| {held:.2f} | {row['plan']} | {difference:.1e} |",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
