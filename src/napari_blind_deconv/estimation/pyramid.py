"""The shape of a free-form kernel, coarse to fine, with an over-sharp image made for the purpose.

The image keeps only gradients that are worth their count (Xu, Zheng & Jia 2013, doi:10.1109/CVPR.2013.147), fewer of
them at first; the kernel is least squares on those gradients (Cho & Lee 2009, doi:10.1145/1618452.1618491), tidied.
What it loses, faint tails above all, the second phase finds again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipy

from napari_blind_deconv._torch import torch
from napari_blind_deconv.forward import Frame
from napari_blind_deconv.fourier import centroid, extract, irfftn, rfftn, shifted, transfer
from napari_blind_deconv.image_priors.differences import forward_differences
from napari_blind_deconv.image_priors.sparse_gradients import gradient_count_shrinkage
from napari_blind_deconv.restoration.filtered import analysed, synthesised
from napari_blind_deconv.restoration.half_quadratic import PULL_TO_ZERO, roughness

if TYPE_CHECKING:
    from torch import Tensor

# The weights are for a scene of unit range and this σ. Strong edges speak first (Pan et al. 2014); the decay is theirs.
_REFERENCE_SIGMA = 0.007
_LAST_WEIGHT, _DECAY = 1e-4, 1.1
_LAST_BETA = 1e5
# Weight of ‖k‖² per observed sample, against the squared gradients of a unit scene.
_TIKHONOV = 3e-5


def kernel_sizes(shape: Sequence[int], smallest: int = 5) -> list[tuple[int, ...]]:
    """Odd supports from coarse to fine, about a factor √2 apart, the longest axis starting near ``smallest``.

    Examples
    --------
    >>> kernel_sizes((31, 31))
    [(5, 5), (7, 7), (11, 11), (15, 15), (21, 21), (31, 31)]
    """
    sizes = [tuple(shape)]
    while max(sizes[-1]) > smallest:
        factor = 2**-0.5
        step = tuple(max(min(n, 3), round(n * factor)) for n in sizes[-1])
        step = tuple(n - 1 + n % 2 if n > 1 else 1 for n in step)
        if step == sizes[-1]:
            step = tuple(max(1, n - 2) if n == max(sizes[-1]) else n for n in sizes[-1])
        sizes.append(step)
    return sizes[::-1]


def resized(values: Tensor, shape: Sequence[int]) -> Tensor:
    """Linear interpolation of the trailing axes, low-passed where it shrinks."""
    ndim = len(shape)
    out = values.reshape(-1, 1, *values.shape[-ndim:])
    for axis in range(ndim):
        out = _resized_along(out, 2 + axis, shape[axis])
    return out.reshape(*values.shape[:-ndim], *shape)


def _resized_along(values: Tensor, axis: int, size: int) -> Tensor:
    moved = values.movedim(axis, -1)
    flat = moved.reshape(-1, 1, 1, moved.shape[-1])
    out = torch.nn.functional.interpolate(flat, size=(1, size), mode="bilinear", antialias=True, align_corners=False)
    return out.reshape(*moved.shape[:-1], size).movedim(-1, axis)


def coarse_to_fine(
    observed: Tensor,
    shape: tuple[int, ...],
    *,
    first_weight: float,
    noise_sigma: float,
    spacing: tuple[float, ...],
    rounds: int,
) -> Iterator[tuple[Tensor, int]]:
    """Yield (kernel, rounds in all) after every round of every level; kernels come at their level's size.

    Parameters
    ----------
    observed
        y, shape ``(batch, *space)``, on a scale of about 0 to 1.
    shape
        The kernel's support at full size, odd.
    first_weight
        Weight of the gradients' count at the start, for a scene of unit range.
    noise_sigma
        σ, model error included; the weights below are for ``_REFERENCE_SIGMA`` and grow with σ².
    spacing
        The pixel's relative size per axis.
    rounds
        Image and kernel steps per level.
    """
    sizes = kernel_sizes(shape)
    noise = (noise_sigma / _REFERENCE_SIGMA) ** 2
    weight = first_weight * max(1.0, noise / 16)
    kernel = first_kernel(sizes[0]).to(observed)
    for size in sizes:
        level = observed if size == shape else resized(observed, level_shape(observed.shape, shape, size))
        frame = Frame.around(level.shape[-len(size) :], size)
        scene = frame.extend(level)
        if tuple(kernel.shape) != size:
            kernel = resized(kernel, size).clamp(min=0)
            kernel, scene = recentred(kernel / kernel.sum(), scene)
        for _ in range(rounds):
            scene = sharp_image(level, scene, kernel, frame, spacing, weight)
            kernel, scene = recentred(tidied(least_squares_kernel(level, scene, kernel, frame, spacing, noise)), scene)
            weight = max(weight / _DECAY, _LAST_WEIGHT * noise)
            yield kernel, rounds * len(sizes)


def level_shape(observed: Sequence[int], shape: Sequence[int], size: Sequence[int]) -> list[int]:
    """The image's shape where the kernel of ``shape`` has become one of ``size``."""
    space = observed[len(observed) - len(shape) :]
    return [max(k, round(n * k / full)) for n, k, full in zip(space, size, shape, strict=True)]


