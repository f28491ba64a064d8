"""The likelihood p(y | x, k): blur inside an unknown surround, plus noise."""

from .blur import Frame, adjoint_kernel, predict
from .corner_noise import corner_sigma
from .data_term import DataTerm
from .likelihood import CameraNoiseModel, GaussianNoise, Likelihood, ReadFromImage
from .noise import Noise
from .noise_reading import read_noise
from .operator import Blur
from .space_variant import KernelField, VariantBlur

__all__ = [
    "Blur",
    "CameraNoiseModel",
    "DataTerm",
    "Frame",
    "GaussianNoise",
    "KernelField",
    "Likelihood",
    "Noise",
    "ReadFromImage",
    "VariantBlur",
    "adjoint_kernel",
    "corner_sigma",
    "predict",
    "read_noise",
]
