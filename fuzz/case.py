"""What every kind of case is made of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_blind_deconv import io

Rng = np.random.Generator
# Writes files into the working folder; gives a command line.
Maker = Callable[[Rng, Path], list[str]]

QUICK = ("--kernel-size", "5", "--iterations", "2")


def pick(rng: Rng, choices: Any) -> Any:
    """One of a list, as it is: NumPy would turn it into a type of its own."""
    return choices[int(rng.integers(len(choices)))]


def chance(rng: Rng, share: float) -> bool:
    """Whether something of this share happens."""
    return bool(rng.random() < share)


def picture(rng: Rng, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A smooth scene of no particular kind, from 0 to 1."""
    values = ndimage.gaussian_filter(rng.random(shape), 1.2)
    values = (values - values.min()) / (np.ptp(values) or 1)
    return np.asarray(values, np.float32)


def good_image(rng: Rng, path: Path) -> None:
    """An image with which nothing is wrong."""
    values = picture(rng, pick(rng, [(16, 18), (20, 15), (14, 21), (5, 10, 11)]))
    if chance(rng, 0.3):
        values = rng.poisson(40 * values).astype(np.float32)
    voxels = (0.3, 0.1, 0.1)[-values.ndim :]
    io.write(path, io.Volume(values, "ZYX"[-values.ndim :], voxels if chance(rng, 0.8) else None), {})
