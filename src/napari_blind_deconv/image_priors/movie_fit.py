"""A free spectrum of space and time: variances by bands of spatial frequency, lifetime and rate of turning.

    S(s, ω) = Σ_jb A_jb h_b(s) P_j(ω),    min over A ≥ 0:  Σ w [ P / S + log S ],

h the hats between nodes as the window spreads them, P_j what a Hann window makes of a relaxation: a non-negative
factorisation under the Itakura–Saito divergence with both factors known, by multiplicative steps that never go uphill
(Févotte & Idier 2011, doi:10.1162/NECO_a_00168).
"""

from __future__ import annotations

import math
from itertools import starmap
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import between_nodes
from napari_blind_deconv.image_priors import relaxation
from napari_blind_deconv.image_priors.radial_spectrum import NODES
from napari_blind_deconv.image_priors.shells import Shells

if TYPE_CHECKING:
    from torch import Tensor

# Lifetimes in frames: shorter than any change that frames show, then by this factor up to those that stand still.
_WHITE, _SHORTEST, _RATIO, _STILL = 0.1, 0.7, 2.0, 16.0
# Oscillations this far apart, in turns per frame, as wide as that.
_TURNS = 16
_STEPS = 300
# A node that no shell is nearer to than this, in shells, is not seen.
_SEEN = 0.5
# A relaxation that nowhere has this share of the variance is left out.
_SHARE = 0.02
_FAINTEST = 1e-10


def free(shells: Shells, bands: int) -> list[tuple[float, float, list[float]]]:
    """Lifetime in frames, turns per frame and variances at the spatial nodes, of every relaxation that counts.

    Parameters
    ----------
    shells
        Of movies.
    bands
        Number of spatial nodes.
    """
    kinds = _kinds(shells.frames)
    found = _variances(shells, kinds, bands)
    share = (found / found.sum(0)).amax(1)
    kept = [kind for kind, most in zip(kinds, share.tolist(), strict=True) if most >= _SHARE]
    found = _variances(shells, kept, bands)
    return [(life, turns, row.tolist()) for (life, turns), row in zip(kept, found, strict=True)]


def _kinds(frames: int) -> list[tuple[float, float]]:
    """(lifetime, turns) from change in every frame to none, and oscillations side by side."""
    lifetimes = [_WHITE]
    life = _SHORTEST
    while life < frames:
        lifetimes.append(life)
        life *= _RATIO
    lifetimes.append(_STILL * frames)
    life = _TURNS / math.pi
    turning = [(life, i / _TURNS) for i in range(1, _TURNS // 2 + 1) if frames > 2 * life]
    return [*((life, 0.0) for life in lifetimes), *turning]


def _variances(shells: Shells, kinds: list[tuple[float, float]], bands: int) -> Tensor:
    """A, ``(kinds, bands)``."""
    like = shells.ordinates
    lower, share = between_nodes(shells.radius, *NODES, bands)
    hats = like.new_zeros(len(shells.radius), bands)
    hats.scatter_add_(1, lower[:, None], 1 - share[:, None]).scatter_add_(1, lower[:, None] + 1, share[:, None])
    hats = shells.spread @ hats
    times = torch.stack(list(starmap(lambda life, turns: _seen(life, turns, shells.frames, like), kinds)))
    empty = hats.sum(0) < _SEEN
    found = shells.ordinates.mean() * like.new_ones(len(kinds), bands) / len(kinds)
    for _ in range(_STEPS):
        model = hats @ (found.T @ times)
        up = hats.T @ (shells.weights * shells.ordinates / model**2) @ times.T
        down = hats.T @ (shells.weights / model) @ times.T
        found = found * (up / down.clamp(min=1e-300)).sqrt().T
        found = found.clamp(min=_FAINTEST * float(found.max()))
    # Where no frequency lies, the spectrum goes on as it is beside it.
    there = (~empty).nonzero().flatten()
    nearest = (torch.arange(bands, device=like.device)[:, None] - there).abs().argmin(1)
    return found[:, there[nearest]]


def _seen(life: float, turns: float, frames: int, like: Tensor) -> Tensor:
    decay = torch.exp(like.new_tensor(-1 / life))
    return relaxation.seen(decay, 2 * torch.pi * turns, frames).clamp(min=0)
