"""Richardson-Lucy for photons with a mask: x ← x · Hᵀ(W u / m) / HᵀW1."""

from collections.abc import Iterator

import torch
from torch import Tensor

from napari_blind_deconv.restoration.photons import Photons

# What momentum leaves of a pixel's light at least: what reaches zero would stay there.
_LEFT = 0.1
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
        Whether every step starts from where the last two lead to, x + (n - 1) / (n + 2) (x - x'), as in Nesterov 1983:
        n steps come as far as about n² / 6. The lengths follow no data, so that parts of an image agree with the whole.
    """
    scene = data.flat() if start is None else start
    before, step = scene, 0
    while True:
        ahead = scene
        if accelerated and step > 1:
            ahead = before.lerp(scene, 1 + (step - 1) / (step + 2))
            for part, now in zip(ahead.flatten().split(_SLAB), scene.flatten().split(_SLAB), strict=True):
                torch.maximum(part, _LEFT * now, out=part)
        before, step = scene, step + 1
        scene = data.ratio_of(ahead).mul_(ahead).div_(data.sensitivity)
        yield scene
