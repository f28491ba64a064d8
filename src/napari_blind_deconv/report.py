"""What a run says about itself: versions, memory, the kernel's description and the reasons to doubt it."""

import functools
import hashlib
import importlib.metadata
import platform
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv.metrics import describe_kernel

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


def kernel_doubts(kernel: NDArray[Any]) -> list[str]:
    """Sentences on why an estimated kernel should not be trusted; none for a kernel without a fault of form."""
    doubts = []
    if kernel.size > 1 and kernel.max() > 0.9:
        doubts.append(
            "the PSF collapsed to a single pixel: the image looks sharp already, or the image prior is too strong"
        )
    figures = describe_kernel(kernel)
    border = figures.get("border_fraction", 0.0)
    if border is not None and border > 0.05:
        doubts.append(f"{border:.0%} of the PSF lies on the border of its support; try a larger kernel_size")
    return doubts


def residual_doubts(residual_sigma: float, misfit_sigma: float) -> list[str]:
    """Sentences on a misfit between the blurred restoration and the observation."""
    if residual_sigma > 2 * misfit_sigma:
        return [
            f"the restored image, blurred again, misses the observation by {residual_sigma / misfit_sigma:.1f} times "
            "what noise and model error explain: PSF or noise level are wrong, or the blur differs across the image"
        ]
    return []
