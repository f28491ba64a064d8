"""p(y | k) with the image marginalised, and the model of the image's spectrum that kernels are compared under."""

from .closed_form import Evidence
from .frames import Frames, exact
from .natural_spectrum import NaturalSpectrum
from .ridges import directional

__all__ = ["Evidence", "Frames", "NaturalSpectrum", "directional", "exact"]
