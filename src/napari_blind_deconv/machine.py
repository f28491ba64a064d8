"""What a machine has left: main memory, within the limits that a container or a queue sets, and a graphics card's."""

from __future__ import annotations

from pathlib import Path

import psutil

from napari_blind_deconv._torch import torch

_ROOT = Path("/sys/fs/cgroup")
# Version 2 and version 1 of Linux' control groups: where they lie, and the files of limit, use and statistics.
_FILES = (
    ("", "memory.max", "memory.current", "inactive_file"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def resident_bytes() -> int:
    """What this process holds in main memory."""
    return int(psutil.Process().memory_info().rss)


def total_bytes() -> int:
    """The machine's main memory."""
    return int(psutil.virtual_memory().total)


def free_bytes(device: torch.device | None = None) -> int:
    """What can still be taken: on a CUDA device there, elsewhere of main memory, control groups observed."""
    if device is not None and device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free) + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    left = [int(psutil.virtual_memory().available)]
    return max(0, min(left + _left_in_groups()))


def _left_in_groups(root: Path = _ROOT, own: Path = Path("/proc/self/cgroup")) -> list[int]:
    """What the limit of every control group above this process leaves."""
    found = []
    for line in _lines(own):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        folder, limit, used, cache = _FILES[0 if number == "0" else 1]
        if number != "0" and "memory" not in controllers.split(","):
            continue
        inner = root / folder / path.lstrip("/")
        for group in (inner, *inner.parents):
            if not group.is_relative_to(root / folder):
                break
            found += _left(group / limit, group / used, group / "memory.stat", cache)
    return found


def _left(limit: Path, used: Path, statistics: Path, cache: str) -> list[int]:
    most, now = _number(limit), _number(used)
    # Version 1 writes no limit as a number that no machine reaches.
    if most is None or now is None or most > 1 << 60:
        return []
    cached = next((int(line.split()[1]) for line in _lines(statistics) if line.startswith(f"{cache} ")), 0)
    return [most - now + cached]


def _number(path: Path) -> int | None:
    text = "".join(_lines(path))
    return int(text) if text.isdigit() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
