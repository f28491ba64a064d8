"""A blur that changes slowly over the field, as an operator: product-convolution.

    H x = crop( Σ_m k_m * (w_m · x) ),        Σ_m w_m = 1,  w_m ≥ 0,                                              (1)

k_m the kernels at the nodes of a grid and w_m the weights of linear interpolation between them (Nagy & O'Leary 1998,
doi:10.1137/S106482759528507X; Escande & Weiss 2017, doi:10.1137/16M1084419). Every source of light is spread by the
kernel of its own place, so that light is kept, and equal kernels give the uniform blur.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.forward.blur import Frame
from napari_blind_deconv.forward.operator import Blur
from napari_blind_deconv.fourier import irfftn, rfftn, transfer

if TYPE_CHECKING:
    from torch import Tensor

Place = tuple[float, ...]
# Nodes are added until a kernel half-way between two of them differs by less than this from their mean, relative to its
# norm; and there are no more of them along an axis than this.
_TOLERANCE, _MOST = 0.03, 9


@dataclass(frozen=True)
class KernelField:
    """A kernel at every place of a field.

    Attributes
    ----------
    space
        Shape of the field, in pixels.
    axes
        Which of its axes the kernel changes along.
    kernel_at
        The kernel at a place in pixels, ``(0, …)`` the centre of the first pixel; odd shape, unit sum.
    """

    space: tuple[int, ...]
    axes: tuple[bool, ...]
    kernel_at: Callable[[Place], Tensor]

    @property
    def middle(self) -> Place:
        """The centre of the field."""
        return tuple((n - 1) / 2 for n in self.space)

    def cropped(self, part: Sequence[slice]) -> KernelField:
        """The field of a part of the space, whose places count from its own first pixel."""
        starts = tuple(s.start for s in part)
        return KernelField(
            tuple(s.stop - s.start for s in part),
            self.axes,
            partial(_from, starts, self.kernel_at),
        )

    def like(self, tensor: Tensor) -> KernelField:
        """The same with the type and on the device of another tensor."""
        return KernelField(self.space, self.axes, partial(_as, tensor.new_zeros(()), self.kernel_at))

    def nodes(self, tolerance: float = _TOLERANCE) -> tuple[tuple[float, ...], ...]:
        """Places along each axis between which kernels are interpolated; one where the kernel does not change."""
        return tuple(self._along(axis, tolerance) for axis in range(len(self.space)))

    def _along(self, axis: int, tolerance: float) -> tuple[float, ...]:
        last = self.space[axis] - 1
        if not self.axes[axis] or last < 2:
            return (self.middle[axis],)
        for count in (2, 3, 5, _MOST):
            places = [i * last / (count - 1) for i in range(count)]
            if all(self._bend(axis, a, b) < tolerance for a, b in itertools.pairwise(places)):
                break
        return tuple(places)

    def _bend(self, axis: int, start: float, stop: float) -> float:
        """How far the kernel half-way is from the mean of two along an axis through the centre."""
        places = [self._moved(axis, p) for p in (start, (start + stop) / 2, stop)]
        first, between, last = (self.kernel_at(p) for p in places)
        return float((between - (first + last) / 2).norm() / between.norm())

    def _moved(self, axis: int, to: float) -> Place:
        return tuple(to if a == axis else m for a, m in enumerate(self.middle))

    def blur(self, frame: Frame, nodes: Sequence[Sequence[float]] | None = None) -> VariantBlur:
        """The operator for all of the field, seen through a frame of its shape."""
        nodes = self.nodes() if nodes is None else nodes
        kernels = torch.stack([self.kernel_at(place) for place in itertools.product(*nodes)])
        return VariantBlur(self.kernel_at(self.middle), frame, kernels, tuple(tuple(n) for n in nodes))


# Functions with names, so that a field can be sent to another process.
def _from(starts: Place, kernel_at: Callable[[Place], Tensor], place: Place) -> Tensor:
    return kernel_at(tuple(p + s for p, s in zip(place, starts, strict=True)))


def _as(like: Tensor, kernel_at: Callable[[Place], Tensor], place: Place) -> Tensor:
    return kernel_at(place).to(like)


@dataclass(frozen=True)
class VariantBlur(Blur):
    """Equation (1); ``kernel`` is that of the frame's centre.

    Attributes
    ----------
    kernels
        k_m, ``(nodes, *kernel)``, the last axis of the grid fastest.
    nodes
        The grid's places along each axis of the frame, in pixels of the frame, rising.

    Examples
    --------
    >>> frame = Frame.around((16, 15), (3, 5))
    >>> narrow, wide = torch.zeros(3, 5), torch.full((3, 5), 1 / 15)
    >>> narrow[1, 2] = 1.0
    >>> blur = VariantBlur(wide, frame, torch.stack([narrow, wide]), ((0.0, 15.0), (7.0,)))
    >>> scene, residual = torch.rand(*frame.canvas), torch.rand(16, 15)
    >>> bool(torch.isclose((blur(scene) * residual).sum(), (scene * blur.adjoint(residual)).sum(), rtol=1e-4))
    True
    """

    kernels: Tensor
    nodes: tuple[tuple[float, ...], ...]

    @cached_property
    def power(self) -> Tensor:
        """|K|², mean over the nodes: what the operator does to a wave, on average."""
        found = [t.real.square() + t.imag.square() for t in self._transfers]
        return torch.stack(found).mean(0)

    @cached_property
    def _transfers(self) -> list[Tensor]:
        return [transfer(kernel, self.frame.canvas) for kernel in self.kernels]

    @cached_property
    def _weights(self) -> list[tuple[Tensor, ...]]:
        """Weights of every node, one vector along each axis of the canvas."""
        along = [list(self._hats(axis)) for axis in range(self.frame.ndim)]
        return list(itertools.product(*along))

    def _hats(self, axis: int) -> Iterator[Tensor]:
        nodes, frame = self.nodes[axis], self.frame
        # The canvas is periodic: what lies behind the frame's end by more than half the rim lies before its start.
        place = torch.arange(frame.canvas[axis], dtype=torch.float64) - frame.start[axis]
        rim = frame.canvas[axis] - frame.shape[axis]
        place = torch.where(place > frame.shape[axis] - 1 + math.ceil(rim / 2), place - frame.canvas[axis], place)
        shape = [-1 if a == axis else 1 for a in range(frame.ndim)]
        for i, node in enumerate(nodes):
            share = torch.ones_like(place)
            if i > 0:
                share = torch.minimum(share, ((place - nodes[i - 1]) / (node - nodes[i - 1])).clamp(0, 1))
            if i < len(nodes) - 1:
                share = torch.minimum(share, ((nodes[i + 1] - place) / (nodes[i + 1] - node)).clamp(0, 1))
            yield share.to(self.kernel).reshape(shape)

    def of_spectrum(self, spectrum: Tensor) -> Tensor:
        """H x on the whole canvas, from the transform of x."""
        return self.everywhere(irfftn(spectrum, self.frame.canvas))

    def everywhere(self, scene: Tensor) -> Tensor:
        """H x on the whole canvas, which is periodic."""
        total: Tensor | None = None
        for through, weights in zip(self._transfers, self._weights, strict=True):
            part = rfftn(_weighed(scene, weights), self.frame.ndim).mul_(through)
            total = part if total is None else total.add_(part)
        if total is None:
            raise ValueError("a blur needs a kernel")
        return irfftn(total, self.frame.canvas)

    def adjoint(self, residual: Tensor) -> Tensor:
        """Hᵀ r: frame → canvas."""
        return self._adjoint_of(self.frame.place(residual))

    def adjoint_spectrum(self, residual: Tensor) -> Tensor:
        """The transform of Hᵀ r, on the half canvas."""
        return rfftn(self.adjoint(residual), self.frame.ndim)

    def adjoint_of_canvas(self, canvas: Tensor) -> Tensor:
        """The transform of Hᵀ on a canvas that is zero outside the frame."""
        return rfftn(self._adjoint_of(canvas), self.frame.ndim)

    def _adjoint_of(self, canvas: Tensor) -> Tensor:
        spectrum = rfftn(canvas, self.frame.ndim)
        total: Tensor | None = None
        for through, weights in zip(self._transfers, self._weights, strict=True):
            part = _weighed(irfftn(through.conj() * spectrum, self.frame.canvas), weights)
            total = part if total is None else total.add_(part)
        if total is None:
            raise ValueError("a blur needs a kernel")
        return total


def _weighed(scene: Tensor, weights: Sequence[Tensor]) -> Tensor:
    out = scene
    for vector in weights:
        if vector.numel() > 1:
            out = out * vector
    return out.clone() if out is scene else out
