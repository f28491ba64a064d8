"""Trained figures on disk: a safetensors file and a JSON model card beside it, which names the file's SHA-256."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pydantic
from annotated_types import Len
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from safetensors.torch import save as tensors_to_bytes
from torch import Tensor

from napari_blind_deconv._types import InputError, component


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


def changed(path: Path, what: str) -> tuple[int, int]:
    """When a file and its card were last written: what a cache is keyed by.

    Raises
    ------
    InputError
        Where one of them is missing; ``what`` is the word for the two.
    """
    try:
        return path.stat().st_mtime_ns, path.with_suffix(".json").stat().st_mtime_ns
    except OSError as error:
        raise InputError(
            f"{what} {str(path)!r} cannot be read ({error.strerror}); give a .safetensors file with its model card, "
            "a .json file of the same name, beside it"
        ) from error


def read(path: Path, kind: type[AnyCard], what: str) -> tuple[dict[str, Tensor], AnyCard]:
    """Tensors and card.

    Raises
    ------
    InputError
        Where the card is incomplete, the checksum differs, or the file is no safetensors file.
    """
    card = _read_card(path.with_suffix(".json"), kind)
    stored = path.read_bytes()
    found = hashlib.sha256(stored).hexdigest()
    if found != card.sha256:
        raise InputError(
            f"{what} {str(path)!r} has the SHA-256 {found[:12]}…, its model card says {card.sha256[:12]}…; one of the "
            f"two files is damaged or belongs to another {what}, so get both again"
        )
    try:
        return read_tensors(stored), card
    except SafetensorError as error:
        raise unfitting(path, what, error) from error


def unfitting(path: Path, what: str, error: Exception) -> InputError:
    """The refusal of tensors that are not those that the card describes."""
    return InputError(
        f"{what} {str(path)!r} does not fit its model card: {str(error).splitlines()[0]}; the card must describe what "
        "was trained"
    )


def write(path: Path, tensors: Mapping[str, Tensor], kind: type[AnyCard], card: Mapping[str, Any]) -> AnyCard:
    """Write tensors, and beside them their card, which is completed by the checksum."""
    adapter = pydantic.TypeAdapter(kind)
    stored = tensors_to_bytes({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    complete = adapter.validate_python({**card, "sha256": hashlib.sha256(stored).hexdigest()})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stored)
    text = json.dumps(adapter.dump_python(complete, mode="json"), indent=2, ensure_ascii=False)
    path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    return complete


def _read_card(path: Path, kind: type[AnyCard]) -> AnyCard:
    try:
        return pydantic.TypeAdapter(kind).validate_json(path.read_bytes())
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        needed = [n for n, f in kind.__pydantic_fields__.items() if f.is_required()]  # type: ignore[attr-defined]
        raise InputError(
            f"model card {str(path)!r} is not usable: {place}: {first['msg']}; it needs {', '.join(needed)}"
        ) from error
