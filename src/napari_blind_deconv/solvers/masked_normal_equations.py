"""(Kᵀ M W K + Q) x = r: least squares for a scene of which only the frame M is observed, with precisions W.

Kᵀ M K is no convolution, since the frame M cuts, but Kᵀ K is, and differs from it only in the rim: a few steps of
conjugate gradients preconditioned by (|K|² + Q)⁻¹ suffice. Everything stays in the Fourier domain, where one product
costs two transforms.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from napari_blind_deconv.forward import Frame
from napari_blind_deconv.fourier import irfftn, multiplicity, rfftn


def solve(
    spectrum: Tensor,
    right: Tensor,
    blur: Tensor,
    frame: Frame,
    stiffness: Tensor,
    steps: int,
    precision: Tensor | None = None,
) -> Tensor:
    """Conjugate gradients from a given start.

    Parameters
    ----------
    spectrum
        Start, the transform of x on the canvas, shape ``(..., *half canvas)``.
    right
        Transform of the right-hand side ``Kᵀ M W y + …``.
    blur
        K, the kernel's transfer function.
    frame
        M.
    stiffness
        Q, real and positive where ``|K|`` may vanish.
    steps
        Number of steps; each image of a batch has step lengths of its own.
    precision
        W, shape of the observation; ``None``: one everywhere.
    """
    product = _product(blur, frame, stiffness, precision)
    typical = 1.0 if precision is None else float(precision.mean())
    precondition = 1 / (typical * blur.abs() ** 2 + stiffness)
    count = multiplicity(frame.canvas, spectrum.real)
    axes = tuple(range(-frame.ndim, 0))

    def dot(a: Tensor, b: Tensor) -> Tensor:
        return ((a.real * b.real + a.imag * b.imag) * count).sum(axes, keepdim=True)

    residual = right - product(spectrum)
    direction = ahead = precondition * residual
    size = dot(residual, ahead)
    for step in range(steps):
        image = product(direction)
        length = size / dot(direction, image).clamp(min=torch.finfo(count.dtype).tiny)
        spectrum = spectrum + length * direction
        if step == steps - 1:
            break
        residual = residual - length * image
        ahead = precondition * residual
        previous, size = size, dot(residual, ahead)
        direction = ahead + size / previous.clamp(min=torch.finfo(count.dtype).tiny) * direction
    return spectrum


def _product(blur: Tensor, frame: Frame, stiffness: Tensor, precision: Tensor | None) -> Callable[[Tensor], Tensor]:
    def apply(spectrum: Tensor) -> Tensor:
        blurred = frame.crop(irfftn(blur * spectrum, frame.canvas))
        seen = frame.place(blurred if precision is None else precision * blurred)
        return blur.conj() * rfftn(seen, frame.ndim) + stiffness * spectrum

    return apply
