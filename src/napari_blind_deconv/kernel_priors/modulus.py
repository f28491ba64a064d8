"""Phases for a kernel's modulus: sparse kernels whose power spectrum is what the observation shows.

The evidence sees |K|² only. Where k is a few spots, that is enough: alternating between the kernels of the seen modulus
and the kernels of few positive taps, relaxed and averaged (Luke 2005, doi:10.1088/0266-5611/21/1/004), random starts
arrive at the spots or at their 180° turn, as crystals are solved from their diffraction.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import extract, fast_shape, irfftn, rfftn
from napari_blind_deconv.kernel_priors.spot_model import Guess, SpotModel

if TYPE_CHECKING:
    from torch import Tensor

_RELAXATION = 0.9
# Taps of a spot, before it is sharp; plain alternation at the end.
_TAPS_PER_SPOT, _LAST_STEPS = 5, 20


def modulus(model: SpotModel, guess: Guess) -> Tensor:
    """|K| as the observation shows it, on a canvas that holds the kernel's autocorrelation.

    The periodogram, less noise, over the image's spectrum of a guess is |K|² with errors that grow where the image is
    faint; they are weighed down as by Wiener, and the autocorrelation is cut off beyond the support's largest lag.
    """
    spectrum, evidence = model.spectrum, model.spectrum.evidence
    departure, line, grain, directed, colour = guess.image
    with torch.no_grad():
        one = torch.ones([1] * len(model.shape), dtype=line.dtype, device=line.device)
        image = spectrum.model(one, departure, line, grain, directed)
        squared = torch.stack(torch.meshgrid(*evidence.axes, indexing="ij")).square().sum(0)
        width = float(model.width * guess.widening.exp())
        # What the guess's width and the typical one differ by belongs to the image: spots of typical width are sought.
        image = image * torch.exp(-((2 * math.pi) ** 2) * squared * (width**2 - model.width**2))
        shares = guess.levels.exp() / guess.levels.exp().sum()
        typical = shares.square().sum() * torch.exp(-((2 * math.pi * model.width) ** 2) * squared)
        noise = evidence.noise(colour)
        trust = image * typical / (image * typical + noise)
        power = torch.where(evidence.weights > 0, trust * (evidence.periodogram - noise) / image, 0.0)
        return _on_canvas(power, model)


def _on_canvas(power: Tensor, model: SpotModel) -> Tensor:
    """Modulus on a small canvas, from |K|² at the evidence's frequencies."""
    evidence, ndim = model.spectrum.evidence, len(model.shape)
    frame = evidence.window
    places = [(a * n).round().long() for a, n in zip(evidence.axes, frame, strict=True)]
    waves = torch.stack(torch.meshgrid(*places, indexing="ij")).square().sum(0)
    # The window hides the slowest waves, which any kernel of unit sum passes whole.
    power = torch.where((evidence.weights == 0) & (waves < 4), 1.0, power)
    full = power.new_zeros(*frame[:-1], frame[-1] // 2 + 1)
    full[torch.meshgrid(*[p % n for p, n in zip(places, frame, strict=True)], indexing="ij")] = power
    lags = [min(2 * n - 1, m - 1 + m % 2) for n, m in zip(model.shape, frame, strict=True)]
    autocorrelation = extract(irfftn(full + 0j, frame), lags)
    canvas = canvas_of(model)
    padded = autocorrelation.new_zeros(canvas)
    padded[tuple(slice(0, n) for n in lags)] = autocorrelation
    padded = torch.roll(padded, [-(n // 2) for n in lags], tuple(range(ndim)))
    return rfftn(padded, ndim).real.clamp(min=0).sqrt()


def canvas_of(model: SpotModel) -> tuple[int, ...]:
    """Shape of the canvas on which phases are sought."""
    return fast_shape([2 * n - 1 for n in model.shape])


def with_phases(
    seen: Tensor, model: SpotModel, *, starts: int, steps: int, count: int, generator: torch.Generator
) -> Tensor:
    """Sparse positive kernels of a given modulus, best first, ``(starts, *shape)``.

    Parameters
    ----------
    seen
        The modulus, as of `modulus`.
    model
        For the support.
    starts, steps
        Random starts, and projections from each.
    count
        Number of spots expected.
    generator
        Randomness of the starts.
    """
    shape, canvas, ndim = model.shape, canvas_of(model), len(model.shape)
    inside = (slice(None), *[slice(0, n) for n in shape])
    now = seen.new_zeros(starts, *canvas)
    now[inside] = torch.rand(starts, *shape, generator=generator).to(seen) ** 4

    def of_modulus(values: Tensor) -> Tensor:
        waves = rfftn(values, ndim)
        return irfftn(waves * (seen / waves.abs().clamp(min=1e-9)), canvas)

    def sparse(values: Tensor) -> Tensor:
        taps = values[inside]
        flat = taps.flatten(1)
        rank = max(flat.shape[1] - _TAPS_PER_SPOT * count, 1)
        least = flat.kthvalue(rank, dim=1).values.clamp(min=0).reshape(-1, *[1] * ndim)
        out = torch.zeros_like(values)
        out[inside] = torch.where(taps > least, taps, 0.0)
        return out

    for _ in range(steps):
        few = sparse(now)
        ahead = 2 * few - now
        now = _RELAXATION * 0.5 * (now + 2 * of_modulus(ahead) - ahead) + (1 - _RELAXATION) * few
    for _ in range(_LAST_STEPS):
        now = of_modulus(sparse(now))
    few = sparse(now)
    misfit = (rfftn(few, ndim).abs() - seen).square().flatten(1).sum(1)
    return few[inside][misfit.argsort()]
