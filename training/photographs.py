"""The photographs inside scikit-image that are CC0 or in the public domain, by the words of its documentation.

The cameraman, the cat and the grass are left out: the package's samples and experiments show them.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from skimage import data, transform

Float = NDArray[np.float32]

# Factor by which each is shrunk first: compression and interpolation lie below its pixels.
PHOTOGRAPHS: Mapping[str, float] = MappingProxyType(
    {
        "astronaut": 1.0,
        "brick": 1.0,
        "cell": 0.5,
        "coffee": 1.0,
        "gravel": 1.0,
        "hubble_deep_field": 0.5,
        "retina": 0.4,
        "rocket": 0.6,
    }
)
_HELD_OUT = 0.25


def crops(size: int, count: int, rng: np.random.Generator, held_out: bool) -> list[Float]:
    """Square crops at random places and scales, grey by a random mixture of the colours, in 0 … 1.

    The last quarter of every photograph's rows is for measuring, the rest for training.
    """
    names = list(PHOTOGRAPHS)
    sources = {name: _part(name, held_out) for name in names}
    found: list[Float] = []
    while len(found) < count:
        image = sources[names[rng.integers(len(names))]]
        most = min(1.0, min(image.shape[:2]) / size)
        window = min(int(size / rng.uniform(min(0.7, most), 1.0)), *image.shape[:2])
        top, left = (rng.integers(0, n - window + 1) for n in image.shape[:2])
        grey = image[top : top + window, left : left + window] @ rng.dirichlet([2.0] * image.shape[2])
        found.append(np.clip(transform.resize(grey, (size, size), anti_aliasing=True), 0, 1).astype(np.float32))
    return found


def _part(name: str, held_out: bool) -> Float:
    """The rows for training or for measuring, ``(y, x, colour)``, shrunk, in 0 … 1."""
    image = getattr(data, name)()
    image = np.atleast_3d(image).astype(np.float32)[..., :3] / 255
    cut = round((1 - _HELD_OUT) * len(image))
    image = image[cut:] if held_out else image[:cut]
    factor = PHOTOGRAPHS[name]
    shape = [round(n * factor) for n in image.shape[:2]]
    return np.asarray(image if factor == 1 else transform.resize(image, shape, anti_aliasing=True), np.float32)
