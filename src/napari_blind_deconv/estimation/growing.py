"""A support that nobody asked for grows until the kernel fits into it, as far as the image has room."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_blind_deconv.estimation.problem import Found, Problem
from napari_blind_deconv.physical_checks import BORDER

if TYPE_CHECKING:
    from torch import Tensor

_WIDER = math.sqrt(2)
# Shares of the light on the two ends of an axis from which on a kernel is cut. In free forms noise lies there, too; and
# a volume's fit is so dear that only what would be doubted is worth another.
FEW_FIGURES, FREE = 0.005, BORDER


def on_wider_supports(
    problem: Problem, kernels: Callable[[Problem], Iterator[Found]], most: float = FREE
) -> Iterator[Found]:
    """Kernels on the support of a problem and, where it was found automatically, on wider ones if it cuts the answer.

    Parameters
    ----------
    problem
        The observation.
    kernels
        Better and better kernels of a problem, the last one the answer.
    most
        Share of the light that may lie on the ends of an axis.

    Yields
    ------
    Found
        The last one fits into its support, or there is no wider one.
    """
    done = 0
    while True:
        last: Found | None = None
        steps = 0
        for steps, last in enumerate(kernels(problem), start=1):
            yield replace(last, total=done + max(last.total, steps))
        following = None if last is None else wider(last.fit.kernel, problem, most)
        if following is None:
            return
        done += steps
        problem = replace(problem, kernel_shape=following)


def wider(kernel: Tensor, problem: Problem, most: float) -> tuple[int, ...] | None:
    """The next support along the axes that cut a kernel; ``None`` where it fits, or nothing wider is to be had."""
    shape, largest = problem.kernel_shape, problem.largest_kernel
    if largest is None or tuple(kernel.shape) != shape:
        return None
    sizes = list(zip(shape, largest, strict=True))
    cut = [n < limit and _on_ends(kernel, axis) > most for axis, (n, limit) in enumerate(sizes)]
    if not any(cut):
        return None
    return tuple(next_size(n, limit) if grows else n for (n, limit), grows in zip(sizes, cut, strict=True))


def next_size(size: int, most: int) -> int:
    """The next length of a support, odd, at most the largest."""
    return min(2 * round(_WIDER * size / 2) + 1, most)


def _on_ends(kernel: Tensor, axis: int) -> float:
    """Share of a kernel's light on the two ends of an axis."""
    moved = kernel.movedim(axis, 0)
    return float((moved[0].sum() + moved[-1].sum()) / kernel.sum())
