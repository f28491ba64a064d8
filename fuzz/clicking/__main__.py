"""``python -m fuzz.clicking``: a window in a process of its own, and what is to be said of it when it has ended."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SILENCE = 600.0
"""Seconds without a line in the log after which a window is given up; every action has one."""


def main() -> int:
    """Click for some minutes; 1 where anything went wrong."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.clicking", description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0, help="how long")
    parser.add_argument("--seed", type=int, default=1, help="of all that is done")
    parser.add_argument("--session", type=int, default=0, help="which window is the first one")
    parser.add_argument("--sessions", type=int, default=10**6, help="at most so many windows")
    parser.add_argument("--steps", type=int, default=150, help="actions in each window")
    parser.add_argument("--share", type=float, default=1.0, help="of a core that may be used")
    parser.add_argument("--without-plugin", action="store_true", help="napari alone, to compare its memory with")
    parser.add_argument("--folder", type=Path, default=Path("build/clicking"), help="for the log and the table")
    options = parser.parse_args()
    # The windows work in a folder of their own.
    options.folder = options.folder.absolute()
    options.folder.mkdir(parents=True, exist_ok=True)
    until = time.time() + 60 * options.minutes
    faults, session, table = [], options.session, options.folder / "sessions.jsonl"
    table.write_text("")
    while time.time() < until and session < options.session + options.sessions:
        code = _window(options, session, until)
        done = _sessions(table)
        if code is not None:
            faults.append(f"session {done + options.session}: the process ended with {code}; see the end of the log")
        session = options.session + done + (code is not None)
        if code is not None:
            _enter(table, {"faults": [faults[-1]]})
    return _verdict(table)


def _window(options: argparse.Namespace, session: int, until: float) -> str | None:
    """A process that opens one window after the other, to the end; how it died, if it did."""
    log = options.folder / "log.txt"
    working = Path(tempfile.mkdtemp(prefix="clicking-"))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NAPARI_CONFIG": str(working / "napari.yaml")}
    environment["PYTHONFAULTHANDLER"] = "1"
    told = {name: getattr(options, name) for name in ("seed", "steps", "sessions", "share", "without_plugin")}
    told |= {"session": session, "until": until, "table": str(options.folder / "sessions.jsonl")}
    told["sessions"] = options.session + options.sessions - session
    command = [sys.executable, "-m", "fuzz.clicking.window", json.dumps({**told, "working": str(working)})]
    try:
        with log.open("ab") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
            while (code := process.poll()) is None:
                time.sleep(1)
                if time.time() - log.stat().st_mtime > SILENCE:
                    process.kill()
                    process.wait()
                    return f"nothing said for {SILENCE:.0f} s"
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return None if code == 0 else str(code)


def _sessions(table: Path) -> int:
    return len(table.read_text().splitlines())


def _enter(table: Path, entry: dict[str, Any]) -> None:
    with table.open("a") as out:
        out.write(json.dumps(entry) + "\n")


def _verdict(table: Path) -> int:
    """Print what became of all windows."""
    from fuzz.clicking.memory import in_words

    entries = [json.loads(line) for line in table.read_text().splitlines()]
    faults = [fault for entry in entries for fault in entry["faults"]]
    whole = [entry for entry in entries if "steps" in entry]
    print(f"{len(entries)} windows, {sum(entry['steps'] for entry in whole)} actions, {len(faults)} faults")
    waited, worked = (max((e[key] for e in whole), default=0.0) for key in ("longest_wait", "most_worked"))
    print(f"longest wait of the window: {waited:.1f} s on the clock, {worked:.1f} s of a processor")
    print(in_words(whole))
    for fault in faults:
        print(f"  {fault}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
