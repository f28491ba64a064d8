"""Trained figures on disk: a safetensors file and a JSON model card beside it, which names the file's SHA-256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import pydantic
from annotated_types import Len
from safetensors import SafetensorError

from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.regular_file import read_bytes

if TYPE_CHECKING:
    from torch import Tensor


@component
class Card:
    """What every model card says; a kind of model adds what it takes to build it."""

    name: str
    """What it denoises."""
    sha256: Annotated[str, Len(64, 64)]
    """Checksum of the safetensors file, hexadecimal."""
    licence: str = "BSD-3-Clause"
    """Of the weights."""
    data: str = ""
    """What it was trained on, and under which licence that is."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """Steps, batch, seed and the like."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """Measured quality."""


AnyCard = TypeVar("AnyCard", bound=Card)

_LARGEST, _LARGEST_CARD = 2**30, 2**20  # bytes
_HEADER = 2**20  # bytes that names and shapes may take
_HUMAN = {
    "String should": "it should",
    "Input should be a valid dictionary or an instance of UNetShape": "it should be an object",
    "Input should be": "it should be",
    "Unexpected keyword argument": "there is no such entry",
    "Value error, ": "",
}


def changed(path: Path, what: str) -> tuple[int, int]:
    """When a file and its card were last written: what a cache is keyed by.

    Raises
    ------
    InputError
        Where one of them is missing; ``what`` is the word for the two.
    """
    try:
        return path.stat().st_mtime_ns, path.with_suffix(".json").stat().st_mtime_ns
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name contains characters that file names cannot have"
        raise InputError(
            subject=f"{what} {str(path)!r}",
            value=f"cannot be read ({reason})",
            remedy="give a .safetensors file with its model card, a .json file of the same name, beside it",
        ) from error


def read_card(path: Path, kind: type[AnyCard]) -> AnyCard:
    """The model card of a safetensors file.

    Raises
    ------
    InputError
        Where it is incomplete or no such file.
    """
    path = path.with_suffix(".json")
    try:
        return pydantic.TypeAdapter(kind).validate_json(read_bytes(path, "model card", _LARGEST_CARD))
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part)[:40] for part in first["loc"][:4]) or "the file"
        needed = [n for n, f in kind.__pydantic_fields__.items() if f.is_required()]  # type: ignore[attr-defined]
        raise InputError(
            subject=f"model card {str(path)!r}",
            value=f"is not usable: {place}: {in_words(first['msg'])}",
            remedy=f"it needs {', '.join(needed)}",
        ) from error


def read(path: Path, card: Card, what: str, numbers: int) -> dict[str, Tensor]:
    """The tensors that a card describes.

    Parameters
    ----------
    path
        The safetensors file.
    card
        Its model card.
    what
        The word for the two.
    numbers
        How many the card asks for: a file that holds far more or fewer is refused before it is read.

    Raises
    ------
    InputError
        Where the size or the checksum differ, the file is no safetensors file, or a number in it is not finite.
    """
    from safetensors.torch import load as read_tensors  # it imports PyTorch

    size = path.stat().st_size if path.is_file() else 0
    if path.is_file() and not numbers <= size <= 8 * numbers + _HEADER:
        raise _unfitting(path, what, f"it has {size} bytes, but its card describes {numbers} numbers")
    stored = read_bytes(path, what, _LARGEST)
    found = hashlib.sha256(stored).hexdigest()
    if found != card.sha256:
        raise InputError(
            subject=f"{what} {str(path)!r}",
            value=f"has the SHA-256 {found[:12]}…, its model card says {card.sha256[:12]!r}…",
            remedy=f"one of the two files is damaged or belongs to another {what}, so download or copy both again",
        )
    try:
        tensors: dict[str, Tensor] = read_tensors(stored)
    except (SafetensorError, ValueError, TypeError, RuntimeError) as error:
        raise _unfitting(path, what, "it is not a safetensors file") from error
    if not all(tensor.is_floating_point() and bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise InputError(
            subject=f"{what} {str(path)!r}",
            value="holds numbers that are NaN, infinite or not floats",
            remedy="train it again, or copy it again",
        )
    return tensors


def check_shapes(path: Path, what: str, tensors: Mapping[str, Tensor], expected: Mapping[str, Sequence[int]]) -> None:
    """Refuse tensors that are not those that the card describes.

    Raises
    ------
    InputError
        Naming the first that is missing, of another shape or too many.
    """
    for name, shape in expected.items():
        if name not in tensors:
            raise _unfitting(path, what, f"it has no {name}")
        if tuple(tensors[name].shape) != tuple(shape):
            raise _unfitting(path, what, f"{name} has the shape {tuple(tensors[name].shape)}, not {tuple(shape)}")
    if other := sorted(set(tensors) - set(expected)):
        raise _unfitting(path, what, f"it holds {other[0][:40]!r} besides")


def _unfitting(path: Path, what: str, reason: str) -> InputError:
    return InputError(
        subject=f"{what} {str(path)!r}",
        value=f"does not fit its model card: {reason}",
        remedy="the card must describe what was trained",
    )


def in_words(message: str) -> str:
    """What a validation says, without the names of types."""
    for machine, human in _HUMAN.items():
        message = message.replace(machine, human)
    return message[:200]


def write(path: Path, tensors: Mapping[str, Tensor], kind: type[AnyCard], card: Mapping[str, Any]) -> AnyCard:
    """Write tensors, and beside them their card, which is completed by the checksum."""
    from safetensors.torch import save as tensors_to_bytes  # it imports PyTorch

    adapter = pydantic.TypeAdapter(kind)
    stored = tensors_to_bytes({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    complete = adapter.validate_python({**card, "sha256": hashlib.sha256(stored).hexdigest()})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stored)
    text = json.dumps(adapter.dump_python(complete, mode="json"), indent=2, ensure_ascii=False)
    path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    return complete
