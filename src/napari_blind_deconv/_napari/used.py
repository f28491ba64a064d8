"""What a run was given beside its settings, as its results keep it."""

from collections.abc import Mapping
from typing import Any, Final

from napari_blind_deconv._napari.job import Job

USED: Final = "used"
"""Key of a result's notes under which the rest of what a run was given is kept."""
NAMES: Final = ("psf", "leave_out", "region")


def used_in(job: Job) -> dict[str, Any]:
    """What a run was given beside its settings, JSON-able: file, axes and part of the image, layers by their names."""
    source = job.source
    given = {"psf": job.psf, "leave_out": job.leave_out, "region": job.region}
    found: dict[str, Any] = {name: layer.name for name, layer in given.items() if layer is not None}
    found |= {"axes": source.axes, "path": source.path, "image": source.image, "max_memory_gb": job.max_memory_gb}
    if source.cut is not None:
        found |= {"layer": source.layer, "cut": [[part.start, part.stop] for part in source.cut]}
    return {name: value for name, value in found.items() if value is not None}


def used_of(found: Any) -> dict[str, Any]:
    """What a file says of that, as far as it can be so."""
    said = found if isinstance(found, Mapping) else {}
    checked = {key: said[key] for key in ("axes", "path", "layer", *NAMES) if isinstance(said.get(key), str)}
    if type(said.get("image")) is int and said["image"] >= 0:
        checked["image"] = said["image"]
    if type(said.get("max_memory_gb")) in {int, float} and said["max_memory_gb"] > 0:
        checked["max_memory_gb"] = float(said["max_memory_gb"])
    cut = said.get("cut")
    if isinstance(cut, list) and all(_is_range(part) for part in cut):
        checked["cut"] = cut
    return checked


def _is_range(part: Any) -> bool:
    if not isinstance(part, list) or [type(n) for n in part] != [int, int]:
        return False
    return bool(0 <= part[0] < part[1])
