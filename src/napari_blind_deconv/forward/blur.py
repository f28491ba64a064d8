"""Blur with an honest border: y = crop(k * x) + b, the scene x reaching beyond the frame by the kernel's radius.

What lies outside the frame is unknown, not mirrored, wrapped or zero: it is part of the scene and estimated with it
(Almeida & Figueiredo 2013, doi:10.1109/TIP.2013.2258354). The scene lives on a canvas that is one kernel radius wider
than the frame on every side; there circular and linear convolution agree on the whole frame, so the border costs
nothing but the rim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import extract, fast_shape, irfftn, rfftn, trailing, transfer

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Frame:
    """Where the observed frame lies on the scene's canvas.

    Attributes
    ----------
    shape
        The frame, in pixels.
    canvas
        The scene's canvas, in pixels.
    start
        The frame's first pixel on the canvas.
    """

    shape: tuple[int, ...]
    canvas: tuple[int, ...]
    start: tuple[int, ...]

    @classmethod
    def around(cls, shape: Sequence[int], kernel_shape: Sequence[int]) -> Frame:
        """The frame of ``shape`` with a rim as wide as the radius of a kernel of odd ``kernel_shape``."""
        radius = [k // 2 for k in kernel_shape]
        canvas = fast_shape([n + 2 * r for n, r in zip(shape, radius, strict=True)])
        return cls(tuple(shape), canvas, tuple(radius))

    @property
    def ndim(self) -> int:
        """Number of spatial axes; those before them are a batch."""
        return len(self.shape)

    @property
    def inside(self) -> tuple[slice, ...]:
        """The frame's slices of the canvas."""
        return tuple(slice(s, s + n) for s, n in zip(self.start, self.shape, strict=True))

    def crop(self, scene: Tensor) -> Tensor:
        """The part of a canvas that the frame sees."""
        return scene[trailing(self.inside)]

    def clear_rim(self, canvas: Tensor) -> Tensor:
        """A canvas with zeros outside the frame, in place."""
        for axis, (start, n) in enumerate(zip(self.start, self.shape, strict=True), start=-self.ndim):
            canvas.narrow(axis, 0, start).zero_()
            canvas.narrow(axis, start + n, canvas.shape[axis] - start - n).zero_()
        return canvas

    def place(self, observed: Tensor) -> Tensor:
        """The frame on a canvas of zeros: the adjoint of `crop`."""
        canvas = observed.new_zeros((*observed.shape[: -self.ndim], *self.canvas))
        canvas[trailing(self.inside)] = observed
        return canvas

    def fill(self, observed: Tensor, surround: Tensor) -> Tensor:
        """The observation inside the frame, ``surround`` (a canvas) outside it."""
        canvas = surround.clone()
        canvas[trailing(self.inside)] = observed
        return canvas

    def extend(self, observed: Tensor) -> Tensor:
        """A first guess of the canvas: edge values, faded so that opposite sides of the canvas meet."""
        out = observed
        for axis, n, total, start in zip(range(-self.ndim, 0), self.shape, self.canvas, self.start, strict=True):
            place = torch.arange(total, device=out.device) - start
            outside = (place < 0) | (place >= n)
            # Past the last pixel the share of the first one grows until the canvas closes on itself.
            share = torch.where(outside, (place - n + 1) % total, 0).to(out.dtype) / (total - n + 1)
            share = share.reshape([-1] + [1] * (-axis - 1))
            last = out.index_select(axis, torch.where(outside, n - 1, place))
            first = out.index_select(axis, torch.where(outside, 0, place))
            out = last * (1 - share) + first * share
        return out


def predict(scene: Tensor, kernel: Tensor, frame: Frame, background: float = 0.0) -> Tensor:
    """The noise-free observation ``crop(k * x) + b``.

    Parameters
    ----------
    scene
        x on the canvas, shape ``(..., *frame.canvas)``.
    kernel
        k, odd shape, one axis per axis of the frame.
    frame
        Where the frame lies.
    background
        b, a constant offset in the scene's intensity unit.

    Returns
    -------
    Tensor
        Shape ``(..., *frame.shape)``.

    Examples
    --------
    >>> frame = Frame.around((16, 15), (3, 5))
    >>> delta = torch.zeros(3, 5); delta[1, 2] = 1.0
    >>> scene = torch.rand(*frame.canvas)
    >>> torch.allclose(predict(scene, delta, frame), frame.crop(scene), atol=1e-6)
    True
    """
    blurred = irfftn(rfftn(scene, frame.ndim) * transfer(kernel, frame.canvas), frame.canvas)
    return frame.crop(blurred) + background


def adjoint_kernel(residual: Tensor, scene: Tensor, frame: Frame, kernel_shape: Sequence[int]) -> Tensor:
    """Adjoint of `predict` (without background) in the kernel: frame → support, summed over the batch."""
    spectrum = rfftn(frame.place(residual), frame.ndim) * rfftn(scene, frame.ndim).conj()
    batch = tuple(range(spectrum.ndim - frame.ndim))
    return extract(irfftn(spectrum.sum(batch) if batch else spectrum, frame.canvas), kernel_shape)
