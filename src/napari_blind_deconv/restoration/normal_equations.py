"""(Hᵀ R⁻¹ H + Q) x = r: least squares for a scene of which only a frame is observed, each pixel with its own weight.

Hᵀ R⁻¹ H is no convolution, since the frame cuts and the weights differ, but it is close to one: a few steps of
conjugate gradients preconditioned by that convolution suffice. Everything stays in the Fourier domain.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from napari_blind_deconv._torch import torch
from napari_blind_deconv.forward import DataTerm
from napari_blind_deconv.restoration.in_time import Ties

if TYPE_CHECKING:
    from torch import Tensor


def solve(
    spectrum: Tensor,
    right: Tensor,
    data: DataTerm,
    stiffness: Tensor,
    steps: int,
    seen: Tensor | None = None,
    ties: tuple[Ties, float] | None = None,
) -> tuple[Tensor, Tensor]:
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
    seen
        ``data.normal(spectrum)``, where it is known: it spares two transforms.
    ties
        What ties the images of a batch, and its weight in Q: they have one step length then.

    Returns
    -------
    tuple
        The solution and what `DataTerm.normal` makes of it. The arguments are left as they are.
    """
    seen = data.normal(spectrum) if seen is None else seen
    diagonal = data.typical + stiffness
    precondition = 1 / diagonal
    one_by_one = HalfDot(data.frame.canvas)

    def dot(a: Tensor, b: Tensor) -> list[float]:
        found = one_by_one(a, b)
        return found if ties is None else [sum(found)] * len(found)

    def held(values: Tensor) -> Tensor:
        own = stiffness * values
        return own if ties is None else own.add_(ties[0].pull(values), alpha=ties[1])

    def solved(values: Tensor) -> Tensor:
        return precondition * values if ties is None else ties[0].solved(values, diagonal, ties[1])

    spectrum, seen = spectrum.clone(), seen.clone()
    residual = right - seen
    residual -= held(spectrum)
    direction = ahead = solved(residual)
    size = dot(residual, ahead)
    for step in range(steps):
        onto = data.normal(direction)
        image = held(direction).add_(onto)
        lengths = [s / max(d, _TINY) for s, d in zip(size, dot(direction, image), strict=True)]
        add_scaled(spectrum, lengths, direction)
        add_scaled(seen, lengths, onto)
        if step == steps - 1:
            break
        add_scaled(residual, [-n for n in lengths], image)
        ahead = solved(residual)
        previous, size = size, dot(residual, ahead)
        add_scaled(ahead, [s / max(p, _TINY) for s, p in zip(size, previous, strict=True)], direction)
        direction = ahead
    return spectrum, seen


_TINY = float(np.finfo(np.float32).tiny)


def add_scaled(target: Tensor, factors: list[float], values: Tensor) -> None:
    """``target += factor * values`` in place, item by item: canvases are large, and new ones cost more than sums."""
    for mine, factor, theirs in zip(_items(target, len(factors)), factors, _items(values, len(factors)), strict=True):
        mine.add_(theirs, alpha=factor)


def _items(values: Tensor, count: int) -> Iterator[Tensor]:
    yield from values.reshape(count, -1)


class HalfDot:
    """Inner products of images from their half spectra, one number per image."""

    def __init__(self, canvas: tuple[int, ...]) -> None:
        self._ndim, self._even = len(canvas), canvas[-1] % 2 == 0

    def __call__(self, a: Tensor, b: Tensor) -> list[float]:
        """Σ a b*, over the frequencies of the full spectra."""
        half = a.shape[-self._ndim :]
        return [self._one(x, y) for x, y in zip(a.reshape(-1, *half), b.reshape(-1, *half), strict=True)]

    def _one(self, a: Tensor, b: Tensor) -> float:
        """Every frequency counts twice, but for the columns that are their own mirror image."""
        columns = [0, -1] if self._even else [0]
        return 2 * _real(a, b) - sum(_real(a[..., c].contiguous(), b[..., c].contiguous()) for c in columns)


def _real(a: Tensor, b: Tensor) -> float:
    return float(torch.dot(torch.view_as_real(a).flatten(), torch.view_as_real(b).flatten()))
