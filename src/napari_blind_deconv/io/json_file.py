"""JSON files: reports written, settings read."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_blind_deconv._types import InputError

from .atomic import atomic


def to_json(data: Any) -> str:
    """Indented JSON; numbers that JSON does not have (NaN, infinity) become null.

    Examples
    --------
    >>> print(to_json({"ssim": float("nan"), "size": np.array([3, 5])}))
    {
      "ssim": null,
      "size": [
        3,
        5
      ]
    }
    """
    return json.dumps(_plain(data), indent=2, allow_nan=False, ensure_ascii=False)


def write_json(path: Path, data: Any) -> None:
    """Write a JSON file, complete or not at all.

    Raises
    ------
    InputError
        If the folder is full or cannot be written to.
    """
    text = to_json(data).encode()
    with atomic(path, needed_bytes=len(text)) as (temporary,):
        temporary.write_bytes(text)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises
    ------
    InputError
        For a missing file, text that is not a JSON object, and numbers that are not finite.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}); check the path") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not valid JSON ({error}); repair it") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} holds JSON that is no object; write {{...}} with one entry per setting")
    return values


def _refuse_constant(text: str) -> float:
    raise InputError(f"a setting is {text}; every number must be finite")


def _plain(value: Any) -> Any:
    """Built-in types only."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value
