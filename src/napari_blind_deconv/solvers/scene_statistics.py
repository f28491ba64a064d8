"""What a restored scene teaches about the kernel that blurred it."""

from torch import Tensor

from napari_blind_deconv.forward import Frame
from napari_blind_deconv.image_priors.differences import forward_differences
from napari_blind_deconv.solvers.half_quadratic import analysed
from napari_blind_deconv.statistics import KernelStatistics, kernel_statistics


def scene_statistics(
    observed: Tensor,
    scene: Tensor,
    blurred: Tensor,
    shape: tuple[int, ...],
    frame: Frame,
    spacing: tuple[float, ...],
) -> KernelStatistics:
    """Kernel statistics of gradients, the scene taken as it is.

    Parameters
    ----------
    observed
        y, shape ``(batch, *frame.shape)``.
    scene, blurred
        x on the canvas, and x blurred by the kernel so far, which stands for the observation around the frame.
    shape
        The kernel's support.
    frame, spacing
        As for the restoration.
    """
    filters = forward_differences(spacing)
    complete = frame.fill(observed, blurred)
    return kernel_statistics(analysed(scene, filters), analysed(complete, filters), shape)
