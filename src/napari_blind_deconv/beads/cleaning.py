"""A noisy mean made a PSF: not negative, without noise where there is no light, with the faint light that there is."""

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SCALES = (0.7, 1.4, 2.8, 5.6)  # of a bead's standard deviation, by which the rest is smoothed, finest first
_SURE = 5.0  # standard errors; of many taps, some lie three away by chance


def cleaned(mean: Array, error: Array, widths: Sequence[float], pedestal: float = 0.0) -> Array:
    """Unit sum, from a mean with its standard error per tap.

    Setting what is negative to zero would keep the positive half of the noise, which in a large window holds more light
    than the PSF. Instead every tap is averaged with its neighbours just as widely as it takes to stand out from the
    noise: not at all in the core, more and more in the haze, over all that is left in the end; what does not stand out
    even then is 0. Taps that are settled do not enter the averages of the others, so that the core does not leak.

    Parameters
    ----------
    mean, error
        Of one shape; the errors of different taps are independent.
    widths
        Typical full width at half maximum of a bead per axis, in taps.
    pedestal
        Standard error that all taps have in common: that of the background.
    """
    sigmas = np.array(widths) / 2.355
    kernel, open_ = np.zeros(mean.shape), np.ones(mean.shape, bool)
    first = True
    for scale in _SCALES:
        level, spread = _averaged(mean, error, open_, scale * sigmas)
        settled = open_ & (level > _SURE * np.hypot(spread, pedestal))
        kernel[settled] = np.maximum(mean if first else level, 0)[settled]
        open_ &= ~settled
        first = False
    if open_.any():
        rest = float(mean[open_].mean())
        spread = float(np.sqrt((error[open_] ** 2).sum())) / open_.sum()
        if rest > _SURE * np.hypot(spread, pedestal):
            kernel[open_] = rest
    return kernel / kernel.sum() if kernel.any() else kernel


def _averaged(mean: Array, error: Array, where: NDArray[np.bool_], sigmas: Array) -> tuple[Array, Array]:
    """Gaussian averages over some of the taps, and their standard errors."""
    share = np.maximum(scipy.ndimage.gaussian_filter(where.astype(float), sigmas, mode="constant"), 1e-9)
    level = scipy.ndimage.gaussian_filter(np.where(where, mean, 0.0), sigmas, mode="constant") / share
    # The square of a Gaussian is a narrower one, times the sum of its squared weights.
    weight = float(np.prod([_squares(s) for s in sigmas]))
    variance = (
        scipy.ndimage.gaussian_filter(np.where(where, error**2, 0.0), sigmas / np.sqrt(2), mode="constant") * weight
    )
    return level, np.sqrt(variance) / share


def _squares(sigma: float) -> float:
    """Sum of the squared weights of a sampled Gaussian."""
    reach = int(4 * sigma + 0.5)
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / 2 / sigma**2)
    return float((weights**2).sum() / weights.sum() ** 2)
