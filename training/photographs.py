"""Photographs that are CC0 or in the public domain, inside packages that are installed anyway.

Those in scikit-image are so by the words of its documentation; the portrait of Grace Hopper in Matplotlib is a work of
the United States Navy. The cameraman, the cat and the grass are left out: the package's samples and experiments show
them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from matplotlib.cbook import get_sample_data
from numpy.typing import NDArray
from PIL import Image
from skimage import data, transform

Float = NDArray[np.float32]


class Photograph(NamedTuple):
    """How a photograph is used.

    Attributes
    ----------
    factor
        By which it is shrunk first: compression and interpolation lie below its pixels.
    share
        How often it is drawn, relative to the others: the more, the more there is to see in it.
    """

    factor: float
    share: float


PHOTOGRAPHS: Mapping[str, Photograph] = MappingProxyType(
    {
        "astronaut": Photograph(1.0, 3),
        "brick": Photograph(1.0, 2),
        "cell": Photograph(0.5, 1),
        "coffee": Photograph(1.0, 3),
        "grace_hopper": Photograph(0.7, 3),
        "gravel": Photograph(1.0, 2),
        "hubble_deep_field": Photograph(0.5, 1),
        "retina": Photograph(0.4, 1),
        "rocket": Photograph(0.6, 2),
    }
)
_HELD_OUT = 0.25


def crops(size: int, count: int, rng: np.random.Generator, held_out: bool) -> list[Float]:
    """Square crops at random places and scales, grey by a random mixture of the colours, in 0 … 1.

    The last quarter of every photograph's rows is for measuring, the rest for training.
    """
    names = list(PHOTOGRAPHS)
    sources = {name: _part(name, held_out) for name in names}
    shares = np.array([PHOTOGRAPHS[name].share for name in names])
    found: list[Float] = []
    for name in rng.choice(names, count, p=shares / shares.sum()):
        image = sources[name]
        most = min(1.0, min(image.shape[:2]) / size)
        window = min(int(size / rng.uniform(min(0.7, most), 1.0)), *image.shape[:2])
        top, left = (rng.integers(0, n - window + 1) for n in image.shape[:2])
        grey = image[top : top + window, left : left + window] @ rng.dirichlet([2.0] * image.shape[2])
        found.append(np.clip(transform.resize(grey, (size, size), anti_aliasing=True), 0, 1).astype(np.float32))
    return found


def _part(name: str, held_out: bool) -> Float:
    """The rows for training or for measuring, ``(y, x, colour)``, shrunk, in 0 … 1."""
    image = np.atleast_3d(read(name)).astype(np.float32)[..., :3] / 255
    cut = round((1 - _HELD_OUT) * len(image))
    image = image[cut:] if held_out else image[:cut]
    factor = PHOTOGRAPHS[name].factor
    shape = [round(n * factor) for n in image.shape[:2]]
    return np.asarray(image if factor == 1 else transform.resize(image, shape, anti_aliasing=True), np.float32)


def read(name: str) -> NDArray[np.uint8]:
    """A photograph as it comes, ``(y, x)`` or ``(y, x, colour)``."""
    if name == "grace_hopper":
        with get_sample_data("grace_hopper.jpg") as file:
            return np.asarray(Image.open(file))
    return np.asarray(getattr(data, name)())
