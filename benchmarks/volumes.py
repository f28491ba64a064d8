"""Volumes beside other programs: CPU seconds of one core, peak memory and likeness to the truth, all in the same run.

    python benchmarks/volumes.py --json volumes.json
    python benchmarks/volumes.py --cases FOLDER            # folders with a truth, as `volume_cases.py` says
    python benchmarks/volumes.py --scale 16 128 512 2000   # MB of float32, ours in blocks

Every rival runs in a process of its own and with one thread. Seconds and memory are those of the restoration alone: not
of imports, and what the process held before is taken off the peak. Rivals that are not installed are named.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# Steps that times are compared at.
TIMED = 50

Row = dict[str, Any]


def in_own_process(task: Mapping[str, Any], timeout: float) -> Row:
    """A task of this file, done by a process of its own; what it could not do is a remark."""
    command = [sys.executable, __file__, "--here", json.dumps(task)]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=os.environ | ONE_THREAD, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        return {"remark": f"ended after {timeout:g} s"}
    if done.returncode:
        said = done.stderr.strip().splitlines()
        return {"remark": f"failed: {said[-1][:80] if said else done.returncode}"}
    return json.loads(done.stdout.splitlines()[-1])


def here(task: Mapping[str, Any]) -> Row:
    """A task, in this process. The one above it stays small: a process inherits the peak of what it is forked from."""
    from volume_cases import drawn, given
    from volume_measures import measured, step_ratio
    from volume_scale import enlarge, measured_large

    folder = Path(task["folder"])
    match task["do"]:
        case "draw":
            drawn(task["name"], folder)
        case "read":
            given(Path(task["source"]), folder)
        case "enlarge":
            enlarge(task["megabytes"], folder)
        case "step":
            return {"ratio": step_ratio(folder)}
        case "measure":
            return measured(folder, task["rival"], task["iterations"])
        case "measure large":
            return measured_large(folder, task["rival"], task["limit"])
    return {}


def rows_of(case: str, folder: Path, timeout: float, without: list[str]) -> Iterator[Row]:
    """Every rival on one case."""
    from volume_rivals import RIVALS

    optics = "microscope" in json.loads((folder / "case.json").read_text()).get("options", [])
    for name, rival in RIVALS.items():
        if rival.optics and not optics:
            continue
        if not rival.installed:
            yield {"case": case, "rival": name, "iterations": 0, "remark": "not installed"}
            continue
        if name in without:
            yield {"case": case, "rival": name, "iterations": 0, "remark": "left out"}
            continue
        best = 0.0
        for iterations in rival.iterations:
            task = {"do": "measure", "folder": str(folder), "rival": name, "iterations": iterations}
            row = {"case": case, "rival": name, "iterations": iterations} | in_own_process(task, timeout)
            print(row, file=sys.stderr, flush=True)
            yield row
            # Once more iterations are worse, still more are not tried.
            if iterations >= TIMED and row.get("psnr", 0.0) < best:
                break
            best = max(best, row.get("psnr", 0.0))


def shown(rows: list[Row]) -> list[Row]:
    """The rows of one case without iterations that are neither the best nor those that times are compared at."""
    best: dict[str, float] = {}
    for row in rows:
        best[row["rival"]] = max(best.get(row["rival"], 0.0), row.get("psnr", 0.0))

    def counts(row: Row) -> bool:
        return "psnr" not in row or row["iterations"] in (0, TIMED) or row["psnr"] == best[row["rival"]]

    return [row for row in rows if counts(row)]


def line_of(row: Row) -> str:
    """A line of the table."""
    name = row["rival"] + (f", {row['iterations']} steps" if row["iterations"] else "")
    formats = {"seconds": ".1f", "peak_mb": ".0f", "bytes_a_voxel": ".0f", "psnr": ".2f", "ncc": ".3f"}
    cells = [format(row[key], form) if key in row else "" for key, form in formats.items()]
    return "| " + " | ".join([row["case"], name, *cells, row.get("remark", "")]) + " |"


HEADER = "| case | program | CPU s | peak MB | bytes a voxel | PSNR dB | NCC | |\n|---|---|---|---|---|---|---|---|"


def best_within(seconds: float, rows: list[Row]) -> float | None:
    """The best PSNR of a program by a time, interpolated between the numbers of steps that were tried."""
    import numpy as np

    ordered = sorted((row["seconds"], row["psnr"]) for row in rows)
    if not ordered or seconds < ordered[0][0]:
        return None
    at_last = float(np.interp(seconds, *zip(*ordered, strict=True)))
    return max([at_last, *(psnr for took, psnr in ordered if took <= seconds)])


def targets(case: str, rows: list[Row], ratio: float | None) -> Row:
    """What is asked of us, from the rows of one case; ``None`` where a row is missing."""
    from volume_rivals import GAUSSIAN, KNOWN, MICROSCOPE, SCIKIT_IMAGE

    done = {(row["rival"], row["iterations"]): row for row in rows if "psnr" in row}
    known, theirs = done.get((KNOWN, 0)), [row for (name, _), row in done.items() if name == SCIKIT_IMAGE]

    def times(name: str, iterations: int) -> float | None:
        other = done.get((name, iterations))
        return other["seconds"] / known["seconds"] if other and known else None

    def gain(theirs: float | None) -> float | None:
        return known["psnr"] - theirs if known and theirs is not None else None

    timed = times(SCIKIT_IMAGE, TIMED)
    return {
        "case": case,
        "known": 1 / timed if timed else None,
        "gaussian": times(GAUSSIAN, 0),
        "microscope": times(MICROSCOPE, 0),
        "best": gain(max((row["psnr"] for row in theirs), default=None)),
        "equal_time": gain(best_within(known["seconds"], theirs) if known else None),
        "step": ratio,
    }


TARGETS = {
    "known": (f"CPU s, known / scikit-image, {TIMED} steps", "at most", 1.0),
    "gaussian": ("CPU s, blind gaussian / known", "at most", 1.5),
    "microscope": ("CPU s, blind microscope / known", "at most", 2.0),
    "best": ("PSNR above scikit-image's best, dB", "at least", 1.0),
    "equal_time": ("PSNR above scikit-image's best in the same time, dB", "at least", 0.0),
    "step": ("step of Richardson-Lucy / its transforms", "at most", 1.1),
}


def print_targets(found: list[Row]) -> None:
    """One column per case; what was missed is bold."""
    print("\n| asked | target | " + " | ".join(row["case"] for row in found) + " |")
    print("|---|---|" + "---|" * len(found))
    for name, (words, bound, value) in TARGETS.items():
        cells = []
        for row in found:
            figure = row[name]
            met = figure is not None and (figure <= value if bound == "at most" else figure >= value)
            cells.append("" if figure is None else f"{figure:.2f}" if met else f"**{figure:.2f}**")
        print(f"| {words} | {bound} {value:g} | " + " | ".join(cells) + " |")


def scale_rows(case: str, size: float, arguments: argparse.Namespace, folder: str) -> Iterator[Row]:
    """Ours within a limit of memory, and scikit-image where it fits into what is free."""
    import psutil
    from volume_scale import FEW, LARGE, SCIKIT_BYTES

    for name in LARGE:
        row = {"case": case, "rival": name, "iterations": FEW if name != LARGE[0] else 0}
        if name == LARGE[-1] and size / 4 * SCIKIT_BYTES > psutil.virtual_memory().available:
            yield row | {"remark": "does not fit"}
            continue
        task = {"do": "measure large", "folder": folder, "rival": name, "limit": arguments.limit_gb}
        yield row | in_own_process(task, arguments.timeout)


def prepared(arguments: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any]]]:
    """The cases that are asked for: a name, and the task that makes each."""
    from volume_cases import DRAWN

    if arguments.scale:
        yield from ((f"{size:g} MB", {"do": "enlarge", "megabytes": size}) for size in arguments.scale)
        return
    for name in arguments.drawn or (DRAWN if arguments.cases is None else ()):
        yield name, {"do": "draw", "name": name}
    if arguments.cases is not None:
        for file in sorted(arguments.cases.glob("**/case.json")):
            yield file.parent.name, {"do": "read", "source": str(file.parent)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, help="a folder of cases, beside the drawn ones that are named")
    parser.add_argument("--drawn", nargs="+", choices=["cells", "sparse"], help="drawn cases (default: both)")
    parser.add_argument("--scale", type=float, nargs="+", metavar="MB", help="sizes of float32 volumes")
    parser.add_argument("--limit-gb", type=float, default=2.0, help="memory of ours in large volumes (default: 2)")
    parser.add_argument(
        "--without", action="append", default=[], metavar="PROGRAM", help="leave one out, as it is slow"
    )
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds for one rival (default: 1800)")
    parser.add_argument("--json", type=Path, help="where all figures go")
    parser.add_argument("--here", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        print(json.dumps(here(arguments.here)))
        return
    rows: list[Row] = []
    asked: list[Row] = []
    print(HEADER, flush=True)
    for case, task in prepared(arguments):
        with tempfile.TemporaryDirectory() as name:
            made = in_own_process(task | {"folder": name}, arguments.timeout)
            if "remark" in made:
                sys.exit(f"{case}: {made['remark']}")
            if arguments.scale:
                found = list(scale_rows(case, task["megabytes"] * 1e6, arguments, name))
            else:
                found = list(rows_of(case, Path(name), arguments.timeout, arguments.without))
                ratio = in_own_process({"do": "step", "folder": name}, arguments.timeout).get("ratio")
                asked.append(targets(case, found, ratio))
        rows += found
        print("\n".join(line_of(row) for row in shown(found)), flush=True)
    if asked:
        print_targets(asked)
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": rows, "targets": asked}, indent=1))


if __name__ == "__main__":
    main()
