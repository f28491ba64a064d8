"""The likelihood p(y | x, k): blur inside an unknown surround, plus noise."""

from .blur import Frame, adjoint_kernel, adjoint_scene, predict
from .noise import estimate_noise
from .operator import Blur

__all__ = ["Blur", "Frame", "adjoint_kernel", "adjoint_scene", "estimate_noise", "predict"]
