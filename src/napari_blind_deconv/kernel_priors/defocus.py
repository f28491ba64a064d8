"""A uniform disk: out of focus, in geometrical optics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Le

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import component
from napari_blind_deconv.evidence import Evidence
from napari_blind_deconv.kernel_priors.figures import Figures
from napari_blind_deconv.kernel_priors.fit import Fit
from napari_blind_deconv.kernel_priors.radial import (
    log_normal,
    mirrored,
    radius_by_evidence,
    radius_by_statistics,
    radius_figures,
)
from napari_blind_deconv.statistics import KernelStatistics

if TYPE_CHECKING:
    from torch import Tensor


@component
class Defocus:
    """Out of focus: a disk of even light. In a volume, the double cone of a wide-field microscope.

    In a volume every plane holds a disk of the same light, whose radius grows by ``radius_px`` from plane to plane on
    either side of the focus. Pixels are square within the plane.
    """

    kind: Literal["defocus"] = "defocus"
    radius_px: Annotated[float, Ge(0.01), Le(200)] = 3.0
    """Typical radius of the disk (in a volume: of the disk one plane off focus), in pixels: the median of the prior."""
    radius_spread: Annotated[float, Ge(0.01), Le(5)] = 0.7
    """Spread of the logarithm of the radius around the typical one."""

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """A disk of log-normal radius."""
        return disk(self.radius_px * (self.radius_spread * torch.randn((), generator=generator)).exp(), shape)

    def fit(self, evidence: Evidence, shape: tuple[int, ...], weight: float = 1.0) -> Iterator[Fit]:
        """Find the radius by the evidence alone.

        Parameters
        ----------
        evidence
            The observation.
        shape
            Odd shape of the kernel, one axis per spatial axis.
        weight
            How many times the prior's cost counts.

        Yields
        ------
        Fit
            The best kernel so far; the last one is the answer, with its radius in pixels.
        """
        yield from radius_by_evidence(evidence, lambda r: disk(r, shape), lambda r: weight * self._cost(r), shape)

    def figures(self, fit: Fit, shape: tuple[int, ...]) -> Figures:
        """The radius at a fit."""
        return radius_figures(fit, lambda r: disk(r, shape), self._cost)

    def update(self, statistics: KernelStatistics, kernel: Tensor, weight: float) -> Tensor:
        """The radius's M-step on kernel statistics.

        The statistics are in nats; ``weight`` multiplies the prior's cost.
        """
        return radius_by_statistics(statistics, kernel, lambda r: disk(r, tuple(kernel.shape)), self._cost, weight)

    def _cost(self, radius: Tensor) -> Tensor:
        return log_normal(radius, self.radius_px, self.radius_spread)


def disk(radius: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A disk in the last two axes, integrated over the pixel exactly; along further axes, a double cone.

    Parameters
    ----------
    radius
        In pixels, > 0, a scalar. In a volume it is the growth per plane.
    shape
        Odd shape of the kernel. One axis is taken for the middle row of a plane.

    Returns
    -------
    Tensor
        Unit sum, differentiable in ``radius``. What leaves the support is lost, plane by plane.

    Examples
    --------
    >>> kernel = disk(torch.tensor(2.0), (7, 7))
    >>> round(float(kernel[3, 3]) * torch.pi * 2**2, 5)
    1.0
    """
    plane = (1, *shape)[-2:]
    kernel = _covered(radius, plane).reshape(shape[-2:])
    if len(shape) > 2:
        depths = torch.stack(torch.meshgrid(*[torch.arange(n) - n // 2 for n in shape[:-2]], indexing="ij"), -1)
        # A plane stands for the depth that its voxel integrates over, 1/12 in squared voxels.
        distances = (depths.square().sum(-1) + 1 / 12).sqrt().flatten().to(radius)
        planes = {float(d): _covered(radius * d, plane) for d in distances.unique()}
        kernel = torch.stack([planes[float(d)] / planes[float(d)].sum() for d in distances]).reshape(shape)
    return kernel / kernel.sum()


def _covered(radius: Tensor, plane: tuple[int, ...]) -> Tensor:
    """Share of each pixel that the disk covers."""
    edges = [torch.arange(n // 2 + 1).to(radius) + 0.5 for n in plane]
    edges = [torch.cat([-e[:1], e]) for e in edges]
    corner = _corner(edges[0][:, None], edges[1][None, :], radius)
    return mirrored(corner.diff(dim=0).diff(dim=1).clamp(min=0)).to(radius)


def _corner(y: Tensor, x: Tensor, radius: Tensor) -> Tensor:
    """Area of the disk within [0, x] times [0, y], odd in x and y; in double precision, as it is to be differenced."""
    r = radius.double()
    sign, (y, x) = (y.sign() * x.sign()).double(), (torch.minimum(v.double().abs(), r) for v in (y, x))
    inside = x**2 + y**2 <= r**2
    # The chord's end where the disk's edge leaves the box at the top; under the edge from there on.
    end = _root(r**2 - y**2)
    beyond = y * end + _under(x, r) - _under(end, r)
    return sign * torch.where(inside, x * y, beyond)


def _under(x: Tensor, r: Tensor) -> Tensor:
    """Integral of the circle's height from 0 to x."""
    return (x * _root(r**2 - x**2) + r**2 * torch.atan2(x, _root(r**2 - x**2))) / 2


def _root(squared: Tensor) -> Tensor:
    """Square root whose derivative stays finite at 0, where all that it multiplies vanishes."""
    return (squared.clamp(min=0) + 1e-14).sqrt()
