"""A Gaussian field with a free spectrum of any direction, fitted to images and drawn at any size."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Gt, Le, Len

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.fourier import frequencies, multiplicity, periodogram
from napari_blind_deconv.image_priors import radial_spectrum
from napari_blind_deconv.image_priors.stationary import Stationary

if TYPE_CHECKING:
    from torch import Tensor

# Nodes along an axis lie evenly in asinh(f · this many pixels): about even near zero, an octave apart far from it.
_FINEST_PX = 64.0
_HIGHEST = 0.5
# The departure from the radial spectrum counts for nothing where fewer ordinates than this speak for it.
_DOUBT = 4.0
_STEPS = 60
# Nothing at all is taken for this little, in log S.
_MOST = 30.0
_DARKEST = 1e-9


@component
class FreeField(Stationary):
    """A stationary Gaussian field, S(f) = S₀(|f|) e^{g(f)}: a radial spectrum, and a free factor on a grid.

    S₀ is given at log-spaced radii as of `GaussianField`; g at the nodes of a grid over all frequencies, linear in
    between, g(-f) = g(f). Frequencies are in cycles per smallest pixel, so that any size can be drawn. Any axis may be
    time: what moves one way has power on one side of its plane.

    Examples
    --------
    >>> lines = torch.randn(8, 64, 1, generator=torch.Generator().manual_seed(0)).expand(8, 64, 64)
    >>> field = FreeField.fitted(0.2 * lines + 0.5, (1.0, 1.0))
    >>> draw = field.sample((40, 96), (1.0, 1.0), torch.Generator().manual_seed(1))
    >>> bool(draw.diff(dim=0).std() > 2 * draw.diff(dim=1).std())
    True
    """

    kind: Literal["free-field"] = "free-field"
    spectrum: Annotated[tuple[Annotated[float, Gt(0), Le(1e12)], ...], Len(2, 1000)]
    """S₀: variances at log-spaced radii from 1/256 to 0.71 per smallest pixel."""
    nodes: Annotated[int, Ge(3), Le(99)] = 17
    """Nodes along every axis, odd."""
    departure: Annotated[tuple[Annotated[float, Ge(-30), Le(30)], ...], Len(1, 10**6)]
    """g at the nodes, the last axis fastest."""
    mean: Annotated[float, Ge(-1000), Le(1000)] | None = None
    """Mean of the scene, relative to the image's intensity range. None: any."""

    def __post_init__(self) -> None:
        """Refuse a grid that is none."""
        ndim = round(math.log(len(self.departure), self.nodes)) if self.departure else 0
        if self.nodes % 2 == 0 or len(self.departure) != self.nodes**ndim:
            raise InputError(
                subject="departure",
                value=f"has {len(self.departure)} values for {self.nodes} nodes per axis",
                allowed="must have a power of an odd number of nodes",
                remedy="fit the field anew",
            )

    @classmethod
    def fitted(cls, images: Tensor, spacing: Sequence[float], bands: int = 20, nodes: int = 17) -> FreeField:
        """The field whose spectrum suits images best, by Whittle's likelihood: the radial part first, then g.

        Parameters
        ----------
        images
            Sharp images on a scale of about 0 to 1, ``(..., *space)``.
        spacing
            The pixel's size per axis, one entry per axis.
        bands, nodes
            Numbers of radial variances, and of the grid's nodes along every axis.
        """
        ndim = len(spacing)
        values = images.double()
        space = values.shape[-ndim:]
        radial = radial_spectrum.fit(values, spacing, bands)
        place = radial_spectrum.radius(space, spacing, values)
        base = radial_spectrum.at_radius(radial.tolist(), place)
        many = values[..., :1].numel() // math.prod(space[:-1])
        weights = many * multiplicity(space, values) * (place > radial_spectrum.lowest(space, spacing))
        grid = _Grid(space, spacing, values, nodes)
        ratio = periodogram(values, ndim) / base
        counts = grid.onto(weights)
        departure = torch.zeros_like(counts)
        for _ in range(_STEPS):
            slope = grid.onto(weights * (ratio * torch.exp(-grid.at(departure)) - 1)) - _DOUBT * departure
            departure = (departure + (slope / (counts + _DOUBT)).clamp(-1, 1)).clamp(-_MOST, _MOST)
        return cls(spectrum=tuple(radial.tolist()), nodes=nodes, departure=tuple(departure.tolist()))

    def power(self, shape: Sequence[int], spacing: Sequence[float], like: Tensor) -> Tensor:
        """S on the half canvas of an `rfftn`; infinite at frequency zero where the mean is free."""
        if self.nodes ** len(shape) != len(self.departure):
            raise InputError(
                subject="a field of another number of axes",
                value=f"cannot be drawn on {tuple(shape)}",
                remedy="fit it to images of as many axes",
            )
        base = radial_spectrum.at_radius(self.spectrum, radial_spectrum.radius(shape, spacing, like))
        departure = torch.as_tensor(self.departure).to(like)
        power = base * torch.exp(_Grid(shape, spacing, like, self.nodes).at(departure))
        power = power.clamp(min=_DARKEST)
        if self.mean is None:
            power[(0,) * power.ndim] = math.inf
        return power


class _Grid:
    """Linear interpolation between the nodes and the frequencies of a half canvas, and its adjoint; both even in f."""

    def __init__(self, shape: Sequence[int], spacing: Sequence[float], like: Tensor, nodes: int) -> None:
        unit, half = min(spacing), nodes // 2
        self._nodes, self._ndim = nodes, len(shape)
        self._lower, self._share = [], []
        for axis in frequencies(shape, [d / unit for d in spacing], like):
            place = torch.asinh(axis * _FINEST_PX) / math.asinh(_HIGHEST * _FINEST_PX) * half + half
            lower = place.floor().clamp(0, nodes - 2)
            self._lower.append(lower.long())
            self._share.append(place - lower)

    def at(self, values: Tensor) -> Tensor:
        """Node values, flat, at the frequencies."""
        even = (values + values.flip(0)) / 2
        parts = (even[index] * weight for index, weight in self._corners())
        return _added(parts)

    def onto(self, values: Tensor) -> Tensor:
        """What the frequencies say, collected at the nodes, flat."""
        out = values.new_zeros(self._nodes**self._ndim)
        for index, weight in self._corners():
            out.index_add_(0, index.flatten(), (values * weight).flatten())
        return (out + out.flip(0)) / 2

    def _corners(self) -> Iterator[tuple[Tensor, Tensor]]:
        for corner in itertools.product((0, 1), repeat=self._ndim):
            index, weight = torch.zeros(1, dtype=torch.long), torch.ones(1)
            for upper, lower, share in zip(corner, self._lower, self._share, strict=True):
                index = index.to(lower) * self._nodes + lower + upper
                weight = weight.to(share) * (share if upper else 1 - share)
            yield torch.broadcast_tensors(index, weight)


def _added(parts: Iterator[Tensor]) -> Tensor:
    total = next(parts)
    for part in parts:
        total = total + part
    return total
