"""What a run says about itself: versions, memory and checksum."""

import functools
import hashlib
import importlib.metadata
import math
import platform
import sys
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import finished

# Values that are read together.
_AT_ONCE = 1 << 20
_PACKAGES = ("napari-blind-deconv", "numpy", "scipy", "torch", "scikit-image", "tifffile", "pydantic")


@functools.cache
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the numbers."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def peak_memory_mb() -> float | None:
    """Largest resident memory of this process so far, in MB; ``None`` where the system does not tell (Windows)."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1))


def checksum(image: NDArray[Any]) -> str:
    """SHA-256 of an array's values in C order.

    Examples
    --------
    >>> image = np.arange(12).reshape(3, 4).T
    >>> checksum(image) == hashlib.sha256(image.tobytes()).hexdigest()
    True
    """
    return finished(checksum_steps(image.__getitem__, image.shape))


def checksum_steps(
    read: Callable[[tuple[slice, ...]], NDArray[Any]], shape: tuple[int, ...]
) -> Generator[str, None, str]:
    """The same of an image that is read by regions, a few million pixels at a time, a yield after each."""
    found = hashlib.sha256()
    for region in _in_order(shape):
        found.update(np.ascontiguousarray(read(region)).data)
        yield "checksum of the image"
    return found.hexdigest()


def _in_order(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Regions that follow each other in C order: single indices of the first axes, and some of the next one."""
    below = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    axis = next((a for a, size in enumerate(below) if size <= _AT_ONCE), len(shape) - 1)
    several = max(1, _AT_ONCE // max(below[axis], 1))
    whole = tuple(slice(0, n) for n in shape[axis + 1 :])
    for index in np.ndindex(*shape[:axis]):
        first = tuple(slice(i, i + 1) for i in index)
        for start in range(0, shape[axis], several):
            yield (*first, slice(start, min(start + several, shape[axis])), *whole)
