"""Free-form kernels, coarse to fine, with an over-sharp image made for the purpose."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_blind_deconv.forward import Frame
from napari_blind_deconv.fourier import centred, irfftn, rfftn, transfer
from napari_blind_deconv.image_priors.differences import forward_differences
from napari_blind_deconv.image_priors.sparse_gradients import gradient_count_shrinkage
from napari_blind_deconv.kernel_priors import Updatable
from napari_blind_deconv.statistics import KernelStatistics, kernel_statistics


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
    out = F.interpolate(flat, size=(1, size), mode="bilinear", antialias=True, align_corners=False)
    return out.reshape(*moved.shape[:-1], size).movedim(-1, axis)


def sharp_image(complete: Tensor, kernel: Tensor, frame: Frame, differences: Tensor, weight: float) -> Tensor:
    """Argmin ‖k * x - y‖² + weight ‖∇x‖₀, by half-quadratic splitting (Xu, Zheng & Jia 2013, algorithm 1)."""
    ndim = frame.ndim
    blur = transfer(kernel, frame.canvas)
    observed = rfftn(complete, ndim)
    pulled, power, gradient_power = blur.conj() * observed, blur.abs() ** 2, (differences.abs() ** 2).sum(0)
    spectrum, beta = observed, 2 * weight
    while beta < 1e5:
        gradients = irfftn(differences * spectrum, frame.canvas)
        gradients = gradient_count_shrinkage(gradients, weight / beta)
        back = (differences.conj() * rfftn(gradients, ndim)).sum(0)
        spectrum = (pulled + beta * back) / (power + beta * gradient_power)
        beta *= 2
    return spectrum


def level_statistics(observed: Tensor, kernel: Tensor, weight: float, spacing: tuple[float, ...]) -> KernelStatistics:
    """Kernel statistics of one level's observation and its over-sharp image, on gradients."""
    ndim = kernel.ndim
    frame = Frame.around(observed.shape[-ndim:], kernel.shape)
    complete = frame.extend(observed)
    filters = torch.stack([transfer(f.to(observed), frame.canvas) for f in forward_differences(spacing)])
    filters = filters.reshape(ndim, *[1] * (observed.ndim - ndim), *filters.shape[1:])
    spectrum = sharp_image(complete, kernel, frame, filters, weight)
    sharp, blurred = irfftn(filters * spectrum, frame.canvas), irfftn(filters * rfftn(complete, ndim), frame.canvas)
    return kernel_statistics(sharp, blurred, kernel.shape)


def coarse_to_fine(
    observed: Tensor,
    shape: tuple[int, ...],
    prior: Updatable,
    *,
    prior_weight: float,
    spacing: tuple[float, ...],
    rounds: int,
) -> Iterator[tuple[Tensor, int]]:
    """Yield (kernel, steps in all) after every round of every level; kernels come at their level's size."""
    sizes = kernel_sizes(shape)
    total = rounds * len(sizes)
    weight = 4e-3
    kernel = first_kernel(sizes[0]).to(observed)
    for size in sizes:
        space = [
            max(n, round(full * n / last))
            for n, full, last in zip(size, observed.shape[-len(shape) :], shape, strict=True)
        ]
        level = observed if size == shape else resized(observed, space)
        if tuple(kernel.shape) != size:
            kernel = resized(kernel, size).clamp(min=0)
            kernel = centred(kernel / kernel.sum())
        for _ in range(rounds):
            statistics = level_statistics(level, kernel, weight, spacing)
            kernel = centred(prior.update(statistics, kernel, prior_weight))
            weight = max(weight / 1.1, 1e-4)
            yield kernel, total


def first_kernel(shape: tuple[int, ...]) -> Tensor:
    """Two equal taps along the last axis: anything but a delta."""
    kernel = torch.zeros(shape)
    middle = tuple(n // 2 for n in shape)
    kernel[middle] = 0.5
    kernel[(*middle[:-1], middle[-1] - 1)] = 0.5
    return kernel
