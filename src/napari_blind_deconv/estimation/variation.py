"""A PSF that changes over the field: the figures of a family as polynomials of the place, by regional evidences."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_blind_deconv.estimation.polynomials import Exponents, at
from napari_blind_deconv.evidence import NaturalSpectrum
from napari_blind_deconv.kernel_priors.descent import descend
from napari_blind_deconv.kernel_priors.figures import Figures

_SPREAD = 0.5
_ITERATIONS = 96


@dataclass(frozen=True)
class Piece:
    """A region's evidence, and its place from -1 to 1."""

    spectrum: NaturalSpectrum
    place: tuple[float, ...]


@dataclass(frozen=True)
class Surface:
    """Figures over the field: ``coefficients`` of shape ``(terms, figures)``, first the constant."""

    family: Figures
    terms: tuple[Exponents, ...]
    coefficients: Tensor

    def figures_at(self, place: Sequence[float]) -> Tensor:
        """θ at a place, each coordinate from -1 to 1."""
        return self.coefficients.new_tensor(at(place, self.terms)) @ self.coefficients


@dataclass(frozen=True)
class Fitted:
    """A surface, the nats of every region under it, and where their spectra ended."""

    surface: Surface
    nats: Tensor
    images: list[list[Tensor]]


def fit(
    pieces: Sequence[Piece],
    family: Figures,
    terms: Sequence[Exponents],
    *,
    start: Fitted | None = None,
    weight: float = 1.0,
    iterations: int = _ITERATIONS,
) -> Iterator[Fitted]:
    varies = torch.tensor(family.varies)
    basis = torch.tensor([at(p.place, terms) for p in pieces]).to(family.start)
    counts = [5] * len(pieces)

    def coefficients(constant: Tensor, others: Tensor) -> Tensor:
        moving = others.new_zeros(len(terms) - 1, len(constant)).masked_scatter(varies.expand(len(terms) - 1, -1), others)
        return torch.cat([constant[None], moving])

    def regional(constant: Tensor, others: Tensor, images: Sequence[Tensor]) -> Tensor:
        thetas = basis @ coefficients(constant, others)
        kernels = {}
        found = []
        for i, piece in enumerate(pieces):
            key = tuple(basis[i].tolist())
            if key not in kernels:
                kernels[key] = family.kernel_of(thetas[i])
            found.append(piece.spectrum.nats(kernels[key], *images[5 * i : 5 * i + 5]))
        return torch.stack(found)

    def objective(constant: Tensor, others: Tensor, *images: Tensor) -> Tensor:
        prior = weight * family.cost(constant) + 0.5 * (others / _SPREAD).square().sum()
        return regional(constant, others, images).sum() + prior

    free = int(varies.sum()) * (len(terms) - 1)
    if start is None:
        constant, others = family.start, family.start.new_zeros(free)
        kernel = family.kernel_of(family.start)
        images = [part for piece in pieces for part in piece.spectrum.start(kernel)]
    else:
        constant = start.surface.coefficients[0]
        old = {t: c for t, c in zip(start.surface.terms, start.surface.coefficients, strict=True)}
        rows = [old.get(t, torch.zeros_like(constant))[varies] for t in terms[1:]]
        others = torch.cat(rows) if rows else family.start.new_zeros(0)
        images = [part for image in start.images for part in image]
    for _, (constant, others, *images) in descend(objective, [constant, others, *images], iterations):
        with torch.no_grad():
            surface = Surface(family, tuple(terms), coefficients(constant, others))
            yield Fitted(
                surface, regional(constant, others, images), [images[i : i + 5] for i in range(0, len(images), 5)]
            )
