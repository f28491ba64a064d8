"""Settings: random ones, most fields plausible and some anything but; as a file, or as ``--set``."""

import json
import math
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import numpy as np
from annotated_types import Ge, GroupedMetadata, Gt, Le, Lt
from pydantic.fields import FieldInfo

from fuzz.case import Rng, chance, good_image, pick
from napari_blind_deconv import io
from napari_blind_deconv.settings import (
    FAMILIES,
    Settings,
    settings_from_dict,
)

# Fields that only say how long it takes: held small, so that thousands of cases take minutes.
FEW = {
    "iterations": 2,
    "rounds": 1,
    "refinements": 1,
    "starts": 2,
    "samples": 2,
    "levels": 3,
    "draws": 1,
    "kernel_steps": 2,
    "image_steps": 2,
    "steps_taken": 3,
    "points": 8,
    "count": 2,
}
NUMBERS = [
    0, -1, 1, 2, 1e-300, 5e-324, 1e-30, 1e-12, 1e-6, 1e6, 1e12, 1e30, 1e38, 1e39, 1e300, 1.7976931348623157e308,
    -1e300, 2**31, 2**63, 2**64, 10**30, 10**400, math.nan, math.inf, -math.inf, 0.1, 0.5, 3, 4, -0.0,
]  # fmt: skip
ODD = [
    None, True, False, "", "x", "1", "1e5", "nan", "null", "\u202e\x1b[31m", "\ud800", "a" * 5000, "../../etc/passwd",
    "/dev/zero", ".", "a\x00b", [], {}, [None], [[]], [1, 2], [3, 1], [1, 2, 3, 4, 5], ["1", "2"], {"kind": "x"},
    {"kind": None}, [0] * 3000, [[[[1]]]], {"": 1}, {"a": {"b": {}}},
]  # fmt: skip


def make(rng: Rng, folder: Path) -> list[str]:
    """A run with random settings."""
    good_image(rng, folder / "a.tif")
    values = _settings(rng)
    for _ in range(int(pick(rng, [0, 0, 0, 0, 0, 0, 1, 1, 1, 2]))):
        _spoil(rng, values)
    values = _quick(values)
    command = ["run", "a.tif", "-o", "out"]
    if _kind(values, "kernel_prior") == "known" and chance(rng, 0.8):
        io.write(folder / "k.tif", io.Volume(np.ones((3, 3), np.float32), "YX"), {})
        command += ["--psf", "k.tif"]
    if chance(rng, 0.25):
        # As options: every entry is one assignment.
        for name, value in values.items():
            inner = value.items() if isinstance(value, dict) and "kind" in value else None
            text = f"{name}={_text(value['kind'])}" if inner else f"{name}={_text(value)}"
            command += ["--set", text]
            command += [
                word for key, v in inner or () if key != "kind" for word in ("--set", f"{name}.{key}={_text(v)}")
            ]
        # A command line can hold neither.
        return [part.replace("\x00", "0").encode("utf-8", "replace").decode() for part in command]
    (folder / "s.json").write_bytes(_file(rng, values))
    return [*command, "--settings", "s.json"]


def _settings(rng: Rng) -> dict[str, Any]:
    """Plausible settings: any kinds, fields within their bounds."""
    values: dict[str, Any] = {"kernel_size": [int(pick(rng, [3, 5, 7]))]}
    for family, kinds in FAMILIES.items():
        if chance(rng, 0.5):
            # Half of the time what goes with everything.
            usual = {"estimator": "by-evidence", "restorer": "by-data"}.get(family)
            kind = usual if usual and chance(rng, 0.5) else str(pick(rng, sorted(kinds)))
            values[family] = {"kind": kind, **_fields(rng, kinds[kind], 0.5)}
    return _fields(rng, Settings, 0.15) | values


def _fields(rng: Rng, cls: Any, share: float) -> dict[str, Any]:
    out = {}
    for name, info in cls.__pydantic_fields__.items():
        if name in FAMILIES or name == "kind" or info.exclude or not chance(rng, share):
            continue
        out[name] = _plausible(rng, info.annotation, info.metadata)
    return out


