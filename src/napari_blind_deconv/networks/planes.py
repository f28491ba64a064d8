"""A network for planes applied to lines and volumes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from torch import Tensor


Denoise = Callable[["Tensor", float], "Tensor"]
ORIENTATIONS = 8


def seen_turned(denoise: Denoise, turn: int) -> Denoise:
    """A denoiser of planes that sees them mirrored along x, y and the diagonal (bits 0, 1 and 2 of ``turn``).

    A network that knows no up and no down errs a little differently in each of the eight.
    """
    mirrored = [axis for axis, bit in ((-1, 1), (-2, 2)) if turn & bit]

    def turned(planes: Tensor, sigma: float) -> Tensor:
        seen = planes.flip(mirrored)
        answer = denoise(seen.mT, sigma).mT if turn & 4 else denoise(seen, sigma)
        return answer.flip(mirrored)

    return turned


def over_planes(
    denoise: Denoise,
    noisy: Tensor,
    sigma: float,
    ndim: int | None = None,
    families: Sequence[tuple[int, int]] | None = None,
) -> Tensor:
    """A 2-D denoiser's answer for an array of any number of axes.

    In three dimensions and more, the mean of its answers over all families of parallel planes: the scores of the
    families add up, as those of independent experts do (Lee et al. 2023, arXiv:2303.08440). A line is a plane of one
    row.

    Parameters
    ----------
    denoise
        (planes ``(batch, y, x)``, σ) → their posterior means.
    noisy
        Shape ``(..., *space)``.
    sigma
        Standard deviation of the noise.
    ndim
        Number of spatial axes, the last ones; ``None``: all.
    families
        The pairs of spatial axes that span the planes, counted from the first spatial axis; ``None``: all pairs.
    """
    ndim = noisy.ndim if ndim is None else ndim
    if ndim < 2:
        return over_planes(denoise, noisy.unsqueeze(-1 - ndim), sigma, 2).squeeze(-1 - ndim)
    answers = []
    for pair in families or list(itertools.combinations(range(ndim), 2)):
        axes = tuple(axis - ndim for axis in pair)
        planes = noisy.movedim(axes, (-2, -1))
        answer = denoise(planes.reshape(-1, *planes.shape[-2:]), sigma).reshape(planes.shape)
        answers.append(answer.movedim((-2, -1), axes))
    return torch.stack(answers).mean(0) if len(answers) > 1 else answers[0]
