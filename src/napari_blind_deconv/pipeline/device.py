"""Where to compute, and where a run is expected to before PyTorch is there to say so."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

from napari_blind_deconv import _torch
from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError

if TYPE_CHECKING:
    from napari_blind_deconv.settings import Settings


class Where(Protocol):
    """What a plan has to know of a device: ``torch.device`` and `Place` say it."""

    @property
    def type(self) -> str:
        """``cpu``, ``cuda`` or ``mps``."""
        ...


@dataclass(frozen=True)
class Place:
    """A kind of device, without PyTorch.

    Examples
    --------
    >>> str(Place("cpu"))
    'cpu'
    """

    type: str

    def __str__(self) -> str:
        return self.type


CPU: Final = Place("cpu")


def on(where: Where) -> torch.device:
    """The device itself."""
    return torch.device(where.type) if isinstance(where, Place) else cast("torch.device", where)


def device_of(settings: Settings) -> torch.device:
    """Where to compute."""
    name = settings.device
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    _refuse_missing(name, {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()})
    return torch.device(name)


def expected_place(settings: Settings) -> Where:
    """Where a run will compute, as far as that can be known without importing PyTorch, which takes seconds.

    A card counts as there where the installed PyTorch is built for it and its driver is loaded. A run asks again.

    Raises
    ------
    InputError
        For a device that certainly is not there.
    """
    if _torch.is_loaded():
        return device_of(settings)
    name, card = settings.device, _built_for_cuda() and _has_driver()
    if name == "auto":
        return Place("cuda" if card else "cpu")
    _refuse_missing(name, {"cpu": True, "cuda": card, "mps": sys.platform == "darwin"})
    return Place(name)


def _refuse_missing(name: str, there: dict[str, bool]) -> None:
    if not there[name]:
        usable = ", ".join(d for d, ok in there.items() if ok)
        raise InputError(
            subject="device",
            value=f"{name!r} is not available on this machine",
            allowed=f"where auto, {usable} are",
            remedy="choose `device=auto`",
        )


@cache
def _built_for_cuda() -> bool:
    """Whether the installed PyTorch can use an NVIDIA card, by the file that says its version."""
    found = find_spec("torch")
    if found is None or not found.submodule_search_locations:
        return False
    path = Path(found.submodule_search_locations[0]) / "version.py"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return False
    return re.search(r"^cuda\b[^=]*=\s*['\"]", text, re.MULTILINE) is not None


@cache
def _has_driver() -> bool:
    """Whether the driver of an NVIDIA card is loaded."""
    if sys.platform == "win32":
        return (Path("C:/Windows/System32") / "nvcuda.dll").is_file()
    return Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()
