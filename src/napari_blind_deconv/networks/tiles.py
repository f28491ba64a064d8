"""A network on arrays larger than it should see at once: overlapping tiles, whose answers are those of the whole."""

import torch
from torch import Tensor

from napari_blind_deconv.networks.denoiser import Denoiser
from napari_blind_deconv.networks.unet import UNetShape
from napari_blind_deconv.tiling import tiles

# Samples that go through a network at once: a few hundred MB of its activations.
_AT_ONCE = 1 << 19


def reach(shape: UNetShape) -> int:
    """How far, in samples, an answer may depend on what goes in, rounded up to the coarsest level's sample.

    Every 3-tap convolution reaches one sample of its level; halving and doubling reach within the coarser sample.

    Examples
    --------
    >>> reach(UNetShape(widths=(4,), blocks=1)), reach(UNetShape(widths=(24, 48, 96, 128), blocks=1))
    (4, 56)
    """
    coarsest = 2 ** (len(shape.widths) - 1)
    convolutions = 2 * shape.blocks
    passed = sum(2 * convolutions * 2**level for level in range(len(shape.widths) - 1)) + convolutions * coarsest
    needed = 2 + passed + (coarsest - 1)
    return -(-needed // coarsest) * coarsest


def in_tiles(denoiser: Denoiser, noisy: Tensor, sigma: float, at_once: int = _AT_ONCE) -> Tensor:
    """The denoiser's answer, piece by piece: the same as of the whole, seams excluded by construction.

    Tiles overlap by what the network reaches, and begin on samples of its coarsest level.

    Parameters
    ----------
    denoiser
        For arrays of ``denoiser.shape.ndim`` axes.
    noisy
        Shape ``(..., *space)``.
    sigma
        Standard deviation of the noise.
    at_once
        Samples per piece, roughly.

    Examples
    --------
    >>> denoiser = Denoiser(UNetShape(widths=(4, 8)))
    >>> noisy = torch.rand(3, 90, 70)
    >>> torch.allclose(in_tiles(denoiser, noisy, 0.1, at_once=2048), denoiser(noisy, 0.1), atol=1e-5)
    True
    """
    ndim = denoiser.shape.ndim
    space = tuple(noisy.shape[noisy.ndim - ndim :])
    flat = noisy.reshape(-1, *space)
    out = torch.empty_like(flat)
    margin, multiple = reach(denoiser.shape), 2 ** (len(denoiser.shape.widths) - 1)
    side = max(multiple, int(at_once ** (1 / ndim)) - 2 * margin)
    sides = [n if flat[0].numel() <= at_once else max(multiple, side // multiple * multiple) for n in space]
    for tile in tiles(space, sides, [margin] * ndim):
        piece = flat[(slice(None), *tile.seen)]
        several = max(1, at_once // max(1, piece[0].numel()))
        for first in range(0, len(flat), several):
            some = slice(first, first + several)
            out[(some, *tile.kept)] = denoiser(piece[some], sigma)[(slice(None), *tile.within)]
    return out.reshape(noisy.shape)
