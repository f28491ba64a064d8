"""A network for planes applied to lines and volumes."""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor

Denoise = Callable[[Tensor, float], Tensor]


def over_planes(denoise: Denoise, noisy: Tensor, sigma: float) -> Tensor:
    """A 2-D denoiser's answer for an array of any number of axes.

    In three dimensions and more, the mean of its answers over all families of parallel planes: the scores of the
    families add up, as those of independent experts do (Lee et al. 2023, arXiv:2303.08440). A line is a plane of one
    row.

    Parameters
    ----------
    denoise
        (planes ``(batch, y, x)``, σ) → their posterior means.
    noisy
        All axes are spatial.
    sigma
        Standard deviation of the noise.
    """
    if noisy.ndim < 2:
        return over_planes(denoise, noisy.reshape(1, -1), sigma).reshape(noisy.shape)
    answers = []
    for pair in itertools.combinations(range(noisy.ndim), 2):
        planes = noisy.movedim(pair, (-2, -1))
        answer = denoise(planes.reshape(-1, *planes.shape[-2:]), sigma).reshape(planes.shape)
        answers.append(answer.movedim((-2, -1), pair))
    return torch.stack(answers).mean(0)
