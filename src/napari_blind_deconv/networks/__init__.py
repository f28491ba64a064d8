"""Small denoising networks that ship with the package, or come from a user's file or folder."""

from .denoiser import Denoiser
from .diffusers_folder import is_folder, load_folder
from .planes import ORIENTATIONS, over_planes, seen_turned
from .sampling import heun_draw, noise_levels
from .stored import Stored, finite_answer
from .tiles import in_tiles, reach
from .unet import UNetShape, parameter_count
from .variance_preserving import Schedule, VariancePreserving
from .weights import SHIPPED, ModelCard, load, load_for_planes, save, shipped

__all__ = [
    "ORIENTATIONS",
    "SHIPPED",
    "Denoiser",
    "ModelCard",
    "Schedule",
    "Stored",
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
]