def _plausible(rng: Rng, annotation: Any, metadata: Any) -> Any:
    """A value of a type and within bounds, often at one of them."""
    if get_origin(annotation) is Literal:
        return pick(rng, get_args(annotation))
    parts = get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return _plausible(rng, parts[0], parts[1:])
    if type(None) in parts:
        others = [part for part in parts if part is not type(None)]
        return None if chance(rng, 0.3) else _plausible(rng, pick(rng, others), metadata)
    if get_origin(annotation) is tuple:
        return [_plausible(rng, parts[0], ()) for _ in range(int(rng.integers(1, 4)))]
    if annotation is bool:
        return chance(rng, 0.5)
    if annotation in (int, float):
        return _number(rng, annotation, metadata)
    return pick(rng, [None, None, None, "missing.tif", "a.tif"]) if annotation is str else pick(rng, ODD)


def _number(rng: Rng, kind: type, metadata: Any) -> Any:
    low, high = -1e3, 1e3
    for rule in _rules(metadata):
        match rule:
            case Ge(ge=edge) | Gt(gt=edge):
                low = float(edge)  # type: ignore[arg-type]
            case Le(le=edge) | Lt(lt=edge):
                high = float(edge)  # type: ignore[arg-type]
    if chance(rng, 0.2):
        value = pick(rng, [low, high])
    elif low >= 0 and chance(rng, 0.7):
        least = max(low, high * 1e-12 if chance(rng, 0.3) else min(1e-3, high))
        value = math.exp(rng.uniform(math.log(least), math.log(max(high, least))))
    else:
        value = rng.uniform(low, high)
    return int(min(value, 2**63 - 1)) if kind is int else float(value)


def _rules(metadata: Any) -> Any:
    for rule in metadata:
        if isinstance(rule, FieldInfo):
            yield from _rules(rule.metadata)
        elif isinstance(rule, GroupedMetadata):
            yield from rule
        else:
            yield rule


def _spoil(rng: Rng, values: dict[str, Any]) -> None:
    """Something that does not belong there."""
    inner = [v for v in values.values() if isinstance(v, dict) and v] if chance(rng, 0.6) else []
    place = pick(rng, inner) if inner else values
    known = [*place, *(Settings.__pydantic_fields__ if place is values else ())]  # type: ignore[attr-defined]
    name = (
        pick(rng, known)
        if chance(rng, 0.9)
        else pick(rng, ["", "x", "kernel", "turn", "voxel_size_um", "\ud800", "__class__"])
    )
    place[name] = pick(rng, NUMBERS) if chance(rng, 0.5) else pick(rng, ODD)


def _quick(values: dict[str, Any]) -> dict[str, Any]:
    """The same with few steps, where it would run at all."""
    try:
        settings_from_dict(values)
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
        # That it is refused as it should be is for the run to show.
        return values
    shorter = {}
    for name, value in {"iterations": 2, **values}.items():
        if isinstance(value, dict):
            shorter[name] = {k: _fewer(k, v) for k, v in value.items()}
        else:
            shorter[name] = _fewer(name, value)
    if _kind(values, "image_prior") == "deep-image":
        shorter["image_prior"]["widths"] = [min(int(n), 16) for n in (values["image_prior"].get("widths") or [8])[:3]]
    return shorter


def _kind(values: dict[str, Any], family: str) -> Any:
    inner = values.get(family)
    return inner.get("kind") if isinstance(inner, dict) else None


def _fewer(name: str, value: Any) -> Any:
    return min(int(value), FEW[name]) if name in FEW and value is not None else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _file(rng: Rng, values: Any) -> bytes:
    """The settings' JSON; now and then not quite JSON."""
    content = json.dumps(values).encode("utf-8")
    how = int(rng.integers(30))
    if how == 0:
        return content[: int(rng.integers(len(content)))]
    if how == 1:
        spoiled = bytearray(content)
        spoiled[int(rng.integers(len(spoiled)))] = int(rng.integers(256))
        return bytes(spoiled)
    if how == 2:
        return b"\xef\xbb\xbf" + content
    if how == 3:
        return content.decode().encode("utf-16")
    if how == 4:
        return b"[" * int(rng.integers(1, 100_000))
    if how == 5:
        return b'{"a":' * int(rng.integers(1, 3000)) + b"1" + b"}" * int(rng.integers(1, 3000))
    if how == 6:
        return b'{"kernel_weight": ' + b"9" * int(rng.integers(1, 20_000)) + b"}"
    return content
