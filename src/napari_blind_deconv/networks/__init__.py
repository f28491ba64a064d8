"""Small denoising networks that ship with the package, or come from a user's file or folder.

The public names are imported on first use: what may name a network is declared, and set, without PyTorch.
"""

from typing import TYPE_CHECKING

from napari_blind_deconv._on_first_use import on_first_use

if TYPE_CHECKING:
    from .denoiser import Denoiser
    from .diffusers_folder import is_folder, load_folder
    from .planes import ORIENTATIONS, over_planes, seen_turned
    from .sampling import heun_draw, noise_levels
    from .stored import Stored, finite_answer
    from .tiles import in_tiles, reach
    from .unet import UNet, UNetShape, parameter_count
    from .variance_preserving import Schedule, VariancePreserving
    from .weights import SHIPPED, ModelCard, load, load_for_planes, save, shipped, shipped_path

__all__ = [
    "ORIENTATIONS",
    "SHIPPED",
    "Denoiser",
    "ModelCard",
    "Schedule",
    "Stored",
    "UNet",
    "UNetShape",
    "VariancePreserving",
    "finite_answer",
    "heun_draw",
    "in_tiles",
    "is_folder",
    "load",
    "load_folder",
    "load_for_planes",
    "noise_levels",
    "over_planes",
    "parameter_count",
    "reach",
    "save",
    "seen_turned",
    "shipped",
    "shipped_path",
]

_HOMES = {
    "denoiser": ("Denoiser",),
    "diffusers_folder": ("is_folder", "load_folder"),
    "planes": ("ORIENTATIONS", "over_planes", "seen_turned"),
    "sampling": ("heun_draw", "noise_levels"),
    "stored": ("Stored", "finite_answer"),
    "tiles": ("in_tiles", "reach"),
    "unet": ("UNet", "UNetShape", "parameter_count"),
    "variance_preserving": ("Schedule", "VariancePreserving"),
    "weights": ("SHIPPED", "ModelCard", "load", "load_for_planes", "save", "shipped", "shipped_path"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


__getattr__ = on_first_use(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted(__all__)
