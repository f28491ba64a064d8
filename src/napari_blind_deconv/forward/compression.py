"""Whether an image was stored as JPEG: its cosine coefficients on the 8 x 8 grid are zero where others' are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import scipy

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = 8
# Coefficients of the highest frequencies, which a quantiser sets to zero first, and how small is zero beside their
# root mean square elsewhere.
_HIGHEST, _ZERO = 6, 0.3
# Blocks that are looked at, at most.
_MOST = 4096
# Share of zeros on the grid less that on the other grids.
_MORE = 0.05


def block_coded(observed: Tensor) -> bool:
    """Whether the last two axes carry the 8 x 8 grid of a JPEG.

    On the grid of the coder, high coefficients that were quantised to zero differ from zero by rounding only; on grids
    shifted by half a block they are as large as the image's noise makes them. Both counts are compared, so that images
    that are smooth everywhere do not pass for coded ones.

    Parameters
    ----------
    observed
        Shape ``(batch, ..., y, x)``, any intensity scale.

    Examples
    --------
    >>> block_coded(torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(0)))
    False
    """
    height, width = observed.shape[-2:]
    if min(height, width) < 4 * _BLOCK:
        return False
    planes = observed.detach().cpu().reshape(-1, height, width)[:4]
    half = _BLOCK // 2
    on_grid = _sizes(planes, 0, 0)
    others = torch.cat([_sizes(planes, *shift) for shift in ((0, half), (half, 0), (half, half))])
    unit = _ZERO * float(others.square().mean().sqrt())
    return bool((on_grid < unit).double().mean() - (others < unit).double().mean() > _MORE)


def _sizes(planes: Tensor, down: int, right: int) -> Tensor:
    """Sizes of the highest coefficients of the blocks of a shifted grid."""
    blocks = planes[:, down:, right:].unfold(1, _BLOCK, _BLOCK).unfold(2, _BLOCK, _BLOCK)
    flat = blocks.reshape(-1, _BLOCK, _BLOCK)
    flat = flat[:: max(1, len(flat) // _MOST)]
    coefficients = torch.from_numpy(scipy.fft.dctn(flat.numpy(), axes=(-2, -1), norm="ortho"))
    order = torch.arange(_BLOCK)
    high = order[:, None] + order[None, :] >= 2 * _BLOCK - 2 - _HIGHEST
    return coefficients[:, high].abs().flatten()
