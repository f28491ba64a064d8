"""Fourier ring and shell correlation: how fine a detail two images of one scene agree on.

    FRC(r) = Σ Re(A B*) / √( Σ |A|² Σ |B|² ),    sums over the frequencies of ring (2-D) or shell (3-D) r,         (1)

1 where both images say the same, 0 on average where what they say is noise of their own (Saxton & Baumeister 1982,
doi:10.1111/j.1365-2818.1982.tb00405.x; in light microscopy Nieuwenhuizen et al. 2013, doi:10.1038/nmeth.2448).

Where the two images have half of the light each, 1/7 is where all of the light correlates by one half with the scene
itself (Rosenthal & Henderson 2003, doi:10.1016/j.jmb.2003.07.013). A fixed level is a convention, and others exist
(van Heel & Schatz 2005, doi:10.1016/j.jsb.2005.05.009).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_blind_deconv._types import InputError

from .psf import spacing_of

Array = NDArray[np.float64]

THRESHOLD = 1 / 7
"""The correlation of two halves of the light from which on a detail counts as seen."""
# Rings whose mean is compared with the threshold: a single one is noisy.
_RINGS = 3
# Frequencies within a Hann window's main lobe are correlated: along a ring so many of them, per direction, carry one.
_PER_INDEPENDENT = 1.944


@dataclass(frozen=True)
class FourierCorrelation:
    """A curve of equation (1), from low frequencies to those that the pixels can carry along every axis.

    Attributes
    ----------
    frequency
        Mean of each ring, in cycles per ``unit``.
    correlation
        -1 to 1; 0 where an image has nothing at all.
    error
        Standard deviation of the correlation of noise with noise: 1 / √(independent frequencies in the ring).
    unit
        "µm", or "px" where no voxel size is known.
    finest
        The highest frequency that the pixels carry, in cycles per ``unit``.
    """

    frequency: Array
    correlation: Array
    error: Array
    unit: Literal["µm", "px"]
    finest: float

    def resolution(self, threshold: float = THRESHOLD) -> tuple[float | None, Literal["light", "pixels", "nothing"]]:
        """The finest period that both images show, in ``unit``, and what limits it.

        The curve, as a running mean of three rings, falls below the threshold for the first time (``light``), or stays
        above it as far as the pixels go (``pixels``: the period is two of them, and the image may hold finer detail),
        or never reaches it (``nothing``: there is no such period).
        """
        smooth = _running(self.correlation)
        below = np.flatnonzero(smooth < threshold)
        if not below.size:
            return 1 / self.finest, "pixels"
        first = int(below[0])
        if first == 0:
            return None, "nothing"
        high, low = smooth[first - 1], smooth[first]
        share = (high - threshold) / (high - low)
        crossing = self.frequency[first - 1] + share * (self.frequency[first] - self.frequency[first - 1])
        return float(1 / crossing), "light"

    def mean(self, other: "FourierCorrelation") -> "FourierCorrelation":
        """The mean of two curves over the same rings; its error is kept, as if both had the same noise."""
        return replace(self, correlation=(self.correlation + other.correlation) / 2)

    def to_dict(self) -> dict[str, Any]:
        """The curve as JSON has it, to four digits."""
        curve = {name: getattr(self, name) for name in ("frequency", "correlation", "error")}
        return {name: [float(f"{v:.4g}") for v in values] for name, values in curve.items()} | {"unit": self.unit}


def fourier_correlation(
    one: ArrayLike,
    other: ArrayLike,
    voxel_size_um: Sequence[float] | None = None,
    *,
    ndim: int | None = None,
) -> FourierCorrelation:
    """The correlation of two images, ring by ring; both go through a Hann window, so that borders correlate with none.

    Parameters
    ----------
    one, other
        Of one shape, ``(..., *space)``.
    voxel_size_um
        One positive length per axis of ``space``; None: frequencies are in cycles per pixel.
    ndim
        How many of the last axes are transformed; the sums of a ring run over the others, as over the planes of a
        stack. By default all: rings in a plane, shells in a volume.

    Raises
    ------
    InputError
        For images of different shapes, of fewer than four samples along a transformed axis, and wrong voxel sizes.

    Examples
    --------
    >>> image = np.random.default_rng(0).normal(size=(64, 64))
    >>> curve = fourier_correlation(image, image, (0.1, 0.1))
    >>> bool(np.allclose(curve.correlation, 1)), curve.resolution()
    (True, (0.2, 'pixels'))
    """
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    axes = first.ndim if ndim is None else ndim
    _refuse(first, second, axes)
    shape = first.shape[-axes:]
    spacing = spacing_of(np.empty(shape), voxel_size_um)
    spectra = [_spectrum(values, shape) for values in (first, second)]
    ring, radius, finest = _rings(shape, spacing)
    count = int(ring.max()) + 1
    counted = _multiplicity(shape)

    def total(values: Array) -> Array:
        summed = (values * counted).reshape(-1, ring.size).sum(0)
        return np.asarray(np.bincount(ring.ravel() + 1, summed, count + 1)[1:], np.float64)

    a, b = spectra
    cross, powers = total((a * b.conj()).real), [total(np.abs(s) ** 2) for s in (a, b)]
    root = np.sqrt(powers[0] * powers[1])
    frames = first.size / math.prod(shape)
    members = np.bincount(ring.ravel() + 1, counted.ravel(), count + 1)[1:]
    means = np.bincount(ring.ravel() + 1, (radius * counted).ravel(), count + 1)[1:] / members
    return FourierCorrelation(
        frequency=means,
        correlation=np.divide(cross, root, out=np.zeros(count), where=root > 0).clip(-1, 1),
        error=1 / np.sqrt(np.maximum(members * frames / _PER_INDEPENDENT ** (axes - 1), 1)),
        unit="px" if voxel_size_um is None else "µm",
        finest=finest,
    )


def _refuse(one: Array, other: Array, axes: int) -> None:
    if one.shape != other.shape:
        raise InputError(
            subject="images",
            value=f"have shapes {one.shape} and {other.shape}",
            allowed="but must have the same shape",
            remedy="give two of one shape",
        )
    if not 1 <= axes <= one.ndim or min(one.shape[-axes:]) < 4:
        raise InputError(
            subject="image",
            value=f"of shape {one.shape} has too few samples",
            allowed="but rings of frequencies need 4 along every transformed axis",
            remedy="give a larger image, or transform fewer axes",
        )


def _spectrum(values: Array, shape: tuple[int, ...]) -> NDArray[np.complex128]:
    axes = tuple(range(-len(shape), 0))
    window = np.ones(())
    for n in shape:
        window = window[..., None] * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n))
    mean = (values * window).sum(axes, keepdims=True) / window.sum()
    return scipy.fft.rfftn((values - mean) * window, axes=axes)


def _rings(shape: tuple[int, ...], spacing: Array) -> tuple[NDArray[np.intp], Array, float]:
    """The ring of every frequency, -1 outside all of them and for the mean; its length; the longest that all axes have.

    A ring is as wide as a step along the axis whose frequencies lie furthest apart, so that none is empty.
    """
    sides = [scipy.fft.fftfreq(n, h) for n, h in zip(shape[:-1], spacing, strict=False)]
    grid = np.meshgrid(*sides, scipy.fft.rfftfreq(shape[-1], spacing[-1]), indexing="ij")
    radius = np.sqrt(sum(f**2 for f in grid))
    step = max(1 / (n * h) for n, h in zip(shape, spacing, strict=True))
    finest = float(min(1 / (2 * h) for h in spacing))
    ring = np.round(radius / step).astype(np.intp) - 1
    ring[radius > finest * (1 + 1e-9)] = -1
    return ring, radius, finest


def _multiplicity(shape: tuple[int, ...]) -> Array:
    """How many frequencies of the full transform each one of the half transform stands for."""
    counts = np.full((*shape[:-1], shape[-1] // 2 + 1), 2.0)
    counts[..., 0] = 1
    if shape[-1] % 2 == 0:
        counts[..., -1] = 1
    return counts


def _running(values: Array) -> Array:
    """Means of three rings, of two at the ends."""
    kernel = np.ones(_RINGS)
    return np.convolve(values, kernel, "same") / np.convolve(np.ones_like(values), kernel, "same")
