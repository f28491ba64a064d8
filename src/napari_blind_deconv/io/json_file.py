"""JSON files: reports written, settings read."""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_blind_deconv._types import InputError
from napari_blind_deconv.regular_file import read_bytes

from .atomic import atomic

_LARGEST = 16 * 2**20  # bytes; a report with every frame's figures has one
# What no terminal should be sent, no XML may hold and UTF-8 does not have; in JSON it can be escaped.
_UNSAFE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


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
    text = json.dumps(_plain(data), indent=2, allow_nan=False, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def write_json(path: Path, data: Any, mark: str = "") -> None:
    """Write a JSON file, complete or not at all; ``mark`` as of `atomic`.

    Raises
    ------
    InputError
        If the folder is full or cannot be written to.
    """
    text = to_json(data).encode()
    with atomic(path, needed_bytes=len(text), mark=mark) as (temporary,):
        temporary.write_bytes(text)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises
    ------
    InputError
        For a file that is missing, no regular one or too large, for text that is not a JSON object, and for numbers
        that are not finite.
    """
    content = read_bytes(path, "settings file", _LARGEST)
    try:
        values = json.loads(content.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(
            subject="settings file",
            value=str(path),
            allowed=f"is not valid JSON ({_reason(error)})",
            remedy="repair it",
        ) from error
    if not isinstance(values, dict):
        raise InputError(
            subject="settings file",
            value=str(path),
            allowed="contains JSON that is not an object",
            remedy="write {...} with one entry per setting",
        )
    return values


def _refuse_constant(text: str) -> float:
    raise InputError(
        subject="settings file", value=f"says {text}", allowed="but every number must be finite", remedy="repair it"
    )


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg[:1].lower()}{error.msg[1:]}, line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 text, byte {error.start}"
    return "it is nested too deep" if isinstance(error, RecursionError) else "a number has too many digits"


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
