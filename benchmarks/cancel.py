"""How long a run takes to answer when it is cancelled: the longest time between two of its steps, stage by stage.

`python benchmarks/cancel.py` prints the table of decision 31: time of one core, as if nothing else ran, and time on
the clock. Cancelling closes the generator between two steps, in Python, on the command line and in napari.
`--moments 10` cancels each run so many times, at moments drawn from the whole of it, and times the answer on one core.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from plans import image_of, posed

SHAPE = (48, 256, 256)
# Name: settings, and the limit in GB beyond what the process holds at first (None: none).
RUNS = {
    "known": ({}, None),
    "known, in blocks": ({}, 1.0),
    "blind (gaussian)": ({"kernel_prior": "gaussian"}, None),
    "blind (uniform)": ({"kernel_prior": "uniform"}, None),
    "Richardson-Lucy": ({"restorer": "richardson-lucy", "image_prior": "none"}, None),
}


def steps_of(name: str):
    """A run, step by step."""
    from napari_blind_deconv.machine import resident_bytes
    from napari_blind_deconv.pipeline import deconvolve_steps

    chosen, beyond = RUNS[name]
    image, kernel = image_of(SHAPE)
    settings, psf = posed(kernel, chosen)
    limit = None if beyond is None else (resident_bytes() + 1e9 * beyond) / 1e9
    return deconvolve_steps(image, settings, psf=psf, max_memory_gb=limit)


def answers(name: str, count: int, seed: int = 0) -> list[tuple[float, str, float]]:
    """When a run was cancelled, in shares of it, what it did then, and how long it took to end: on one core."""
    # The first run loads what the others find.
    for _ in range(2):
        started = time.process_time()
        for _ in steps_of(name):
            pass
    whole = time.process_time() - started
    found = []
    for share in sorted(np.random.default_rng(seed).uniform(0, 1, count)):
        steps, stage = steps_of(name), ""
        moment = time.process_time() + share * whole
        for progress in steps:
            if time.process_time() >= moment:
                stage = f"{progress.stage}: {progress.message}" if progress.message else progress.stage
                break
        steps.close()
        found.append((share, stage, time.process_time() - moment))
    return found


def gaps(name: str) -> dict[str, tuple[float, float, int]]:
    """Stage: longest time of one core, longest time on the clock, steps."""
    steps = steps_of(name)
    found: dict[str, tuple[float, float, int]] = {}
    while True:
        core, clock = time.process_time(), time.perf_counter()
        progress = next(steps, None)
        core, clock = time.process_time() - core, time.perf_counter() - clock
        stage = "at the end" if progress is None else progress.stage
        if progress is not None and progress.total == 0 and progress.message:
            stage += f": {progress.message}"
        before = found.get(stage, (0.0, 0.0, 0))
        found[stage] = max(before[0], core), max(before[1], clock), before[2] + 1
        if progress is None:
            return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(RUNS))
    parser.add_argument("--moments", type=int, metavar="N", help="cancel at so many moments")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.moments:
        print("| run | moment | while | answered after (s) |\n|---|---|---|---|")
        for name in [arguments.only] if arguments.only else RUNS:
            for share, stage, seconds in answers(name, arguments.moments):
                print(f"| {name} | {share:.2f} | {stage} | {seconds:.2f} |", flush=True)
        return
    print("| run | stage | steps | longest, one core (s) | on the clock (s) |")
    print("|---|---|---|---|---|")
    for name in [arguments.only] if arguments.only else RUNS:
        for stage, (core, clock, count) in gaps(name).items():
            print(f"| {name} | {stage} | {count} | {core:.2f} | {clock:.2f} |", flush=True)


if __name__ == "__main__":
    main()
