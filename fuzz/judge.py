"""One case: the command line is called in this process, and everything that it says and writes is judged."""

import json
import os
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tifffile

from fuzz import image_cases, network_cases, psf_cases, settings_cases
from fuzz.case import Maker

KINDS: dict[str, tuple[Maker, int]] = {
    "settings": (settings_cases.make, 2000),
    "image": (image_cases.make, 1000),
    "psf": (psf_cases.make, 300),
    "network": (network_cases.make, 200),
}
"""Kind of case: what makes one, and how many there are."""

ALLOWED_CODES = {0, 1, 2}
# Words that no user can do anything with; words of two humps are names of classes.
FORBIDDEN = re.compile(
    r"Traceback|\b\w*(?:Error|Exception|Warning)\b|<class|object at 0x|alloc|a fault of this program"
    r"|memory does not suffice|\b[A-Z][a-z0-9]+[A-Z]\w*|errors\.pydantic"
)
# Names of formats, programs and tags that people know.
KNOWN = ("NaN", "ImageJ", "BigTIFF", "ImageLength", "ImageWidth", "UNet2DModel", "DDPMScheduler", "DDIMScheduler")


@dataclass
class Verdict:
    """What became of a case."""

    kind: str
    number: int
    code: int | None = None
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    memory_mb: float = 0.0
    said: str = ""
    command: list[str] = field(default_factory=list)


def run_case(kind: str, number: int, seed: int, keep: Path | None = None) -> Verdict:
    """Make a case in an empty folder, run it there, and judge it."""
    verdict = Verdict(kind, number)
    folder = Path(tempfile.mkdtemp(prefix="fuzz-")) if keep is None else keep
    before = Path.cwd()
    try:
        os.chdir(folder)
        rng = np.random.default_rng([seed, sorted(KINDS).index(kind), number])
        verdict.command = KINDS[kind][0](rng, folder)
        files = _listing(folder)
        _forget_peak()
        started = time.perf_counter()
        verdict.code, out, err = _called(verdict.command, folder)
        verdict.seconds = time.perf_counter() - started
        verdict.memory_mb = _peak_mb()
        verdict.said = (out + err)[-1500:]
        several = "b.tif" in verdict.command
        verdict.faults = _faults(verdict.code, out, err, several=several) + _written(verdict.code, folder, files)
    finally:
        os.chdir(before)
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return verdict


def _called(arguments: list[str], folder: Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr, what libraries in C print included."""
    from napari_blind_deconv.cli import main

    kept = os.dup(1), os.dup(2)
    places = [tempfile.TemporaryFile() for _ in range(2)]
    sys.stdout.flush()
    sys.stderr.flush()
    for place, descriptor in zip(places, (1, 2), strict=True):
        os.dup2(place.fileno(), descriptor)
    argv, sys.argv = sys.argv, ["blind-deconv", *arguments]
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv = argv
        sys.stdout.flush()
        sys.stderr.flush()
        for old, descriptor in zip(kept, (1, 2), strict=True):
            os.dup2(old, descriptor)
            os.close(old)
    texts = []
    for place in places:
        place.seek(0)
        texts.append(place.read().decode("utf-8", "surrogateescape"))
        place.close()
    return code, texts[0], texts[1]


def _faults(code: int, out: str, err: str, *, several: bool) -> list[str]:
    found = []
    if code not in ALLOWED_CODES:
        found.append(f"exit code {code}")
    text = out + err
    for name in KNOWN:
        text = text.replace(name, "")
    if match := FORBIDDEN.search(text):
        found.append(f"says {match[0]!r}")
    if odd := next((c for c in out + err if not c.isprintable() and c != "\n"), None):
        found.append(f"prints {odd!r}")
    if code == 2:
        if out or (not several and (err.count("\n") != 1 or not err.startswith("blind-deconv: "))):
            found.append("a refusal is one line on stderr")
        if len(err) > 1500:
            found.append(f"a refusal of {len(err)} letters")
    return found


def _written(code: int, folder: Path, before: set[str]) -> list[str]:
    """What is wrong with the files."""
    new = sorted(_listing(folder) - before)
    if code == 2 and new:
        return [f"refused, but wrote {new[:3]}"]
    found = [f"left {name}" for name in new if name.endswith(".tmp")]
    for name in new:
        path = folder / name
        if name.endswith(".json"):
            constants: list[str] = []
            json.loads(path.read_text(encoding="utf-8"), parse_constant=constants.append)
            found += [f"{name} says {text}" for text in constants]
        if name.endswith(("_restored.ome.tif", "_psf.ome.tif")):
            values = tifffile.imread(path)
            if not np.isfinite(values).all():
                found.append(f"{name} is not finite")
            elif name.endswith("_psf.ome.tif") and abs(values.sum() - max(1, round(values.sum()))) > 1e-3:
                # One for each channel.
                found.append(f"{name} has the sum {values.sum()}")
    return found


def _listing(folder: Path) -> set[str]:
    return {os.fsencode(p.relative_to(folder)).decode("utf-8", "surrogateescape") for p in folder.rglob("*")}


def _forget_peak() -> None:
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
