"""``python -m fuzz``: all cases of a seed, in worker processes that are replaced when they die or take too long."""

import argparse
import json
import os
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SECONDS, MEMORY_MB = 60.0, 3072.0
PER_WORKER = 300  # cases, so that what a library keeps does not add up


class Worker:
    """One process, asked one case at a time."""

    def __init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        command = [sys.executable, "-m", "fuzz.worker"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self.asked = 0

    def ask(self, kind: str, number: int, seed: int) -> dict[str, Any]:
        """The verdict; a worker that does not answer in time, or has died, is at an end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        question = json.dumps({"kind": kind, "number": number, "seed": seed}) + "\n"
        self.process.stdin.write(question.encode())
        self.process.stdin.flush()
        # The first answer also waits for the imports.
        seconds, started = SECONDS + (60 if self.asked == 0 else 0), time.perf_counter()
        self.asked += 1
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        line = self.process.stdout.readline() if ready else b""
        if line:
            return dict(json.loads(line))
        reason = f"died ({self.process.wait()})" if ready else f"took more than {seconds:.0f} s"
        self.end()
        return {
            "kind": kind,
            "number": number,
            "faults": [reason],
            "seconds": time.perf_counter() - started,
            "memory_mb": 0,
            "code": None,
        }

    @property
    def usable(self) -> bool:
        """Whether to go on with this one."""
        return self.process.poll() is None and self.asked < PER_WORKER

    def end(self) -> None:
        """Stop it."""
        self.process.kill()
        self.process.wait()


def verdicts(cases: list[tuple[str, int]], seed: int) -> Iterator[dict[str, Any]]:
    """One after the other."""
    worker = Worker()
    try:
        for kind, number in cases:
            if not worker.usable:
                worker.end()
                worker = Worker()
            verdict = worker.ask(kind, number, seed)
            if verdict["seconds"] > SECONDS and not verdict["faults"]:
                verdict["faults"].append(f"took {verdict['seconds']:.0f} s")
            if verdict["memory_mb"] > MEMORY_MB:
                verdict["faults"].append(f"took {verdict['memory_mb']:.0f} MB")
            yield verdict
    finally:
        worker.end()


def main() -> int:
    """All cases, those of one kind, or one; 1 where any fails."""
    from fuzz.judge import KINDS, run_case

    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of all cases")
    parser.add_argument("--only", choices=sorted(KINDS), help="one kind of case")
    parser.add_argument("--case", type=int, help="one case of that kind, in this process, with what it says")
    parser.add_argument("--share", type=float, default=1.0, help="of the cases")
    parser.add_argument("--keep", type=Path, help="folder for the files of one case")
    options = parser.parse_args()
    if options.case is not None:
        if options.keep:
            options.keep.mkdir(parents=True)
        verdict = run_case(options.only, options.case, options.seed, options.keep)
        print("blind-deconv", *map(ascii, verdict.command))
        print(verdict.said, f"exit code {verdict.code}, {verdict.seconds:.1f} s, {verdict.memory_mb:.0f} MB", sep="\n")
        print("\n".join(verdict.faults) or "nothing wrong")
        return bool(verdict.faults)
    kinds = [options.only] if options.only else list(KINDS)
    cases = [(kind, n) for kind in kinds for n in range(round(options.share * KINDS[kind][1]))]
    codes: dict[str, Counter[Any]] = {kind: Counter() for kind in kinds}
    slowest, largest, failed, started = 0.0, 0.0, [], time.time()
    for done, verdict in enumerate(verdicts(cases, options.seed), start=1):
        codes[verdict["kind"]][verdict["code"]] += 1
        slowest, largest = max(slowest, verdict["seconds"]), max(largest, verdict["memory_mb"])
        if verdict["faults"]:
            failed.append(verdict)
            again = f"--seed {options.seed} --only {verdict['kind']} --case {verdict['number']}"
            print(f"{again}: {'; '.join(verdict['faults'])}", flush=True)
            print("    " + ascii(verdict.get("said", ""))[-400:], flush=True)
        if done % 250 == 0:
            print(f"{done} of {len(cases)}, {time.time() - started:.0f} s, {len(failed)} failed", flush=True)
    for kind in kinds:
        print(f"{kind}: {sum(codes[kind].values())} cases, by exit code {dict(codes[kind])}")
    print(f"{len(failed)} failed; the slowest took {slowest:.1f} s, the largest {largest:.0f} MB; seed {options.seed}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
