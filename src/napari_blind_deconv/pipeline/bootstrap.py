"""How far a result may be from the truth, kernel and all: the equivariant bootstrap of the blind chain.

A restored image x̂ is turned or mirrored, blurred by the kernel that was found, given new noise, and the whole chain,
kernel and image, is run on it as if nobody knew either (Tachella & Pereyra 2024, arXiv:2310.11838):

    y' = k̂ * T x̂ + n,    x' = T⁻¹ x̂(y'),    u² = mean over repeats of (x' - x̂)².                                   (1)

Scenes are as likely mirrored as not, so every T is a fair draw. What x̂ lacks no repeat can miss: the map has the
errors of kernel, noise and smoothing, and not of detail that left no trace in the observation.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.crops import informative_window
from napari_blind_deconv.estimation import Problem
from napari_blind_deconv.forward import Noise
from napari_blind_deconv.fourier import irfftn, rfftn
from napari_blind_deconv.pipeline.two_phase import Estimate, two_phases
from napari_blind_deconv.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

IN_ONE_PIECE_ONLY = (
    "the error by repeats (`bootstrap`) was not mapped, as the image was restored in blocks: choose a part of it that "
    "fits into memory"
)


def bootstrapped(problem: Problem, settings: Settings, last: Estimate) -> Generator[str, None, Tensor]:
    """Equation (1), of the shape and on the scale of ``problem.observed``; a yield after every step of every repeat.

    Parameters
    ----------
    problem
        What was solved.
    settings
        With how many repeats, and how the kernel is found and the image restored.
    last
        The result, with its image.
    """
    if last.image is None:
        raise RuntimeError("there is no result to repeat")
    # Not the run's own randomness: the result is the same with repeats and without.
    generator = torch.Generator().manual_seed((settings.seed + 1) % 2**63)
    squares = torch.zeros_like(last.image)
    for number in range(settings.bootstrap):
        axes = turned_axes(problem.ndim, number)
        again = simulated(problem, last, axes, generator)
        found: Estimate | None = None
        for found in two_phases(again, settings.estimator, settings.restorer):
            yield f"repeat {number + 1} of {settings.bootstrap}: {found.stage}"
        if found is None or found.image is None:
            raise RuntimeError("a repeat ended without an image")
        squares += (found.image.flip(axes) - last.image).square()
    return (squares / settings.bootstrap).sqrt()


def turned_axes(ndim: int, number: int) -> tuple[int, ...]:
    """Along which axes the scene is mirrored in a repeat: every choice of them in turn.

    Examples
    --------
    >>> [turned_axes(2, i) for i in range(4)]
    [(-2, -1), (-1,), (-2,), ()]
    """
    missing = number % 2**ndim
    return tuple(axis - ndim for axis in range(ndim) if not missing >> axis & 1)


def simulated(problem: Problem, last: Estimate, axes: Sequence[int], generator: torch.Generator) -> Problem:
    """The problem of an observation that the result, mirrored, would have given.

    Where the noise follows the light, so does the simulated one. Pixels that are no data stay where they are.
    """
    if last.image is None:
        raise RuntimeError("there is no result to repeat")
    data = problem.data(last.kernel).varied(last.kernels) if last.kernels else problem.data(last.kernel)
    scene = data.frame.extend(last.image.flip(tuple(axes)))
    seen = data.blur(scene)
    observed = seen + noise_like(problem.noise, seen, problem.ndim, generator)
    window = informative_window(observed, problem.kernel_shape, problem.weights)
    seed = int(torch.randint(2**31, (1,), generator=generator))
    return replace(
        problem,
        observed=observed,
        sample=window.of(observed),
        sample_weights=None if problem.weights is None else window.of(problem.weights),
        generator=torch.Generator().manual_seed(seed),
    )


def noise_like(noise: Noise, light: Tensor, ndim: int, generator: torch.Generator) -> Tensor:
    """A draw of the noise that an observation of some expected light has, its colour included."""
    white = torch.randn(light.shape, generator=generator, dtype=light.dtype).to(light)
    if not noise.is_white:
        space = light.shape[-ndim:]
        white = irfftn(rfftn(white, ndim) * noise.on(space).to(white).sqrt(), space)
    return white * noise.variance(light).sqrt()
