"""What a restored scene teaches about the kernel that blurred it, in nats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_blind_deconv.forward import DataTerm
from napari_blind_deconv.image_priors.differences import forward_differences
from napari_blind_deconv.restoration.filtered import analysed
from napari_blind_deconv.statistics import KernelStatistics, kernel_statistics

if TYPE_CHECKING:
    from torch import Tensor


def scene_statistics(data: DataTerm, scene: Tensor, blurred: Tensor, spacing: tuple[float, ...]) -> KernelStatistics:
    """Kernel statistics of gradients in nats, the scene taken as it is.

    Parameters
    ----------
    data
        y; its kernel's shape is the support.
    scene, blurred
        x on the canvas, and x blurred by the kernel so far, which stands for the observation around the frame, and
        where it is no data.
    spacing
        The pixel's relative size per axis.
    """
    filters = forward_differences(spacing)
    complete = data.completed(blurred)
    found = kernel_statistics(analysed(scene, filters), analysed(complete, filters), data.blur.kernel.shape)
    return found.scaled(1 / gradient_variance(data.sigma, spacing))


def gradient_variance(sigma: float, spacing: tuple[float, ...]) -> float:
    """Variance of the gradients of white noise, summed over the axes: what makes a squared residual of gradients nats.

    Were their power the same at every frequency, the gradients' squared residual over this would be the residual's own
    over σ².
    """
    return sigma**2 * sum(float(f.square().sum()) for f in forward_differences(spacing))
