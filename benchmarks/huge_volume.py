"""One large volume by one process and by several workers: memory of every process, time, and whether results agree.

    python -m benchmarks.huge_volume [--gigabytes 2] [--workers 2] [--max-memory-gb 3] [--steps 2]

Beads with counted light, float32, 256 planes, chunks of 16 x 256 x 256, restored with a known PSF by Richardson-Lucy of
a few steps and one thread a process. Memory is the largest resident set of each process, as Linux counts it. With 2 GB
on two free cores a quarter of an hour for each of the two runs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from napari_blind_deconv import io
from napari_blind_deconv.synthesis import beads, gaussian_kernel, photon_counts

PLANES, TILE = 256, 64
KERNEL = gaussian_kernel((5, 7, 7), np.diag([1.0, 1.5, 1.5])).astype(np.float32)
CODE = "from napari_blind_deconv.cli import main; main()"
AT_ONCE = 16
"""Planes that are made, and compared, at once."""


def made(path: Path, gigabytes: float) -> tuple[int, ...]:
    """A volume whose blurred beads are those of one tile, turned from slab to slab, each pixel with its own noise."""
    side = round((gigabytes * 1e9 / 4 / PLANES) ** 0.5)
    shape, rng = (PLANES, side, side), np.random.default_rng(0)
    grown = tuple(n + k - 1 for n, k in zip((TILE,) * 3, KERNEL.shape, strict=True))
    tile = photon_counts(0.05 + beads(grown, rng, count=60, width=1.5), KERNEL, 200, rng)[1]
    times = -(-side // TILE)
    header = io.Header(shape, np.dtype(np.float32), "ZYX", (0.3, 0.1, 0.1), {})
    with io.create(path, header, {}, "ome-zarr") as sink:
        for start in range(0, PLANES, AT_ONCE):
            first = start % TILE
            light = np.tile(np.rot90(tile[first : first + AT_ONCE], start // TILE, (1, 2)), (1, times, times))
            counts = rng.poisson(light[:, :side, :side]).astype(np.float32)
            sink.write((slice(start, start + AT_ONCE), slice(0, side), slice(0, side)), counts)
    return shape


def run(folder: Path, output: str, options: list[str]) -> tuple[float, dict[int, float], dict[str, object]]:
    """Seconds, the largest resident set of every process that computed in GB, the command's first, and the report."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, "run", "big.ome.zarr", "-o", output, "--format", "ome-zarr", "--json", *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    peaks: dict[int, float] = {process.pid: 0.0}
    while process.poll() is None:
        for one in family(process.pid):
            peaks[one] = max(peaks.get(one, 0.0), peak(one))
        time.sleep(0.5)
    seconds = time.perf_counter() - begun
    if process.returncode or process.stdout is None:
        raise SystemExit(f"{output} failed")
    report = json.loads(process.stdout.read())["files"][0]["report"]
    return seconds, {pid: found for pid, found in peaks.items() if pid == process.pid or found > 0.25}, report


def family(pid: int) -> list[int]:
    """A process and all below it."""
    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def peak(pid: int) -> float:
    """The largest resident set so far, in GB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((1024 * int(line.split()[1]) / 1e9 for line in lines if line.startswith("VmHWM")), 0.0)


def difference(one: Path, other: Path) -> tuple[float, bool]:
    """The largest difference over the range, and whether all is the same."""
    ours, theirs = io.open(one), io.open(other)
    low, high, most = np.inf, -np.inf, 0.0
    for start in range(0, ours.shape[0], AT_ONCE):
        place = (slice(start, min(start + AT_ONCE, ours.shape[0])), *(slice(0, n) for n in ours.shape[1:]))
        a, b = ours.read(place), theirs.read(place)
        low, high = min(low, float(a.min())), max(high, float(a.max()))
        most = max(most, float(np.abs(a - b).max()))
    return most / (high - low), most == 0


def say(text: str) -> None:
    """A line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Make, restore twice, compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--max-memory-gb", type=float, default=3.0)
    parser.add_argument("--steps", type=int, default=2)
    asked = parser.parse_args()
    common = ["--psf", "k.tif", "--restorer", "richardson-lucy", "--image-prior", "none", "--device", "cpu"]
    common += ["--set", f"restorer.steps_taken={asked.steps}", "--max-memory-gb", str(asked.max_memory_gb)]
    with tempfile.TemporaryDirectory(prefix="huge-volume-") as place:
        folder = Path(place)
        io.write(folder / "k.tif", io.Volume(KERNEL, "ZYX", (0.3, 0.1, 0.1)), {})
        begun = time.perf_counter()
        shape = made(folder / "big.ome.zarr", asked.gigabytes)
        size = 4 * np.prod([float(n) for n in shape]) / 1e9
        say(f"{' x '.join(map(str, shape))} float32, {size:.2f} GB, made in {time.perf_counter() - begun:.0f} s")
        found = {}
        for name, options in (("together", ["--workers", str(asked.workers)]), ("alone", [])):
            seconds, peaks, report = run(folder, name, common + options)
            found[name] = seconds
            held = ", ".join(f"{value:.2f}" for value in peaks.values())
            say(f"{name}: {seconds:.0f} s, {report['plan']['words']}, peak GB of the command and its workers {held}")
        most, same = difference(*(folder / name / "big_restored.ome.zarr" for name in ("alone", "together")))
        say(f"largest difference {most:.1e} of the range, same pixels: {same}")
        say(f"{asked.workers} workers are {found['alone'] / found['together']:.2f} times as fast (wall)")


if __name__ == "__main__":
    main()
