"""The likelihood p(y | x, k): blur inside an unknown surround, plus noise."""

from .blur import Frame, adjoint_kernel, adjoint_scene, predict
from .noise import estimate_noise

__all__ = ["Frame", "adjoint_kernel", "adjoint_scene", "estimate_noise", "predict"]
