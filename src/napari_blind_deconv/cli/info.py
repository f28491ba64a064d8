"""``blind-deconv info``."""

from __future__ import annotations

import platform
import sys
from typing import Any

from napari_blind_deconv import io
from napari_blind_deconv._torch import torch
from napari_blind_deconv.image_priors.patch_mixture import SHIPPED_MIXTURES
from napari_blind_deconv.machine import free_bytes, total_bytes
from napari_blind_deconv.metrics import METRICS
from napari_blind_deconv.networks import SHIPPED
from napari_blind_deconv.report import versions
from napari_blind_deconv.settings import FAMILIES


def execute(*, as_json: bool) -> None:
    """Say what this installation is and can do."""
    found = collect()
    sys.stdout.write((io.to_json(found) if as_json else _words(found)) + "\n")


def collect() -> dict[str, Any]:
    """Versions, platform, devices, memory, threads, components and weights.

    Examples
    --------
    >>> "uniform" in collect()["components"]["kernel_priors"]
    True
    """
    return {
        "versions": versions(),
        "platform": platform.platform(),
        "devices": _devices(),
        "memory_gb": _memory_gb(),
        "torch_threads": torch.get_num_threads(),
        "components": {
            **{f"{family}s": sorted(kinds) for family, kinds in FAMILIES.items()},
            "metrics": list(METRICS),
            "formats": list(io.READERS),
        },
        "weights": sorted([*SHIPPED, *SHIPPED_MIXTURES]),
    }


def _devices() -> list[dict[str, Any]]:
    """The processor, and every accelerator that torch can use, with its memory."""
    found: list[dict[str, Any]] = [{"device": "cpu", "name": platform.processor() or platform.machine()}]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        found.append({"device": f"cuda:{index}", "name": name, "free_gb": _gb(free), "total_gb": _gb(total)})
    if torch.backends.mps.is_available():
        found.append({"device": "mps", "name": "Apple graphics processor"})
    return found


def _memory_gb() -> dict[str, float]:
    """The machine's memory, and what is left of it to this process."""
    return {"total": _gb(total_bytes()), "available": _gb(free_bytes())}


def _gb(size: int) -> float:
    return round(size / 1e9, 1)


def _words(found: dict[str, Any]) -> str:
    told = [f"{name:<20} {version}" for name, version in found["versions"].items()]
    told.append(f"{'platform':<20} {found['platform']}")
    for device in found["devices"]:
        memory = f", {device['free_gb']} of {device['total_gb']} GB free" if "total_gb" in device else ""
        told.append(f"{'device':<20} {device['device']}: {device['name']}{memory}")
    if found["memory_gb"]:
        told.append(f"{'memory':<20} {found['memory_gb']['available']} of {found['memory_gb']['total']} GB available")
    told.append(f"{'torch threads':<20} {found['torch_threads']}")
    told += [f"{family.replace('_', ' '):<20} {', '.join(names)}" for family, names in found["components"].items()]
    told.append(f"{'weights':<20} {', '.join(found['weights'])}")
    return "\n".join(told)
