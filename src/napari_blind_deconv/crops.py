"""Which part of a large observation teaches the kernel: the busiest frames, and in them the busiest window."""

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_blind_deconv.fourier import trailing

# Side of the window per number of axes. Levin-size images teach a kernel well; more pixels add time, little else.
_SIDE = {1: 4096, 2: 512, 3: 192}
_FRAMES = 4


def informative_crop(
    observed: Tensor, kernel_shape: tuple[int, ...], *, side: int | None = None, frames: int = _FRAMES
) -> Tensor:
    """The part of ``observed`` (shape ``(batch, *space)``) with the most gradient energy.

    At most four frames and a window of 512² pixels (192 per axis in a volume), or as many as asked for, and never less
    than four kernels wide.
    """
    ndim = len(kernel_shape)
    space = observed.shape[-ndim:]
    window = [min(n, max(side or _SIDE.get(ndim, 128), 4 * k)) for n, k in zip(space, kernel_shape, strict=True)]
    if list(space) == window and observed.shape[0] <= frames:
        return observed
    energy = _gradient_energy(observed, ndim)
    chosen = energy.flatten(1).sum(1).topk(min(frames, observed.shape[0])).indices.sort().values
    start = _busiest_window(energy[chosen].sum(0), window)
    return observed[chosen][trailing(slice(s, s + w) for s, w in zip(start, window, strict=True))]


def _gradient_energy(observed: Tensor, ndim: int) -> Tensor:
    energy = torch.zeros_like(observed)
    for axis in range(-ndim, 0):
        difference = observed.diff(dim=axis) ** 2
        energy.narrow(axis, 0, difference.shape[axis]).add_(difference)
    return energy


def _busiest_window(energy: Tensor, window: list[int]) -> list[int]:
    """First pixel of the window with the largest sum, on a grid of about an eighth of the window."""
    sums = energy.double()
    for axis, size in enumerate(window):
        running = F.pad(sums.movedim(axis, -1).cumsum(-1), (1, 0))
        sums = (running[..., size:] - running[..., : running.shape[-1] - size]).movedim(-1, axis)
    return [int(i) for i in torch.unravel_index(sums.argmax(), sums.shape)]
