"""Restoration with a known kernel under a Gaussian image prior: the posterior mean, by one system of equations.

    x = mean + argmin ‖crop(k * u) - (y - mean)‖² / (2σ²) + ½ uᵀ F⁻¹ Q F u                                      (1)

Mean and mode agree, so that nothing has to be split or sampled; the surround of the frame is unknown, as ever.
"""

from collections.abc import Iterator

from torch import Tensor

from napari_blind_deconv.forward import Frame
from napari_blind_deconv.fourier import irfftn, rfftn, transfer
from napari_blind_deconv.image_priors import Quadratic
from napari_blind_deconv.solvers.masked_normal_equations import solve

# Conjugate-gradient steps from one look at the scene to the next; three leave three times the error (decision 0015).
_INNER_STEPS = 8


def restore(
    observed: Tensor,
    kernel: Tensor,
    frame: Frame,
    prior: Quadratic,
    *,
    noise_sigma: float,
    spacing: tuple[float, ...],
    steps: int,
) -> Iterator[Tensor]:
    """Yield the scene on the canvas after every step, the best last.

    Parameters
    ----------
    observed
        y without background, shape ``(..., *frame.shape)``.
    kernel
        k, odd shape, unit sum.
    frame
        The frame on the scene's canvas.
    prior
        Q and the mean.
    noise_sigma
        σ, in the unit of ``observed``.
    spacing
        The pixel's relative size per axis.
    steps
        How often conjugate gradients are begun.
    """
    mean = prior.mean or 0.0
    blur = transfer(kernel, frame.canvas)
    stiffness = noise_sigma**2 * prior.precision(frame.canvas, spacing, observed)
    right = blur.conj() * rfftn(frame.place(observed - mean), frame.ndim)
    spectrum = rfftn(frame.extend(observed - mean), frame.ndim)
    for _ in range(steps):
        spectrum = solve(spectrum, right, blur, frame, stiffness, _INNER_STEPS)
        yield irfftn(spectrum, frame.canvas) + mean
