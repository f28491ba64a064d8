"""How many times larger the errors of a restored image are than its draws differ: learnt on images of known truth.

A network that has seen few scenes takes what it has seen for all there is, and a kernel that was found from the image
has errors of its own, which draws under one kernel do not show. Split conformal prediction puts that right without a
model of either (Angelopoulos et al. 2022, arXiv:2202.05265; Teneggi et al. 2023, arXiv:2302.03791; Narnhofer et al.
2022, arXiv:2212.12499): the spread is multiplied by the factor under which the intervals of images of known truth,
restored blind, hold as much of it as they say, in the mean over images,

    factor(σ, w) = min { c : Σ_i a_i P_i(|x - x̂| ≤ z c u) ≥ 1 - α + (B - α) / n },                                 (1)

a_i the nearness of the image i in the logarithms of noise σ and width w of the blur, u the spread, z of the normal
distribution. Draws under one kernel do not differ by what the kernel may be wrong by; a blur whose width is off by a
share e restores an image that is off by e Σ_a w_a² ∂_a² x̂ to first order, so that the spread is

    u² = (spread of the draws)² + e² ⟨(Σ_a w_a² ∂_a² x̂)²⟩,                                                         (2)

the mean over the neighbours of a pixel, e = 0.2 as the error bars of widths are. The last term of (1) makes the mean
one over other images than the n that the factor was learnt on, where none misses more than a share B = 0.7
(Angelopoulos et al. 2024, arXiv:2208.02814; decision 54). The table below is made by ``python
benchmarks/calibration.py table FOLDER``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import scipy

from napari_blind_deconv._torch import torch
from napari_blind_deconv.image_priors import Diffusion, GaussianField

if TYPE_CHECKING:
    from torch import Tensor

# Made by benchmarks/calibration.py from 37 blind runs: noise and model error relative to the range of the image,
# root mean variance of the PSF in pixels, and the factor of 16 draws; α = 0.1.
_SIGMAS = (0.011, 0.03, 0.08)
_WIDTHS = (0.6, 1.2, 2.4, 3.5)
_FACTORS = (
    (1.38, 1.33, 1.29, 1.34),
    (1.33, 1.34, 1.41, 1.50),
    (1.07, 1.14, 1.23, 1.32),
)
_DRAWS = 16
# Limits may be passed by this factor: a table ends where its runs do, not where the world changes.
_MARGIN = 1.15
# Error of a blur's width, relative: e of equation (2).
_BLUR_ERROR = 0.2


class Calibration(NamedTuple):
    """What a spread is multiplied by, and why that is doubtful; an empty sentence: it is not.

    ``blur_error`` is e of equation (2); 0 where draws are all there is.
    """

    factor: float
    doubt: str
    blur_error: float = 0.0

    def spread(self, deviation: Tensor, image: Tensor, kernel: Tensor) -> Tensor:
        """Standard error of every pixel, from the deviation of the draws around an image; as many axes as the kernel.

        Examples
        --------
        >>> import torch
        >>> flat, point, kernel = torch.ones(5, 5), torch.zeros(5, 5), torch.ones(3, 3) / 9
        >>> point[2, 2] = 1.0
        >>> found = Calibration(1.5, "", 0.3).spread(flat, point, kernel)
        >>> float(found[0, 0]), bool(found[2, 2] > 1.5)
        (1.5, True)
        """
        if not self.blur_error:
            return self.factor * deviation
        bent = self.blur_error * _bent(image, variances_of(kernel))
        return self.factor * (deviation.square() + _around(bent.square(), kernel.ndim)).sqrt()


def calibration(prior: object, sigma: float, kernel: Tensor, draws: int) -> Calibration:
    """The factor for one restoration.

    Parameters
    ----------
    prior
        The image prior that was drawn from. A Gaussian field's draws are exact, so that nothing is to be learnt.
    sigma
        Noise and model error, relative to the range of the image.
    kernel
        The kernel, whose width counts.
    draws
        How many images are drawn: the spread of few is itself uncertain (Student 1908).
    """
    if isinstance(prior, GaussianField):
        return Calibration(1.0, "")
    if not isinstance(prior, Diffusion) or prior.weights is not None:
        return Calibration(1.0, "the right factor was not measured for this image prior")
    width = width_of(kernel)
    few = student(draws) / student(_DRAWS)
    outside = [
        f"{name} {value:.2g} is outside the measured range {nodes[0]:g} to {nodes[-1]:g}"
        for name, value, nodes in (("the noise", sigma, _SIGMAS), ("the width of the PSF", width, _WIDTHS))
        if not nodes[0] / _MARGIN <= value <= nodes[-1] * _MARGIN
    ]
    planes = ["it was measured for planes, not for volumes"] if kernel.ndim != 2 else []
    return Calibration(few * between(sigma, width), ", and ".join(outside + planes), _BLUR_ERROR)


def width_of(kernel: Tensor) -> float:
    """Root of the variance of a kernel in pixels, mean over axes.

    Examples
    --------
    >>> import torch
    >>> width_of(torch.ones(3, 3)) ** 2
    0.666...
    """
    variances = variances_of(kernel)
    return math.sqrt(max(sum(variances) / len(variances), 0.0))


def variances_of(kernel: Tensor) -> list[float]:
    """Variance of a kernel along each axis, in squared pixels."""
    taps = kernel.detach().double().cpu()
    taps = taps / taps.sum()
    variances = []
    for axis, n in enumerate(taps.shape):
        share = taps.sum([a for a in range(taps.ndim) if a != axis])
        place = taps.new_tensor(range(n))
        variances.append(float((share * place**2).sum() - (share * place).sum() ** 2))
    return variances


def _bent(image: Tensor, variances: list[float]) -> Tensor:
    """Σ_a w_a² ∂_a² x̂ by second differences, the image periodic as scenes are."""
    total = torch.zeros_like(image)
    for axis, variance in zip(range(-len(variances), 0), variances, strict=True):
        total += variance * (image.roll(1, axis) - 2 * image + image.roll(-1, axis))
    return total


def _around(values: Tensor, ndim: int) -> Tensor:
    """Mean over the 3 x … x 3 pixels around each."""
    for axis in range(-ndim, 0):
        values = (values.roll(1, axis) + values + values.roll(-1, axis)) / 3
    return values


def between(sigma: float, width: float) -> float:
    """The table between its nodes, linear in all logarithms; at its edge beyond them."""
    row, down = _place(sigma, _SIGMAS)
    column, along = _place(width, _WIDTHS)
    corners = [
        (1 - down, 1 - along, _FACTORS[row][column]),
        (1 - down, along, _FACTORS[row][column + 1]),
        (down, 1 - along, _FACTORS[row + 1][column]),
        (down, along, _FACTORS[row + 1][column + 1]),
    ]
    return math.exp(sum(a * b * math.log(factor) for a, b, factor in corners))


def student(draws: int) -> float:
    """Half-width of a 90 % interval around the mean of some draws, in their standard deviations, for one more draw."""
    return float(scipy.stats.t.ppf(0.95, draws - 1)) * math.sqrt(1 + 1 / draws)


def _place(value: float, nodes: tuple[float, ...]) -> tuple[int, float]:
    """The node below a value, and how far it lies towards the next."""
    inside = min(max(value, nodes[0]), nodes[-1])
    index = max(i for i in range(len(nodes) - 1) if nodes[i] <= inside)
    return index, math.log(inside / nodes[index]) / math.log(nodes[index + 1] / nodes[index])
