"""The image's spectrum that suits an observation best under a given kernel, free but for being radial."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_blind_deconv._torch import torch
from napari_blind_deconv.evidence.bands import between_bands, to_bands
from napari_blind_deconv.evidence.smearing import smeared

if TYPE_CHECKING:
    from torch import Tensor

# Spectra stay above this share of the noise variance, so that their logarithms exist.
_FLOOR = 1e-7


class Nodes(NamedTuple):
    """Place of every frequency between the nodes of a spectrum, flat, and the number of nodes."""

    band: Tensor
    fraction: Tensor
    total: int


def profiled(power: Tensor, seen: tuple[Tensor, Tensor, Tensor], nodes: Nodes, updates: int) -> Tensor:
    """S at its nodes, ``(..., nodes)``.

    Multiplicative updates, none of which makes the evidence worse (Févotte & Idier 2011, doi:10.1162/NECO_a_00168).

    Parameters
    ----------
    power
        |K|² at the kept frequencies, ``(..., *kept)``.
    seen
        Periodogram, noise floor and weights of the kept frequencies.
    nodes
        Where the frequencies lie.
    updates
        How many.
    """
    periodogram, floor, weights = seen
    ndim = weights.ndim

    def onto_nodes(values: Tensor) -> Tensor:
        return to_bands(values.flatten(-ndim), nodes.band, nodes.fraction, nodes.total)

    def at_frequencies(spectrum: Tensor) -> Tensor:
        return between_bands(spectrum, nodes.band, nodes.fraction).unflatten(-1, weights.shape)

    with torch.no_grad():
        signal = (periodogram - floor).clamp(min=0) * weights
        spectrum = onto_nodes(signal * power) / onto_nodes(power**2 * weights).clamp(min=1e-20)
        spectrum, weighed = spectrum.clamp(min=_FLOOR), periodogram * weights
        for _ in range(updates):
            expected = smeared(power * at_frequencies(spectrum), ndim) + floor
            pull = onto_nodes(smeared(weighed / expected**2, ndim) * power)
            push = onto_nodes(smeared(weights / expected, ndim) * power)
            spectrum = (spectrum * (pull / push.clamp(min=1e-30)).sqrt()).clamp(min=_FLOOR, max=1e12)
    return spectrum
