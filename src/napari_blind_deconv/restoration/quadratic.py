"""Restoration with a known kernel under a Gaussian image prior: the posterior mean, by one system of equations.

    x = mean + argmin ½ ‖(y - mean) - H u‖²_R + ½ uᵀ F⁻¹ Q F u                                      (1)

Mean and mode agree, so that nothing has to be split or sampled; the surround of the frame is unknown, as ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from napari_blind_deconv.forward import DataTerm
from napari_blind_deconv.fourier import irfftn, rfftn
from napari_blind_deconv.image_priors import Quadratic
from napari_blind_deconv.restoration.normal_equations import solve

if TYPE_CHECKING:
    from torch import Tensor

# Conjugate-gradient steps from one look at the scene to the next; three leave three times the error (decision 0015).
_INNER_STEPS = 8


def restore(data: DataTerm, prior: Quadratic, *, spacing: tuple[float, ...], steps: int) -> Iterator[Tensor]:
    """Yield the scene on the canvas after every step, the best last.

    Parameters
    ----------
    data
        What is observed, how it was blurred, and its noise.
    prior
        Q and the mean.
    spacing
        The pixel's relative size per axis.
    steps
        How often conjugate gradients are begun.
    """
    mean = prior.mean or 0.0
    frame, centred = data.frame, data.less(mean)
    stiffness = data.sigma**2 * prior.precision(frame.canvas, spacing, data.observed)
    spectrum = rfftn(frame.extend(centred.observed), frame.ndim)
    seen = None
    for _ in range(steps):
        spectrum, seen = solve(spectrum, centred.explained, centred, stiffness, _INNER_STEPS, seen)
        yield irfftn(spectrum, frame.canvas) + mean
