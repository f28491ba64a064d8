"""Windows of a smaller side, half over each other, in place of one over everything (Welch 1967,
doi:10.1109/TAU.1967.1161901).

|K|² of a kernel that is n samples long varies over 1 / n cycles per sample; a window of a few n shows all of it. What a
longer window would add is more frequencies, each with the same noise: the mean over windows has a few of them, with
less noise. It tells the same and costs a fraction, and what lies at the frame's border is seen too.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import fast_shape, hann, trailing

if TYPE_CHECKING:
    from torch import Tensor

# Sides of volumes' windows in samples and in kernels, whichever is larger. Images are seen whole: they are cheap, and a
# family's kernel must be the best in the window that it is judged in (decision 33). Where an image is parted all the
# same, what its border loses counts; of a known spectrum nothing else does, and windows are shorter (decision 53).
_SIDE, _KERNELS = 64, 2.5
PARTED, KNOWN = 64, 48
# Longer axes are parted, others are seen whole.
_LONGER = 1.25


def window_for(space: Sequence[int], kernel_shape: Sequence[int], *, parted: int | None = None) -> tuple[int, ...]:
    """Sides of the windows that an observation of shape ``space`` is seen through, for kernels of a support.

    Images are seen whole, unless they are to be ``parted`` as well, into windows of this side at least.

    Examples
    --------
    >>> window_for((48, 256, 256), (17, 33, 33))
    (48, 90, 90)
    """
    if len(space) < 3 and parted is None:
        return tuple(space)
    wanted = fast_shape([max(parted or _SIDE, math.ceil(_KERNELS * k)) for k in kernel_shape])
    return tuple(n if n < _LONGER * w else w for n, w in zip(space, wanted, strict=True))


def pieces(observed: Tensor, window: Sequence[int]) -> Iterator[Tensor]:
    """An observation ``(..., *space)`` in windows, evenly spread, at most half a window apart."""
    starts = itertools.starmap(_starts, zip(observed.shape[-len(window) :], window, strict=True))
    for start in itertools.product(*starts):
        yield observed[trailing(slice(s, s + w) for s, w in zip(start, window, strict=True))]


def overlap_gain(space: Sequence[int], window: Sequence[int]) -> float:
    """How many times more `pieces` tell of a known spectrum than windows that fit side by side.

    Half of what a window lets fade is seen by its neighbours: the mean of K periodograms, whose ordinates correlate by
    the squared overlap of their windows, scatters as that of K² / Σ ρ² windows of their own (Welch 1967).

    Examples
    --------
    >>> round(overlap_gain((256,), (64,)), 2), round(overlap_gain((64,), (64,)), 2)
    (1.67, 1.0)
    """
    return math.prod(_alone(n, w) * w / n for n, w in zip(space, window, strict=True))


def _alone(n: int, w: int) -> float:
    """Windows of their own that say as much as those along an axis."""
    starts, shape = _starts(n, w), hann((w,), torch.zeros((), dtype=torch.float64))
    laid = torch.zeros(len(starts), n, dtype=torch.float64)
    for row, start in zip(laid, starts, strict=True):
        row[start : start + w] = shape
    overlap = laid @ laid.T / shape.square().sum()
    return len(starts) ** 2 / float(overlap.square().sum())


def _starts(n: int, w: int) -> list[int]:
    """Where windows begin along an axis."""
    steps = math.ceil(2 * (n - w) / w)
    return [round(i * (n - w) / max(steps, 1)) for i in range(steps + 1)]


def lowest_waves(window: Sequence[int], highest: float, like: Tensor) -> list[Tensor]:
    """Whole waves per window along each axis up to ``highest`` cycles per sample, the last axis from 0."""
    most = [min(math.ceil(highest * n), (n - 1) // 2) for n in window]
    return [torch.arange(-m if a < len(most) - 1 else 0, m + 1, device=like.device) for a, m in enumerate(most)]
