"""Directions that an image prefers, beyond what a grain can tell: ridges of its spectrum."""

import itertools

import torch
from torch import Tensor

from napari_blind_deconv.evidence.closed_form import Evidence

# Degree of the polynomials in the direction that the image's spectrum is multiplied by, where it has two axes or more.
_DEGREE = {2: 8, 3: 4}


def directional(evidence: Evidence) -> Tensor:
    """Even polynomials of the direction of each kept frequency, orthogonal, of zero mean, ``(features, *kept)``.

    Buildings, cloth and fibres give the image's spectrum ridges that a grain is too smooth for; a kernel would be
    asked to explain them. They run from low to high frequencies alike, which a kernel's nulls do not.
    """
    degree, directions = _DEGREE.get(evidence.ndim, 0), evidence.directions
    powers = [p for p in itertools.product(range(degree + 1), repeat=evidence.ndim) if sum(p) == degree]
    terms = [torch.stack([directions[..., a] ** n for a, n in enumerate(p)]).prod(0) for p in powers]
    flat = torch.stack(terms).flatten(1).double()
    weights = evidence.weights.flatten().double()
    flat = flat - (flat * weights).sum(1, keepdim=True)
    values, vectors = torch.linalg.eigh((flat * weights) @ flat.T)
    kept = values > 1e-6 * values.max()
    features = (vectors[:, kept] / values[kept].sqrt()).T @ flat
    return features.reshape(-1, *evidence.weights.shape).to(evidence.periodogram)
