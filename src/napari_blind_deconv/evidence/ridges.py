"""Directions that an image prefers, beyond what a grain can tell: ridges of its spectrum."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.evidence.closed_form import Evidence
from napari_blind_deconv.evidence.directions import directions_of

if TYPE_CHECKING:
    from torch import Tensor


def directional(evidence: Evidence, degree: int) -> Tensor:
    """Even polynomials of the direction of each kept frequency, orthogonal, of zero mean, ``(features, *kept)``.

    Buildings, cloth and fibres give the image's spectrum ridges that a grain is too smooth for; a kernel would be
    asked to explain them. They run from low to high frequencies alike, which a kernel's nulls do not. There are none
    where the degree is 0, or one axis and so no direction.
    """
    if degree == 0 or evidence.ndim == 1:
        return evidence.periodogram.new_zeros(0, *evidence.weights.shape)
    directions = directions_of([f / d for f, d in zip(evidence.axes, evidence.spacing, strict=True)])
    powers = [p for p in itertools.product(range(degree + 1), repeat=evidence.ndim) if sum(p) == degree]
    terms = [torch.stack([directions[..., a] ** n for a, n in enumerate(p)]).prod(0) for p in powers]
    flat = torch.stack(terms).flatten(1).double()
    weights = evidence.weights.flatten().double()
    flat = flat - (flat * weights).sum(1, keepdim=True)
    values, vectors = torch.linalg.eigh((flat * weights) @ flat.T)
    kept = values > 1e-6 * values.max()
    features = (vectors[:, kept] / values[kept].sqrt()).T @ flat
    return features.reshape(-1, *evidence.weights.shape).to(evidence.periodogram)
