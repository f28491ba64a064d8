"""(Hᵀ R⁻¹ H + Q) x = r: least squares for a scene of which only a frame is observed, each pixel with its own weight.

Hᵀ R⁻¹ H is no convolution, since the frame cuts and the weights differ, but it is close to one: a few steps of
conjugate gradients preconditioned by that convolution suffice. Everything stays in the Fourier domain.
"""

import torch
from torch import Tensor

from napari_blind_deconv.forward import DataTerm
from napari_blind_deconv.fourier import multiplicity


def solve(spectrum: Tensor, right: Tensor, data: DataTerm, stiffness: Tensor, steps: int) -> Tensor:
    """Conjugate gradients from a given start.

    Parameters
    ----------
    spectrum
        Start, the transform of x on the canvas, shape ``(..., *half canvas)``.
    right
        Transform of the right-hand side ``σ² Hᵀ R⁻¹ y + …``.
    data
        H and R; multiplied by σ².
    stiffness
        Q, real and positive where the kernel's transfer function may vanish.
    steps
        Number of steps; each image of a batch has step lengths of its own.
    """
    frame = data.frame
    precondition = 1 / (data.typical + stiffness)
    count = multiplicity(frame.canvas, spectrum.real)
    tiny = torch.finfo(count.dtype).tiny
    axes = tuple(range(-frame.ndim, 0))

    def product(values: Tensor) -> Tensor:
        return data.normal(values) + stiffness * values

    def dot(a: Tensor, b: Tensor) -> Tensor:
        return ((a.real * b.real + a.imag * b.imag) * count).sum(axes, keepdim=True)

    residual = right - product(spectrum)
    direction = ahead = precondition * residual
    size = dot(residual, ahead)
    for step in range(steps):
        image = product(direction)
        length = size / dot(direction, image).clamp(min=tiny)
        spectrum = spectrum + length * direction
        if step == steps - 1:
            break
        residual = residual - length * image
        ahead = precondition * residual
        previous, size = size, dot(residual, ahead)
        direction = ahead + size / previous.clamp(min=tiny) * direction
    return spectrum
