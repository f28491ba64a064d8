"""A batch that is killed at twenty random moments and continued by the same command: the same bytes, nothing left over.

    python -m benchmarks.killed [KILLS]

Then the same batch with 1, 2 and 4 threads, of images large enough for torch to use them: whether the bytes are the
same, and if not, by how much pixels differ. About ten minutes on two cores.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from napari_blind_deconv import io
from napari_blind_deconv.batch import read_journal
from napari_blind_deconv.synthesis import fibres, gaussian_kernel, photon_counts

FILES = 6
CODE = "from napari_blind_deconv.cli import main; main()"


def images(folder: Path, shape: tuple[int, int], count: int) -> None:
    """Noisy fibres, one file each."""
    kernel = gaussian_kernel((9, 9), np.diag([2.0, 3.0]))
    rng = np.random.default_rng(0)
    for number in range(count):
        scene = fibres(tuple(n + 8 for n in shape), rng, count=30, width=0.8)
        counts = photon_counts(scene + 0.02, kernel, 100, rng)[0]
        io.write(folder / f"s{number}.ome.tif", io.Volume(counts, "YX", (0.1, 0.1)), {})


def started(source: Path, output: Path, threads: int = 1) -> subprocess.Popen[bytes]:
    """The command, which is the same in folders of several names: results record the path of the shared PSF."""
    output.mkdir(exist_ok=True)
    options = ["--kernel-prior", "gaussian", "--kernel-size", "9", "--psf-from", "all"]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    return subprocess.Popen(
        [sys.executable, "-c", CODE, "run", str(source), "-o", ".", *options],
        cwd=output,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )


def results(folder: Path) -> dict[str, bytes]:
    """What must be the same; reports hold times."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.suffix not in (".csv", ".html", ".json", ".jsonl")
    }


def killed(folder: Path, kills: int) -> None:
    """Kill, continue, compare."""
    source, rng = folder / "in", random.Random(0)
    images(source, (160, 160), FILES)
    begun = time.perf_counter()
    if started(source, folder / "whole").wait():
        raise SystemExit("the undisturbed run failed")
    lasted, ended, died = time.perf_counter() - begun, 0, 0
    output = folder / "out"
    while died < kills:
        process = started(source, output)
        try:
            process.wait(timeout=lasted * rng.uniform(0.05, 0.9))
            # It came to its end: from the beginning again.
            same = results(output) == results(folder / "whole")
            hidden = [path.name for path in output.iterdir() if path.name.startswith(".")]
            ended += 1
            say(f"ended after {died} kills: same bytes {same}, left over {hidden}, {redone(output)}")
            output = folder / f"out{ended}"
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            died += 1
    started(source, output).wait()
    say(f"ended after {died} kills: same bytes {results(output) == results(folder / 'whole')}, {redone(output)}")


def redone(output: Path) -> str:
    """How often a file was begun, and ended."""
    events = [entry["event"] for entry in read_journal(output)]
    return f"{events.count('run')} runs, {events.count('started')} files begun, {events.count('done')} done"


def threads(folder: Path) -> None:
    """The same with several threads."""
    source = folder / "large"
    images(source, (900, 900), 2)
    outputs = {}
    for number in (1, 2, 4):
        outputs[number] = folder / f"threads{number}"
        started(source, outputs[number], number).wait()
    for number in (2, 4):
        same = results(outputs[1]) == results(outputs[number])
        worst = 0.0
        for path in outputs[1].glob("*.ome.tif"):
            one, other = io.read(path).data, io.read(outputs[number] / path.name).data
            worst = max(worst, float(np.abs(one - other).max() / np.abs(one).max()))
        say(f"{number} threads: same bytes {same}, largest difference {worst:.1e} of the brightest")


def say(text: str) -> None:
    """A line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        killed(Path(place), int(sys.argv[1]) if len(sys.argv) > 1 else 20)
        threads(Path(place))