def first_kernel(shape: tuple[int, ...]) -> Tensor:
    """Two equal taps along the last axis: the least committed kernel that is not a delta."""
    kernel = torch.zeros(shape)
    middle = tuple(n // 2 for n in shape)
    kernel[middle] = 0.5
    kernel[(*middle[:-1], middle[-1] - 1)] = 0.5
    return kernel


def sharp_image(
    observed: Tensor, scene: Tensor, kernel: Tensor, frame: Frame, spacing: tuple[float, ...], weight: float
) -> Tensor:
    """The minimiser of ‖k * x - y‖² + weight ‖∇x‖₀, by half-quadratic splitting (Xu, Zheng & Jia 2013, algorithm 1).

    Outside the frame the observation is replaced by the prediction from the last scene, step by step.
    """
    ndim = frame.ndim
    filters = forward_differences(spacing)
    blur, laplacian = transfer(kernel, frame.canvas), roughness(filters, observed, frame)
    power = blur.abs() ** 2
    complete = rfftn(completed(observed, scene, blur, frame), ndim)
    scene, beta = frame.extend(observed), 2 * weight
    while beta < _LAST_BETA:
        gradients = gradient_count_shrinkage(analysed(scene, filters), weight / beta)
        pull = beta * rfftn(synthesised(gradients, filters), ndim)
        spectrum = (blur.conj() * complete + pull) / (power + beta * laplacian + PULL_TO_ZERO)
        scene = irfftn(spectrum, frame.canvas)
        complete = rfftn(frame.fill(observed, irfftn(blur * spectrum, frame.canvas)), ndim)
        beta *= 2
    return scene


def completed(observed: Tensor, scene: Tensor, blur: Tensor, frame: Frame) -> Tensor:
    """The observation in the frame, the model's prediction around it."""
    return frame.fill(observed, irfftn(blur * rfftn(scene, frame.ndim), frame.canvas))


def least_squares_kernel(
    observed: Tensor, scene: Tensor, kernel: Tensor, frame: Frame, spacing: tuple[float, ...], noise: float
) -> Tensor:
    """The minimiser of ‖k * ∇x - ∇y‖² + weight ‖k‖² in the Fourier domain, cropped to the support."""
    laplacian = roughness(forward_differences(spacing), observed, frame)
    complete = completed(observed, scene, transfer(kernel, frame.canvas), frame)
    image, blurred = (rfftn(values, frame.ndim).flatten(0, -frame.ndim - 1) for values in (scene, complete))
    power = laplacian * (image.abs() ** 2).sum(0)
    cross = laplacian * (image.conj() * blurred).sum(0)
    return extract(irfftn(cross / (power + _TIKHONOV * noise * observed.numel()), frame.canvas), kernel.shape)


def tidied(kernel: Tensor, fraction: float = 0.05, island: float = 0.1) -> Tensor:
    """Without negative taps, taps below 5 % of the peak, and islands that hold less than a tenth of the mass."""
    taps = kernel.detach().cpu().numpy().astype(np.float64)
    taps = np.where(taps < fraction * taps.max(), 0.0, taps)
    labels, count = scipy.ndimage.label(taps > 0, np.ones((3,) * taps.ndim))
    mass = scipy.ndimage.sum(taps, labels, range(1, count + 1))
    for label in np.flatnonzero(mass < island * taps.sum()) + 1:
        taps[labels == label] = 0.0
    return torch.from_numpy(taps / taps.sum()).to(kernel)


def recentred(kernel: Tensor, scene: Tensor) -> tuple[Tensor, Tensor]:
    """The kernel's centre of mass moved to the centre tap by whole pixels, and the scene the other way."""
    step = [-round(c) for c in centroid(kernel)]
    moved = shifted(kernel, step)
    return moved / moved.sum(), torch.roll(scene, [-s for s in step], tuple(range(-kernel.ndim, 0)))
