"""What light does between a point in the sample and the camera: scalar pupil models, differentiable in everything."""

from .model import Modality, Optics, ideal_psf, psf
from .pupil import Pupil
from .sampling import Sampling
from .zernike import noll, zernike

__all__ = ["Modality", "Optics", "Pupil", "Sampling", "ideal_psf", "noll", "psf", "zernike"]
