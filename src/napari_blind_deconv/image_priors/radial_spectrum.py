"""Power spectra of the radius of the frequency only: values at log-spaced nodes, and their fit to images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import between_nodes, frequencies, multiplicity, periodogram

if TYPE_CHECKING:
    from torch import Tensor

# First and last node, in cycles per smallest pixel: waves of 256 pixels, and the corner of a plane's spectrum.
NODES = 1 / 256, math.sqrt(0.5)
# Waves that fit fewer times into an image are the window's own mean, not texture.
_LOWEST_WAVES = 1.5
_STEPS = 30
# Weight of the second differences of log S in numbers of frequencies: it only decides where there is no data.
_SMOOTHNESS = 1e-2
_DARKEST = 1e-12
# Frequencies beside a node that it takes to be fitted.
_LEAST = 1.0


def radius(shape: Sequence[int], spacing: Sequence[float], like: Tensor) -> Tensor:
    """Length of the frequencies of an `rfftn` spectrum, in cycles per smallest pixel, ``(*half canvas)``."""
    unit = min(spacing)
    squares = [f**2 for f in frequencies(shape, [d / unit for d in spacing], like)]
    return sum(squares[1:], squares[0]).sqrt()


def lowest(shape: Sequence[int], spacing: Sequence[float]) -> float:
    """The radius from which on an image of this shape shows its spectrum, in cycles per smallest pixel."""
    unit = min(spacing)
    return _LOWEST_WAVES / max(n * d / unit for n, d in zip(shape, spacing, strict=True))


def at_radius(spectrum: Sequence[float], place: Tensor) -> Tensor:
    """S at any radius, a power law between neighbouring nodes and constant beyond them.

    Examples
    --------
    >>> at_radius((4.0, 1.0), torch.tensor([NODES[0], math.sqrt(NODES[0] * NODES[1]), 1.0]))
    tensor([4., 2., 1.])
    """
    band, fraction = between_nodes(place, *NODES, len(spectrum))
    level = torch.as_tensor(spectrum).to(place).log()
    return torch.lerp(level[band], level[band + 1], fraction).exp().reshape(place.shape)


def straight(spectrum: Sequence[float], place: Tensor) -> Tensor:
    """As `at_radius`, but straight between the nodes, so that variances may be zero and spectra add up.

    Examples
    --------
    >>> straight((4.0, 0.0), torch.tensor([NODES[0], math.sqrt(NODES[0] * NODES[1]), 1.0]))
    tensor([4., 2., 0.])
    """
    band, fraction = between_nodes(place, *NODES, len(spectrum))
    level = torch.as_tensor(spectrum).to(place)
    return torch.lerp(level[band], level[band + 1], fraction).reshape(place.shape)


def bent(place: Tensor, exponent: float, correlation_px: float) -> Tensor:
    """(f² + f₀²)^(-exponent / 2), f₀ = 1 / (2π correlation_px): a power law that is flat below the bend f₀."""
    bend = 1 / (2 * math.pi * correlation_px)
    return (place**2 + bend**2) ** (-exponent / 2)


def scaled(shape_of: Tensor, contrast: float, shape: Sequence[int]) -> Tensor:
    """A spectrum on the half canvas, scaled so that its field has the standard deviation ``contrast``."""
    return (contrast / contrast_of(shape_of, shape)) ** 2 * shape_of


def contrast_of(power: Tensor, shape: Sequence[int]) -> float:
    """Standard deviation of a field with this spectrum on the half canvas of ``shape``."""
    counts = multiplicity(shape, power)
    return math.sqrt(float((power * counts).sum() / counts.sum()))


def fit(images: Tensor, spacing: Sequence[float], bands: int) -> Tensor:
    """The radial spectrum of greatest likelihood (Whittle 1953), ``(bands,)``, in variance per pixel.

        min over S:  Σ_f [ P(f) / S(f) + log S(f) ],

    P the Hann-windowed periodogram. Fisher's scoring on log S, which is linear between the nodes, and constant where
    no image shows anything.

    Parameters
    ----------
    images
        ``(..., *space)``, as many spatial axes as ``spacing`` has entries.
    spacing
        The pixel's size per axis; only their ratios matter.
    bands
        Number of nodes.
    """
    ndim = len(spacing)
    values = images.double()
    shape = values.shape[-ndim:]
    place = radius(shape, spacing, values)
    weights = (multiplicity(shape, values) * (place > lowest(shape, spacing))).flatten()
    weights = weights / weights.sum()
    ordinates = periodogram(values, ndim).flatten().clamp(min=_DARKEST)
    band, upper = between_nodes(place, *NODES, bands)
    lower = 1 - upper

    def onto_nodes(at_frequencies: Tensor) -> Tensor:
        out = values.new_zeros(bands)
        return out.index_add(0, band, at_frequencies * lower).index_add(0, band + 1, at_frequencies * upper)

    information = values.new_zeros(bands, bands)
    for one, first in ((band, lower), (band + 1, upper)):
        for two, second in ((band, lower), (band + 1, upper)):
            information.index_put_((one, two), weights * first * second, accumulate=True)
    bends = torch.eye(bands, dtype=values.dtype).diff(n=2, dim=0).to(values)
    smoothness = _SMOOTHNESS / max(int((weights > 0).sum()), 1) * bends.T @ bends
    level = (onto_nodes(weights * ordinates) / onto_nodes(weights).clamp(min=1e-12)).clamp(min=_DARKEST).log()
    level = torch.linalg.solve(information + smoothness, information @ level)
    for _ in range(_STEPS):
        spectrum = torch.lerp(level[band], level[band + 1], upper).exp()
        slope = onto_nodes(weights * (ordinates / spectrum - 1)) - smoothness @ level
        level = level + torch.linalg.solve(information + smoothness, slope).clamp(-1, 1)
    # Waves that no image shows are no stronger than their neighbours: a slope goes astray in a few nodes.
    first, last = (onto_nodes((weights > 0).to(weights)) > _LEAST).nonzero().flatten()[[0, -1]].tolist()
    return level[torch.arange(bands, device=level.device).clamp(first, last)].exp()
