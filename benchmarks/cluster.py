"""Files by workers: how much faster than one process, than a process per file, and what it costs beside the solver.

    python -m benchmarks.cluster [FILES [PART ...]]

Volumes of 32 x 256 x 256, Richardson-Lucy with a known PSF, one thread a process. Wall time and processor time of

- `solver`: the solver alone, images that are in memory, nothing is written,
- `first`: `blind-deconv run` of one file,
- `alone`: `blind-deconv run` of all, one process,
- `lone`: of one file, `--workers 1`,
- `two`: of all, `--workers 2`,
- `each`: a process of `blind-deconv run` per file, two at a time.

With other work on the machine wall times say little; processor times say what work there was. Two minutes with 8 files
on two free cores, a quarter of an hour with 60.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from napari_blind_deconv import Settings, deconvolve, io
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.restoration import RichardsonLucyRestorer
from napari_blind_deconv.synthesis import gaussian_kernel

SHAPE = (32, 256, 256)
STEPS = 5
CODE = "from napari_blind_deconv.cli import main; main()"
OPTIONS = ("--psf", "k.tif", "--restorer", "richardson-lucy", "--set", f"restorer.steps_taken={STEPS}")
OPTIONS += ("--image-prior", "none")


def images(folder: Path, count: int) -> None:
    """Noise about a level, blurred by nothing: the work is the same whatever is in it."""
    rng = np.random.default_rng(0)
    for number in range(count):
        values = rng.poisson(20 + 80 * rng.random(SHAPE)).astype(np.uint16)
        io.write(folder / f"in/s{number:03d}.ome.tif", io.Volume(values, "ZYX", (0.3, 0.1, 0.1)), {})
    io.write(
        folder / "k.tif", io.Volume(gaussian_kernel((5, 7, 7), np.diag([1.0, 2.0, 2.0])), "ZYX", (0.3, 0.1, 0.1)), {}
    )


def command(folder: Path, *arguments: str) -> None:
    """One `blind-deconv run`."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-c", CODE, "run", *arguments, *OPTIONS],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )


def one_each(folder: Path, names: list[str]) -> None:
    """A process per file, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: command(folder, name, "-o", f"each/{Path(name).stem}"), names))


def solver(folder: Path, names: list[str]) -> None:
    """What there is to compute."""
    settings = Settings(kernel_prior=Known(), restorer=RichardsonLucyRestorer(steps_taken=STEPS), image_prior=NoPrior())
    psf = io.read(folder / "k.tif").data
    for name in names:
        image = io.read(folder / name)
        deconvolve(image.data, settings, axes="ZYX", voxel_size_um=image.voxel_size_um, psf=psf)


def timed(label: str, work: Callable[[], None]) -> tuple[float, float]:
    """Wall and processor seconds of this process and of those that it starts."""
    before, begun = _processor(), time.perf_counter()
    work()
    wall, processor = time.perf_counter() - begun, _processor() - before
    say(f"{label:<40} {wall:8.1f} s {processor:8.1f} s of the processor")
    return wall, processor


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def same(folder: Path, one: str, other: str) -> bool:
    """Whether two runs gave the same bytes."""
    names = sorted(path.name for path in (folder / one).glob("*.tif"))
    return bool(names) and all((folder / one / n).read_bytes() == (folder / other / n).read_bytes() for n in names)


def main(count: int, parts: Sequence[str]) -> None:
    """Measure the parts that were asked for, and say the ratios of those that are there."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        images(folder, count)
        names = [f"in/{path.name}" for path in sorted((folder / "in").iterdir())]
        solver(folder, names[:1])
        works: dict[str, Callable[[], None]] = {
            "solver": lambda: solver(folder, names),
            "first": lambda: command(folder, names[0], "-o", "first"),
            "alone": lambda: command(folder, "in", "-o", "alone"),
            "lone": lambda: command(folder, names[0], "-o", "lone", "--workers", "1"),
            "two": lambda: command(folder, "in", "-o", "two", "--workers", "2"),
            "each": lambda: one_each(folder, names),
        }
        found = {part: timed(part, works[part]) for part in (parts or works)}
        ratio(found, "one process takes {:.2f} times as long as two workers", "alone", "two")
        ratio(found, "a process per file, two at a time, takes {:.2f} times as long as two workers", "each", "two")
        if {"alone", "first", "solver"} <= found.keys() and count > 1:
            more = (found["alone"][0] - found["first"][0]) / (count - 1)
            say(f"a file takes {more:.2f} s in a batch, {found['solver'][0] / count:.2f} s in the solver alone")
        if {"alone", "two"} <= found.keys():
            say(f"same bytes: {same(folder, 'alone', 'two')}")


def ratio(found: Mapping[str, tuple[float, float]], words: str, one: str, other: str) -> None:
    """Say a ratio of wall times, where both are there."""
    if one in found and other in found:
        say(words.format(found[one][0] / found[other][0]))


def say(text: str) -> None:
    """A line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60, sys.argv[2:])
