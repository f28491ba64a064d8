"""Which part of a large observation teaches the kernel: the busiest frames, and in them the busiest window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import trailing

if TYPE_CHECKING:
    from torch import Tensor

# Side of the window per number of axes. Levin-size images teach a kernel well; more pixels add time, little else.
_SIDE = {1: 4096, 2: 512, 3: 192}
_FRAMES = 4
# Share of a window that should be data, how much smaller it may be made for that, and by which steps.
_DATA, _SMALLEST, _STEP = 0.98, 4, 0.7
# A frame that shows less than this share of the busiest one's energy, as one that is bleached, adds noise only.
_WORTH = 0.25


@dataclass(frozen=True)
class Window:
    """Frames, and a box in them.

    Attributes
    ----------
    frames
        Indices of the frames.
    box
        Slices of the spatial axes.
    """

    frames: Tensor
    box: tuple[slice, ...]

    def of(self, values: Tensor) -> Tensor:
        """What it shows of an array ``(batch, *space)``."""
        whole = all(s.start == 0 and s.stop == n for s, n in zip(self.box, values.shape[1:], strict=True))
        if whole and len(self.frames) == len(values):
            return values
        return values[self.frames][trailing(self.box)]


def informative_window(
    observed: Tensor,
    kernel_shape: tuple[int, ...],
    weights: Tensor | None = None,
    *,
    side: int | None = None,
    frames: int = _FRAMES,
    kernels: float = _SMALLEST,
) -> Window:
    """The part of ``observed`` (shape ``(batch, *space)``) with the most gradient energy.

    At most four frames and a window of 512² pixels (192 per axis in a volume), or as many as asked for, and never less
    than ``kernels`` kernels wide. Where there are no data (``weights`` 0), windows avoid them, smaller ones if need be.
    """
    ndim = len(kernel_shape)
    space = observed.shape[-ndim:]
    window, smallest = window_sides(space, kernel_shape, side, kernels)
    everything = torch.arange(len(observed), device=observed.device)
    if list(space) == window and len(observed) == 1 and weights is None:
        return Window(everything, tuple(slice(0, n) for n in space))
    energy = gradient_energy(observed, ndim)
    data = torch.ones_like(observed[:1]) if weights is None else (weights > 0).to(observed).expand_as(observed)
    return _busiest(energy * data, data.expand_as(observed), (window, smallest), frames)


def window_by_cells(
    energy: Tensor, data: Tensor, cell: tuple[int, ...], space: tuple[int, ...], kernel_shape: tuple[int, ...]
) -> Window:
    """As `informative_window`, from an observation that was looked at piece by piece.

    Parameters
    ----------
    energy, data
        Sums of the gradient energy, and share of the pixels that are data, over cells; shape ``(batch, *cells)``.
    cell
        The cells' sides, in pixels.
    space
        The observation's shape.
    kernel_shape
        The kernel's support.
    """
    window, smallest = window_sides(space, kernel_shape)
    sides = tuple([max(1, w // c) for w, c in zip(sizes, cell, strict=True)] for sizes in (window, smallest))
    found = _busiest(energy, data, (sides[0], sides[1]), _FRAMES)
    parts = [slice(b.start * c, min(b.stop * c, n)) for b, c, n in zip(found.box, cell, space, strict=True)]
    return Window(found.frames, tuple(parts))


def window_sides(
    space: Sequence[int], kernel_shape: tuple[int, ...], side: int | None = None, kernels: float = _SMALLEST
) -> tuple[list[int], list[int]]:
    """Sides of the window that teaches a kernel, and of the smallest that will do."""
    smallest = [min(n, round(kernels * k)) for n, k in zip(space, kernel_shape, strict=True)]
    usual = side or _SIDE.get(len(kernel_shape), 128)
    return [min(n, max(usual, low)) for n, low in zip(space, smallest, strict=True)], smallest


def _busiest(energy: Tensor, data: Tensor, sides: tuple[list[int], list[int]], frames: int) -> Window:
    """The busiest frames and the busiest window in them, from energy and data ``(batch, *space)``."""
    window, smallest = sides
    ndim = len(window)
    shown = energy.flatten(1).sum(1)
    chosen = shown.topk(min(frames, len(energy))).indices.sort().values
    chosen = chosen[shown[chosen] >= _WORTH * shown.max()]
    share = data[chosen].mean(0)
    start = _busiest_window(energy[chosen].sum(0), share, window)
    while start is None and any(w > low for w, low in zip(window, smallest, strict=True)):
        window = [max(int(w * _STEP), low) for w, low in zip(window, smallest, strict=True)]
        start = _busiest_window(energy[chosen].sum(0), share, window)
    if start is None:
        start = _busiest_window(energy[chosen].sum(0), torch.ones_like(share), window) or [0] * ndim
    return Window(chosen, tuple(slice(s, s + w) for s, w in zip(start, window, strict=True)))


def gradient_energy(observed: Tensor, ndim: int) -> Tensor:
    """Squared differences to the next pixel along the last axes, summed over these."""
    energy = torch.zeros_like(observed)
    for axis in range(-ndim, 0):
        difference = observed.diff(dim=axis) ** 2
        energy.narrow(axis, 0, difference.shape[axis]).add_(difference)
    return energy


def _busiest_window(energy: Tensor, share: Tensor, window: list[int]) -> list[int] | None:
    """First pixel of the window with the largest sum of energy among those of enough data; ``None``: there are none."""
    sums, data = _window_sums(energy, window), _window_sums(share, window)
    enough = data >= _DATA * data.new_tensor(window).prod()
    if not bool(enough.any()):
        return None
    best = torch.where(enough, sums, -torch.ones_like(sums)).argmax()
    # torch's own unravel_index imports a computer algebra system, which takes seconds.
    return [int(i) for i in np.unravel_index(int(best), sums.shape)]


def _window_sums(values: Tensor, window: list[int]) -> Tensor:
    sums = values.double()
    for axis, size in enumerate(window):
        running = torch.nn.functional.pad(sums.movedim(axis, -1).cumsum(-1), (1, 0))
        sums = (running[..., size:] - running[..., : running.shape[-1] - size]).movedim(-1, axis)
    return sums
