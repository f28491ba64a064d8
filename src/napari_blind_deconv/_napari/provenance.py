"""What a file says of how it was made → the notes of a layer, checked: results of a window and of a terminal alike."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from napari_blind_deconv import io
from napari_blind_deconv._napari.used import USED, used_of
from napari_blind_deconv._types import InputError
from napari_blind_deconv.batch.plan import OURS, REPORT
from napari_blind_deconv.settings import settings_from_dict

_ROLES: Final = MappingProxyType(
    {"restored image": "restored", "point spread function": "psf", "PSF measured from beads": "psf"}
)
"""Role in the files of a terminal: role of a layer."""
_KNOWN: Final = frozenset(
    {"restored", "psf", "psf field", "observed", "truth", "true PSF", "beads", "residual", "prior_share", "uncertainty"}
    | {"bootstrap"}
)
_LONGEST: Final = 20_000  # letters


def notes_of(found: Any, path: Path) -> tuple[dict[str, Any], list[str]]:
    """Notes for a layer's metadata, and a sentence on each thing that was left out as it cannot be right.

    Parameters
    ----------
    found
        A file's provenance.
    path
        The file, beside which the report of a batch lies.
    """
    said = dict(found) if isinstance(found, Mapping) else {}
    role = said.get("role")
    role = _ROLES.get(role, role.replace(" ", "_") if role not in _KNOWN else role) if isinstance(role, str) else ""
    if role not in _KNOWN:
        return {}, []
    notes: dict[str, Any] = {"role": role}
    for key in ("source", "command", "path"):
        if isinstance(said.get(key), str):
            notes[key] = said[key][:_LONGEST]
    if isinstance(said.get(USED), dict):
        notes[USED] = used_of(said[USED])
    report = said.get("report") if isinstance(said.get("report"), dict) else _beside(path)
    if report:
        notes["report"] = report
    elif isinstance(said.get("input"), dict):
        notes["input"] = said["input"]
    given = (report or notes).get("input")
    if isinstance(given, dict):
        notes["voxel_size_um"] = _lengths(given.get("voxel_size_um"))
    if "voxel_size_um" in said:
        notes["voxel_size_um"] = _lengths(said["voxel_size_um"])
    wrong = []
    for key in ("settings", "suits"):
        sentence = _take_settings(said, key, notes)
        wrong += [f"{path.name}: {sentence}"] if sentence else []
    return notes, wrong


def _take_settings(said: Mapping[str, Any], key: str, notes: dict[str, Any]) -> str:
    """Put settings among the notes; a sentence where they are none."""
    values = said.get(key)
    if not isinstance(values, dict) or not values:
        return ""
    try:
        settings_from_dict(values)
    except InputError as error:
        return f"its settings were left out: {error}"
    notes[key] = values
    return ""


def _lengths(value: Any) -> list[float | None] | None:
    fine = isinstance(value, list) and 0 < len(value) <= 3
    if not fine or not all(one is None or (type(one) in {int, float} and 0 < one < 1e9) for one in value):
        return None
    return list(value)


def _beside(path: Path) -> dict[str, Any]:
    """The report that a batch has written beside its results; nothing where there is none."""
    ending = next((ending for ending in OURS if path.name.endswith(ending)), None)
    report = None if ending is None else path.with_name(f"{path.name.removesuffix(ending)}{REPORT}")
    if report is None or not report.is_file():
        return {}
    try:
        found = io.read_json(report)
    except InputError:
        return {}
    return found if isinstance(found.get("settings"), dict) and isinstance(found.get("input"), dict) else {}
