"""How much less an observation tells than the evidence believes, because no image is a Gaussian field.

The evidence takes every frequency for independent and exponentially distributed. Few beads, straight fibres or a
spectrum that is no bent power law scatter more, and neighbouring frequencies alike. The scores of whole blocks of
frequencies show it: their covariance J against the curvature H that the model promises (Godambe 1960,
doi:10.1214/aoms/1177705693). A likelihood divided by that ratio has honest error bars, and leaves the priors their say
(Ribatet, Cooley & Davison 2012, doi:10.5705/ss.2009.248).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from napari_blind_deconv._torch import torch
from napari_blind_deconv.evidence import Evidence

if TYPE_CHECKING:
    from torch import Tensor

# Blocks of frequencies per axis (half as many along the last): coarse ones and finer ones, the larger ratio counts.
_BLOCKS = (4, 8)
_STEP, _IMAGE_STEP = 0.02, 0.05


class Explaining(Protocol):
    """An observation and what an image's spectrum may be, as `evidence.NaturalSpectrum`."""

    @property
    def evidence(self) -> Evidence:
        """The observation."""
        ...

    @property
    def expected(self) -> Callable[..., Tensor]:
        """V at the kept frequencies, of a kernel and the parameters of the spectrum."""
        ...

    def precision(self) -> Tensor:
        """Inverse prior variances of these parameters, flat."""
        ...


@dataclass(frozen=True)
class Information:
    """What an observation tells about a kernel's parameters, the image's spectrum marginalised.

    Attributes
    ----------
    precision
        Inverse covariance of the parameters if the evidence were right, without their prior, ``(n, n)``.
    dispersion
        How many times too large it is, at least 1; the mean over the parameters.
    own
        The same for the variance of each parameter by itself, at least ``dispersion``.
    curvature
        Of -log p in all parameters, the kernel's first, the prior of the spectrum's included.
    """

    precision: Tensor
    dispersion: float
    own: Tensor
    curvature: Tensor


def information(
    spectrum: Explaining, kernel_of: Callable[[Tensor], Tensor], theta: Tensor, image: Sequence[Tensor]
) -> Information:
    """Curvature and dispersion of the evidence where it was fitted.

    Parameters
    ----------
    spectrum
        The observation and its spectrum's prior.
    kernel_of
        The kernel of a vector of parameters of order one.
    theta
        The parameters.
    image
        The spectrum's own, as `NaturalSpectrum.nats` takes them.
    """
    evidence, count = spectrum.evidence, len(theta)
    with torch.no_grad():
        expected = spectrum.expected(kernel_of(theta), *image)
        slopes = torch.stack(list(_slopes(spectrum, kernel_of, theta, image)), 1)
    weights = (evidence.weights * evidence.independent).flatten()
    # Not every device has double precision, and these are a few numbers.
    curvature = ((slopes * weights[:, None]).T @ slopes).cpu().double()
    curvature[count:, count:] += torch.diag(spectrum.precision().cpu().double())
    curvature += 1e-9 * torch.eye(len(curvature)).to(curvature) * curvature.diagonal().amax()
    inverse = torch.linalg.inv(curvature)
    precision = torch.linalg.inv(inverse[:count, :count])
    scores = slopes * (weights * (1 - (evidence.periodogram / expected).flatten()))[:, None]
    ratios, own = [1.0], torch.ones(count).to(curvature)
    for blocks in _BLOCKS:
        place = _block_of(evidence.periodogram.shape, blocks).to(scores.device)
        sums = scores.new_zeros(int(place.max()) + 1, slopes.shape[1]).index_add(0, place, scores).cpu().double()
        spread = (inverse @ (sums.T @ sums) @ inverse)[:count, :count]
        ratios.append(float(torch.trace(spread @ precision)) / count)
        own = torch.maximum(own, (spread.diagonal() / inverse.diagonal()[:count]))
    return Information(precision, max(ratios), own.clamp(min=max(ratios)), curvature)


def _slopes(
    spectrum: Explaining, kernel_of: Callable[[Tensor], Tensor], theta: Tensor, image: Sequence[Tensor]
) -> Iterator[Tensor]:
    """Slopes of log V along every parameter, the kernel's first, at all frequencies, flat."""
    for i in range(len(theta)):
        step = torch.zeros_like(theta)
        step[i] = _STEP
        ahead, behind = (spectrum.expected(kernel_of(theta + sign * step), *image).log() for sign in (1, -1))
        yield ((ahead - behind) / (2 * _STEP)).flatten()
    kernel = kernel_of(theta)
    here = spectrum.expected(kernel, *image).log()
    for part, values in enumerate(image):
        for i in range(len(values)):
            moved = list(image)
            moved[part] = values.clone()
            moved[part][i] += _IMAGE_STEP
            ahead = spectrum.expected(kernel, *moved).log()
            yield ((ahead - here) / _IMAGE_STEP).flatten()


def _block_of(shape: Sequence[int], blocks: int) -> Tensor:
    """Index of each frequency's block, flat."""
    place = torch.zeros((), dtype=torch.long)
    for axis, n in enumerate(shape):
        count = min(n, max(1, blocks // 2) if axis == len(shape) - 1 else blocks)
        place = place[..., None] * count + torch.arange(n) * count // n
    return place.flatten()
