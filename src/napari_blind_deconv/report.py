"""What a run says about itself: versions, memory and checksum."""

import functools
import hashlib
import importlib.metadata
import platform
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    """SHA-256 of an array's values in C order."""
    return hashlib.sha256(np.ascontiguousarray(image).data).hexdigest()
