"""Richardson-Lucy for photons with a mask: x ← x · Hᵀ(W u / m) / HᵀW1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.restoration.photons import Photons

if TYPE_CHECKING:
    from torch import Tensor

# By how much the last step may have changed a pixel, for momentum to believe it: a few pixels would overshoot.
_SLOWEST, _FASTEST = 0.5, 1.5
# Photons that divide.
_FAINT = 1e-12
# Samples that are looked at together.
_SLAB = 1 << 16


def richardson_lucy(data: Photons, start: Tensor | None = None, *, accelerated: bool = False) -> Iterator[Tensor]:
    """Scenes of rising likelihood, in photons on the canvas, without end; the first yield is one step from the start.

    Richardson 1972 (doi:10.1364/JOSA.62.000055), Lucy 1974 (doi:10.1086/111605), the mask after Bertero & Boccacci 2005
    (doi:10.1051/0004-6361:20052717).

    Parameters
    ----------
    data
        Counts, and how a scene makes them.
    start
        The first scene; ``None``: a flat one.
    accelerated
        Whether every step starts from where the last two lead to, x (x / x')^((n - 1) / (n + 2)): Nesterov's lengths
        (1983) in the logarithm, where Richardson-Lucy moves and light stays positive (decision 0037). They follow no
        data, so that parts of an image agree with the whole.
    """
    scene = data.flat() if start is None else start
    before, step = scene, 0
    while True:
        ahead = scene
        if accelerated and step > 1:
            ahead = _ahead(before, scene, (step - 1) / (step + 2))
        before, step = scene, step + 1
        scene = data.ratio_of(ahead).mul_(ahead).div_(data.sensitivity)
        yield scene


def _ahead(before: Tensor, scene: Tensor, power: float) -> Tensor:
    """X (x / x')^power, within bounds; r^p by ((1 + p) r + 1 - p) / ((1 - p) r + 1 + p), .2 % off at most."""
    ahead, least, most = torch.empty_like(scene), _SLOWEST**power, _FASTEST**power
    for part, then, now in zip(*(whole.flatten().split(_SLAB) for whole in (ahead, before, scene)), strict=True):
        torch.lerp(then, now, (1 + power) / 2, out=part)
        part.div_(torch.lerp(then, now, (1 - power) / 2).clamp_(min=_FAINT)).clamp_(least, most).mul_(now)
    return ahead
