"""Networks on disk: weights and their model card."""

import math
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import torch
from annotated_types import Gt, Le
from torch import Tensor

from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.networks import checked
from napari_blind_deconv.networks.denoiser import Denoiser
from napari_blind_deconv.networks.unet import UNetShape


@component
class ModelCard(checked.Card):
    """What a network is, what it was trained on, and what its weights' file must be."""

    network: UNetShape
    """Its architecture."""
    sigma_range: tuple[Annotated[float, Gt(0), Le(1e6)], Annotated[float, Gt(0), Le(1e6)]]
    """Noise levels that it was trained for, smallest and largest, in the unit below."""
    unit: str
    """What the value 1 is."""

    def __post_init__(self) -> None:
        """Refuse noise levels in the wrong order."""
        if not self.sigma_range[0] < self.sigma_range[1]:
            raise ValueError("sigma_range should be the smallest level and the largest")


# Names of the networks in the wheel, in ``weights/``.
SHIPPED = ("images", "kernels")


def shipped(name: str, device: torch.device | str = "cpu") -> tuple[Denoiser, ModelCard]:
    """A network that comes with the package, by name."""
    return load(shipped_path(name), device)


def shipped_path(name: str) -> Path:
    """The safetensors file that comes with the package under this name."""
    return Path(str(files("napari_blind_deconv"))) / "weights" / f"{name}.safetensors"


def load(path: Path | str, device: torch.device | str = "cpu") -> tuple[Denoiser, ModelCard]:
    """A network from its safetensors file, and the model card from the JSON file of the same name beside it.

    The same file is read once. The network is in evaluation mode and takes no gradients for its weights.

    Raises
    ------
    InputError
        Where a file is missing, the card is incomplete, the checksum differs, or weights and architecture disagree.
    """
    path = Path(path)
    return _load(path, checked.changed(path, "network"), str(device))


@lru_cache(maxsize=8)
def _load(path: Path, changed: tuple[int, int], device: str) -> tuple[Denoiser, ModelCard]:
    card = checked.read_card(path, ModelCard)
    with torch.device("meta"):
        # Its shapes, which take no memory: a card may claim any size.
        expected = {name: tuple(tensor.shape) for name, tensor in Denoiser(card.network).state_dict().items()}
    tensors = checked.read(path, card, "network", sum(math.prod(shape) for shape in expected.values()))
    checked.check_shapes(path, "network", tensors, expected)
    denoiser = Denoiser(card.network)
    denoiser.load_state_dict(tensors)
    return denoiser.eval().requires_grad_(False).to(device), card


def load_for_planes(path: Path | str, device: torch.device | str = "cpu") -> tuple[Denoiser, ModelCard]:
    """The same, of a network that denoises planes; another is refused.

    Raises
    ------
    InputError
        As `load`, and for a network of lines or volumes.
    """
    denoiser, card = load(path, device)
    if card.network.ndim != 2:
        raise InputError(
            subject=f"network {str(path)!r}",
            value=f"works on {card.network.ndim} axes",
            allowed="but must work on planes, 2 axes",
            remedy="give one that was trained on planes",
        )
    return denoiser, card


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
    return checked.write(Path(path), weights, ModelCard, card)
