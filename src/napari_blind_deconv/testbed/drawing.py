"""Samples of a recipe, drawn frame by frame: x ~ p(x), k ~ p(k), y = k * x + n."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from napari_blind_deconv.forward import Blur
from napari_blind_deconv.image_priors import MovieField
from napari_blind_deconv.kernel_priors import KernelPrior, drawn

from .recipe import Recipe


@dataclass(frozen=True)
class Seeds:
    """Of one sample: each of its parts can be drawn anew without the others, and without the other samples."""

    scene: int
    kernel: int
    noise: int

    @classmethod
    def of(cls, recipe: Recipe, index: int) -> "Seeds":
        """Those of sample ``index``, hashed from the recipe's seed and that number."""
        words = np.random.SeedSequence((recipe.seed, index)).generate_state(3, np.uint64) >> np.uint64(1)
        return cls(*(int(word) for word in words))


@dataclass(frozen=True)
class Shot:
    """An image, or one frame of a movie.

    Attributes
    ----------
    sharp, observed
        ``(*size)``, float32, in one unit.
    kernel
        What blurred it, ``(*kernel_size)``, float32, unit sum.
    expected
        The observation without noise.
    below_zero
        Number of pixels at which photons would have to be negative, and none were counted.
    """

    sharp: Tensor
    kernel: Tensor
    observed: Tensor
    expected: Tensor
    below_zero: int


def prior_of(recipe: Recipe, index: int) -> KernelPrior:
    """The kernel prior whose turn it is."""
    return recipe.kernel_priors[index % len(recipe.kernel_priors)]


def kernels(recipe: Recipe, index: int) -> Iterator[Tensor]:
    """The kernel of every frame, without end: one for all, or mixtures of those that are drawn now and then."""
    generator = torch.Generator().manual_seed(Seeds.of(recipe, index).kernel)
    prior, every = prior_of(recipe, index), recipe.kernel_drift_frames
    draws = (drawn(prior, recipe.kernel_size, generator, recipe.voxel_size_um) for _ in itertools.count())
    if every is None:
        yield from itertools.repeat(next(draws))
        return
    for before, after in itertools.pairwise(draws):
        for step in range(every):
            yield torch.lerp(before, after, step / every)


def shots(recipe: Recipe, index: int) -> Iterator[Shot]:
    """The frames of sample ``index``, or its one image; a frame is forgotten when the next is drawn."""
    seeds = Seeds.of(recipe, index)
    frame = recipe.frame
    noise = torch.Generator().manual_seed(seeds.noise)
    scenes = _scenes(recipe, frame.canvas, torch.Generator().manual_seed(seeds.scene))
    blur: Blur | None = None
    for scene, kernel in zip(itertools.islice(scenes, recipe.frames or 1), kernels(recipe, index), strict=False):
        if blur is None or kernel is not blur.kernel:
            blur = Blur(kernel, frame)
        scene = recipe.noise.gain * scene
        expected = blur(scene)
        observed, below_zero = recipe.noise.seen(expected, noise)
        yield Shot(frame.crop(scene), kernel, observed, expected, below_zero)


def _scenes(recipe: Recipe, canvas: tuple[int, ...], generator: torch.Generator) -> Iterator[Tensor]:
    field = recipe.field
    if isinstance(field, MovieField):
        yield from field.frames(canvas, (1.0, *recipe.spacing), generator)
    elif field is not None:
        yield field.sample(canvas, recipe.spacing, generator)
