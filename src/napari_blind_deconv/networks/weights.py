"""Weights on disk: a safetensors file and a JSON model card beside it, which names the file's SHA-256."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import pydantic
import torch
from annotated_types import Gt, Len
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from safetensors.torch import save as tensors_to_bytes
from torch import Tensor

from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.networks.denoiser import Denoiser
from napari_blind_deconv.networks.unet import UNetShape


@component
class ModelCard:
    """What a network is, what it was trained on, and what its weights' file must be."""

    name: str
    """What it denoises."""
    network: UNetShape
    """Its architecture."""
    sigma_range: tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)]]
    """Noise levels that it was trained for, smallest and largest, in the unit below."""
    unit: str
    """What the value 1 is."""
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


# Names of the networks in the wheel, in ``weights/``.
SHIPPED = ("images", "kernels")

_CARD: pydantic.TypeAdapter[ModelCard] = pydantic.TypeAdapter(ModelCard)


def shipped(name: str, device: torch.device | str = "cpu") -> tuple[Denoiser, ModelCard]:
    """A network that comes with the package, by name."""
    return load(Path(str(files("napari_blind_deconv"))) / "weights" / f"{name}.safetensors", device)


def load(path: Path | str, device: torch.device | str = "cpu") -> tuple[Denoiser, ModelCard]:
    """A network from its safetensors file, and the model card from the JSON file of the same name beside it.

    The same file is read once. The network is in evaluation mode and takes no gradients for its weights.

    Raises
    ------
    InputError
        Where a file is missing, the card is incomplete, the checksum differs, or weights and architecture disagree.
    """
    path = Path(path)
    try:
        changed = path.stat().st_mtime_ns, path.with_suffix(".json").stat().st_mtime_ns
    except OSError as error:
        raise InputError(
            f"network {str(path)!r} cannot be read ({error.strerror}); give a .safetensors file with its model card, "
            "a .json file of the same name, beside it"
        ) from error
    return _load(path, changed, str(device))


@lru_cache(maxsize=8)
def _load(path: Path, changed: tuple[int, int], device: str) -> tuple[Denoiser, ModelCard]:
    card = _read_card(path.with_suffix(".json"))
    stored = path.read_bytes()
    found = hashlib.sha256(stored).hexdigest()
    if found != card.sha256:
        raise InputError(
            f"network {str(path)!r} has the SHA-256 {found[:12]}…, its model card says {card.sha256[:12]}…; one of the "
            "two files is damaged or belongs to another network, so get both again"
        )
    denoiser = Denoiser(card.network)
    try:
        denoiser.load_state_dict(read_tensors(stored))
    except (RuntimeError, SafetensorError) as error:
        raise InputError(
            f"network {str(path)!r} does not fit its model card: {str(error).splitlines()[0]}; the card's 'network' "
            "must be the architecture that was trained"
        ) from error
    return denoiser.eval().requires_grad_(False).to(device), card


def save(path: Path | str, weights: Mapping[str, Tensor], card: Mapping[str, Any]) -> ModelCard:
    """Write weights, and beside them their card, which is completed by the checksum.

    Parameters
    ----------
    path
        ``….safetensors``; the card takes the same name with ``.json``.
    weights
        The state of a `Denoiser`.
    card
        Fields of a `ModelCard` but ``sha256``.
    """
    path = Path(path)
    stored = tensors_to_bytes({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})
    complete = _CARD.validate_python({**card, "sha256": hashlib.sha256(stored).hexdigest()})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stored)
    text = json.dumps(_CARD.dump_python(complete, mode="json"), indent=2, ensure_ascii=False)
    path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    return complete


def _read_card(path: Path) -> ModelCard:
    try:
        return _CARD.validate_json(path.read_bytes())
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(
            f"model card {str(path)!r} is not usable: {place}: {first['msg']}; it needs name, network, sigma_range, "
            "unit and sha256"
        ) from error
