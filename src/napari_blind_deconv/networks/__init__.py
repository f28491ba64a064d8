"""Small denoising networks that ship with the package, or come from a user's file."""

from .denoiser import Denoiser
from .planes import over_planes
from .sampling import heun_draw, noise_levels
from .tiles import in_tiles, reach
from .unet import UNetShape, parameter_count
from .weights import SHIPPED, ModelCard, load, save, shipped

__all__ = [
    "SHIPPED",
    "Denoiser",
    "ModelCard",
    "UNetShape",
    "heun_draw",
    "in_tiles",
    "load",
    "noise_levels",
    "over_planes",
    "parameter_count",
    "reach",
    "save",
    "shipped",
]
