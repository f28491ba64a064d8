"""Small denoising networks that ship with the package, or come from a user's file."""

from .denoiser import Denoiser
from .planes import over_planes
from .sampling import heun_draw, noise_levels
from .unet import UNetShape, parameter_count
from .weights import SHIPPED, ModelCard, load, save, shipped

__all__ = [
    "SHIPPED",
    "Denoiser",
    "ModelCard",
    "UNetShape",
    "heun_draw",
    "load",
    "noise_levels",
    "over_planes",
    "parameter_count",
    "save",
    "shipped",
]
