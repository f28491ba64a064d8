"""Where to compute."""

import torch

from napari_blind_deconv._types import InputError
from napari_blind_deconv.settings import Settings


def device_of(settings: Settings) -> torch.device:
    """Where to compute."""
    name = settings.device
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there[name]:
        usable = ", ".join(d for d, ok in there.items() if ok)
        raise InputError(
            subject="device",
            value=f"{name!r} is not available on this machine",
            allowed=f"where auto, {usable} are",
            remedy="choose `device=auto`",
        )
    return torch.device(name)
