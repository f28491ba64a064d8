"""The noise of an observation, read from the observation.

Three places show it: the corners of the spectrum, where a blurred image has nothing left, which give a level but no
colour; the flattest windows, which give both, as long as what is left in them is noise; and, with them, how their power
grows with the light. That windows hold nothing but noise shows in how evenly they do: stationary noise scatters as a
gamma distribution of known width, texture scatters more (decision 0022). Where a scene fills all windows, the corners
of their own spectra still show how the noise grows (decision 0037).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_blind_deconv._torch import torch
from napari_blind_deconv.forward.compression import block_coded
from napari_blind_deconv.forward.corner_noise import corner_sigma
from napari_blind_deconv.forward.noise import Noise
from napari_blind_deconv.forward.noise_growth import growth, growth_in_corners, level
from napari_blind_deconv.forward.patches import Patches

if TYPE_CHECKING:
    from torch import Tensor

# Frequencies (cycles per sample) that tell a flat window from a busy one, and the band that noise is told from texture.
_LOW, _BAND = 0.11, (0.25, 0.45)
# Share of the windows that are taken for flat, and the fewest.
_FLAT, _FEWEST = 0.15, 24
# Scatter of the flat windows, in units of noise's own, up to which they hold nothing but noise.
_EVEN = 1.25
# Below this frequency flat windows still hold some of the scene: the spectrum is continued from above it.
_SEEN, _BLEND = 0.16, 0.1
# What is nearer to Nyquist along an axis, or fainter than this share of the strongest, does not bend the continuation.
_EDGE, _FAINT = 0.45, 0.02
# Range of the logarithm of the continued spectrum below which noise is called white: that of a compressed image, and of
# even windows, which fine texture colours a little, too.
_WHITE_COMPRESSED, _WHITE = 0.25, 1.0
# Standard deviation of the spectrum's logarithm: per unit of its range in even windows; in a compressed image.
_DOUBT, _DOUBT_COMPRESSED = 0.5, 1.0
_DEGREE, _RIDGE = 3, 3e-4


def read_noise(observed: Tensor, weights: Tensor | None = None, *, flat: bool = True) -> Noise:
    """Level, colour and growth with the light of an observation's noise.

    Parameters
    ----------
    observed
        y, shape ``(batch, *space)``, any intensity scale.
    weights
        0 where a pixel is no data, same shape; ``None``: all are. What is not data must have been filled.
    flat
        Whether the scene may have flat windows. A stationary field has none: its calmest windows scatter as evenly as
        noise, and hold the field.

    Returns
    -------
    Noise
        White with the level of the spectrum's corners, unless even, flat windows show another spectrum.

    Examples
    --------
    >>> noise = torch.randn(1, 128, 128, generator=torch.Generator().manual_seed(0))
    >>> read_noise(noise).is_white, 0.9 < read_noise(noise).sigma < 1.1
    (True, True)
    """
    values = observed.to(torch.promote_types(observed.dtype, torch.float32))
    corners = Noise.white(_corner_sigma(values, weights), "corners")
    if min(observed.shape[1:]) < 8:
        return corners
    patches = Patches.of(values, weights)
    patches = patches[patches.energy(patches.ring(_BAND[0], math.inf)) > 0]
    if len(patches) < _FEWEST:
        return corners
    energy, lowest = patches.energy(patches.ring(_BAND[0], math.inf)), _low_power(patches)
    dark, gain = growth(patches.mean, energy, lowest, 2 * _FLAT)
    expected = level((dark, gain), patches.mean, energy)
    relative = patches.over(expected)
    calm = relative[_flattest(relative, _FLAT)]
    even, coded = flat and calm.spread(calm.ring(*_BAND)) < _EVEN, block_coded(values)
    if not even and not coded:
        return _growing(corners, patches)
    power = _symmetric(calm.power.mean(0)) * float(expected.mean())
    smooth, bent = _continued(power, patches.axes)
    total = float(smooth.mean())
    light: dict[str, Any] = {"compressed": coded}
    if even:
        light |= {"gain": gain * total / float(expected.mean()), "dark": dark * total / float(expected.mean())}
    if bent < (_WHITE if even else _WHITE_COMPRESSED):
        return replace(corners, **light) if coded else _growing(replace(corners, **light), patches)
    doubt = min(_DOUBT * bent, 1.0) if even else _DOUBT_COMPRESSED
    return Noise(math.sqrt(total), smooth / total, **light, doubt=doubt, origin="patches")


def _corner_sigma(values: Tensor, weights: Tensor | None) -> float:
    """The level of the corners from frames that hold data; what was filled there holds no noise."""
    if weights is None:
        return corner_sigma(values)
    share = (weights > 0).to(values).expand_as(values).flatten(1).mean(1)
    if not bool(share.any()):
        return 0.0
    return corner_sigma(values[share > 0]) / math.sqrt(float(share[share > 0].mean()))


def _growing(noise: Noise, patches: Patches) -> Noise:
    """White noise with the growth that the corners of the windows' spectra show, or as it is."""
    found = growth_in_corners(patches, _EVEN)
    return noise if found is None else replace(noise, dark=found[0], gain=found[1])


def _flattest(patches: Patches, share: float) -> Tensor:
    """Windows with the least power at low frequencies; their power above those is not what they are chosen by."""
    low = _low_power(patches)
    return low.argsort()[: max(_FEWEST, int(share * len(low)))]


def _low_power(patches: Patches) -> Tensor:
    slowest = 1 / max(patches.power.shape[1:])
    return patches.energy(patches.ring(1e-6, _LOW if slowest < _LOW else 2 * slowest))


def _symmetric(power: Tensor) -> Tensor:
    """Mean of the power at f and -f."""
    axes = tuple(range(power.ndim))
    return (power + power.flip(axes).roll((1,) * power.ndim, axes)) / 2


def _continued(power: Tensor, axes: Sequence[Tensor]) -> tuple[Tensor, float]:
    """The power where windows show it, continued smoothly to the low frequencies that they do not; and its range.

    log N is fitted by even powers of the frequency along each axis, as filters and interpolations have them.
    """
    grid = torch.meshgrid(*axes, indexing="ij")
    radius = torch.stack(grid).square().sum(0).sqrt()
    powers = [(2 * g).square() ** p for p in range(1, _DEGREE + 1) for g in grid]
    features = torch.stack([torch.ones_like(radius), *powers], -1).flatten(0, -2).double()
    believed = (radius >= _SEEN) & (torch.stack(grid).abs().amax(0) < _EDGE)
    seen = power[believed].max() if bool(believed.any()) else power.max()
    base = believed.double() * (power / (power + _FAINT * seen)).double()
    logarithm = (power.clamp(min=1e-9 * float(seen))).log().double().flatten()
    ridge = torch.full((features.shape[1],), _RIDGE, dtype=torch.float64, device=power.device)
    ridge[0] = 0
    penalty = ridge.diag() * base.sum()
    weight = base.flatten()
    for _ in range(10):
        weighted = features * weight[:, None]
        theta = torch.linalg.solve(weighted.T @ features + penalty, weighted.T @ logarithm)
        fitted = features @ theta
        weight = base.flatten() / (1 + ((logarithm - fitted) / 0.4) ** 2)
    share = ((radius - _SEEN) / _BLEND).clamp(0, 1).flatten().double()
    mixed = (share * logarithm + (1 - share) * fitted).reshape(radius.shape)
    inner = fitted.reshape(radius.shape)[believed | (radius < _SEEN)]
    return mixed.exp().to(power), float(inner.max() - inner.min())
