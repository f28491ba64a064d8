"""Evidence where the scene's spectrum is known: to be found are its level, that of the noise, and the kernel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.evidence.closed_form import Evidence
from napari_blind_deconv.evidence.pieces import overlap_gain

if TYPE_CHECKING:
    from torch import Tensor

# Deviation of the logarithm of the noise's level.
_LEVEL = 0.3


def under(evidence: Evidence, scene: Tensor) -> Evidence:
    """The same under a known S but for its level.

    The level of the noise is found with the kernel, from all frequencies: under a known S they tell it far better than
    the highest alone, and what is read wrong there widens or narrows the kernel (decision 53). A level of white noise
    that was given is believed.

    Parameters
    ----------
    evidence
        The observation.
    scene
        S on the half canvas of the window, in units of the observation's variance.
    """
    for axis, (place, n) in enumerate(zip(evidence.axes, evidence.window, strict=True)):
        scene = scene.index_select(axis, (place * n).round().long() % n)
    known = scene.to(evidence.periodogram)
    # A mean that is free has infinite variance, and no weight.
    relative = torch.where(known.isinf(), 1.0, known) / evidence.noise_sigma**2
    told = evidence.independent * overlap_gain(evidence.observed.shape[-evidence.ndim :], evidence.window)
    found = replace(evidence, scene=relative, independent=told)
    if evidence.given.origin == "given" and evidence.given.is_white:
        return replace(found, floor=evidence.floor / evidence.read_again)
    return found if len(evidence.colours) else replace(found, colours=torch.full_like(evidence.floor, _LEVEL)[None])
