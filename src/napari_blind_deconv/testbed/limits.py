"""What can be known of a sample at best: its spectra, and the least error that any method can reach."""

import itertools
import math
from typing import Any

import torch
from torch import Tensor

from napari_blind_deconv.image_priors import MovieField, Stationary, radial_spectrum
from napari_blind_deconv.restoration.exact_posterior import exact_posterior

from .noise import EvenNoise
from .recipe import Recipe

# Pixels of the canvas on which errors are computed, and frames of a movie, at most.
_MOST_PIXELS, _MOST_FRAMES = 1 << 22, 32
_RADII = 24


def least_error(recipe: Recipe, kernel: Tensor) -> float | None:
    """Root mean square error of the posterior mean, kernel and p(x) known, on a periodic canvas; in the scene's unit.

    ``None`` where it has no closed form (photons, noise of zero, a kernel that drifts) or the canvas is larger than
    four million pixels. Of a movie, of which 32 frames are looked at, as if it were periodic in time.
    """
    field, noise = recipe.field, recipe.noise
    if field is None or not isinstance(noise, EvenNoise) or not noise.sigma or recipe.kernel_drift_frames:
        return None
    canvas, spacing, taps = tuple(recipe.size), recipe.spacing, kernel
    if isinstance(field, MovieField):
        canvas = (min(recipe.frames or 1, _MOST_FRAMES), *canvas)
        spacing, taps = (1.0, *spacing), kernel[None]
    too_large = math.prod(canvas) > _MOST_PIXELS
    if too_large or any(k > n for k, n in zip(taps.shape, canvas, strict=True)):
        return None
    found = exact_posterior(torch.zeros(canvas), taps, field, spacing=spacing, noise=noise.sigma)
    return math.sqrt(found.variance)


def spectra(recipe: Recipe) -> dict[str, Any] | None:
    """The scene's spatial spectrum over the radius, in its unit squared per pixel, mean over directions and time."""
    field = recipe.field
    if not isinstance(field, Stationary):
        return None
    like = torch.zeros(())
    side = tuple(min(n, 512 if len(recipe.size) == 2 else 128) for n in recipe.size)
    shape, spacing = side, recipe.spacing
    if isinstance(field, MovieField):
        waves = [w.power for w in field.waves(side, (1.0, *spacing), like)]
        power = torch.stack(waves).sum(0)
    else:
        power = field.power(shape, spacing, like)
    radius = radial_spectrum.radius(side, spacing, like)
    edges = torch.logspace(math.log10(1 / max(side)), math.log10(float(radius.max())), _RADII + 1)
    rows = []
    for low, high in itertools.pairwise(edges.tolist()):
        inside = (radius > low) & (radius <= high)
        if bool(inside.any()):
            rows.append((float(radius[inside].mean()), float(power[inside].mean())))
    return {
        "radius_cycles_per_smallest_pixel": [float(f"{r:.5g}") for r, _ in rows],
        "variance_per_pixel": [float(f"{v:.5g}") for _, v in rows],
    }
