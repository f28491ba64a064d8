"""A testbed on disk: a group of OME-Zarr images with a card, complete or not at all."""

import math
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, Progress, VoxelSize, finished

from .card import CARD, FORMAT, README, VERSION, card_of, readme_of
from .drawing import Seeds, Shot, kernels, prior_of, shots
from .limits import least_error
from .moments import Moments
from .recipe import Recipe
from .samples import SAMPLES, Samples

_FORM = "ome-zarr"
# What names, metadata and the parts of chunks that do not compress take.
_OVERHEAD, _EACH = 1.1, 32_000


def write_testbed(
    recipe: Recipe, path: str | Path, *, fitted_to: Mapping[str, Any] | None = None, overwrite: bool = False
) -> dict[str, Any]:
    """Draw all samples into a folder, frame by frame; gives the card.

    Parameters
    ----------
    recipe
        What is drawn.
    path
        Folder to make, a zarr group.
    fitted_to
        As of `card_of`.
    overwrite
        Whether a testbed that is there may be replaced. Nothing else ever is.

    Raises
    ------
    InputError
        Before anything is drawn, where the path is taken or the disk has no room.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from napari_blind_deconv.image_priors import GaussianField
    >>> recipe = Recipe(kind="image", size=(32, 32), kernel_size=(5, 5), field=GaussianField(mean=0.5))
    >>> folder = Path(mkdtemp()) / "own"
    >>> card = write_testbed(recipe, folder)
    >>> sorted(p.name for p in folder.iterdir()), card["summary"]["samples"]
    (['0', 'OME', 'README.md', 'card.json', 'samples.jsonl', 'zarr.json'], 1)
    """
    return finished(write_testbed_steps(recipe, path, fitted_to=fitted_to, overwrite=overwrite))


def write_testbed_steps(
    recipe: Recipe, path: str | Path, *, fitted_to: Mapping[str, Any] | None = None, overwrite: bool = False
) -> Generator[Progress, None, dict[str, Any]]:
    """As `write_testbed`, as a generator: a step after every frame, and nothing is left of it when it is closed."""
    path = Path(path)
    refuse_taken(path, overwrite=overwrite)
    needed = int(_OVERHEAD * recipe.bytes) + _EACH * recipe.samples
    total = recipe.samples * (recipe.frames or 1)
    with io.atomic(path, needed_bytes=needed) as (temporary,):
        temporary.mkdir()
        samples = Samples(temporary / SAMPLES)
        for index in range(recipe.samples):
            steps = _sample(recipe, index, temporary / str(index))
            done = index * (recipe.frames or 1)
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    samples.add(end.value)
                    break
                yield Progress(f"sample {index + 1} of {recipe.samples}", done + step, total)
        card = card_of(recipe, samples.summary, fitted_to)
        io.write_collection(temporary, recipe.samples, {"format": FORMAT, "version": VERSION})
        (temporary / CARD).write_text(io.to_json(card), encoding="utf-8")
        (temporary / README).write_text(readme_of(card, recipe, samples.shown), encoding="utf-8")
    return card


def refuse_taken(path: Path, *, overwrite: bool) -> None:
    """Refuse to write over anything but a testbed, and over that where nobody allowed it.

    Raises
    ------
    InputError
        Naming it.
    """
    io.refuse_address(path)
    if not (path.exists() or path.is_symlink()):
        return
    if not (path / CARD).is_file() or not io.is_store(path):
        raise InputError(
            subject=str(path),
            value="is there already, and is not a testbed",
            remedy="choose a new name for the output",
        )
    if not overwrite:
        raise InputError(
            subject=str(path),
            value="is there already",
            remedy="choose a new name for the output, or allow it to be replaced with `overwrite`",
        )


def _sample(recipe: Recipe, index: int, folder: Path) -> Generator[int, None, dict[str, Any]]:
    """Write one sample; gives what the card says of it."""
    said: dict[str, Any] = {
        "sample": index,
        "kernel_prior": prior_of(recipe, index).kind,
        "seeds": asdict(Seeds.of(recipe, index)),
    }
    if recipe.kind == "kernel":
        kernel = next(kernels(recipe, index)).numpy()
        with _made(recipe, folder, kernel.shape, recipe.axes, "kernel", index) as sink:
            sink.write(None, kernel)
        yield 1
        return said
    return said | (yield from _scene(recipe, index, folder))


def _scene(recipe: Recipe, index: int, folder: Path) -> Generator[int, None, dict[str, Any]]:
    """Write sharp image, kernel and observation; gives their statistics."""
    sharp, observed, noise, signal = Moments(), Moments(), Moments(), Moments()
    drifts, below_zero, space = recipe.kernel_drift_frames is not None, 0, recipe.axes.lstrip("T")
    kernel_shape = (recipe.frames or 1, *recipe.kernel_size) if drifts else recipe.kernel_size
    first: Shot | None = None
    with ExitStack() as stack:
        # The outer image is made before what lies within it.
        sinks = [
            stack.enter_context(_made(recipe, at, shape, axes, role, index))
            for at, shape, axes, role in (
                (folder, recipe.shape, recipe.axes, "observed"),
                (folder / "sharp", recipe.shape, recipe.axes, "sharp"),
                (folder / "kernel", kernel_shape, recipe.axes if drifts else space, "kernel"),
            )
        ]
        for number, shot in enumerate(shots(recipe, index)):
            at = (slice(number, number + 1), *[slice(None)] * len(recipe.size)) if recipe.kind == "video" else None
            for sink, values in zip(sinks, (shot.observed, shot.sharp, shot.kernel), strict=True):
                if sink is not sinks[2] or drifts:
                    sink.write(at, values.numpy() if at is None else values.numpy()[None])
                elif first is None:
                    sink.write(None, values.numpy())
            for moments, seen in (
                (sharp, shot.sharp),
                (observed, shot.observed),
                (signal, shot.expected),
                (noise, shot.observed - shot.expected),
            ):
                moments.add(seen)
            below_zero, first = below_zero + shot.below_zero, first or shot
            yield number + 1
    snr = 10 * math.log10(signal.variance / noise.variance) if noise.variance and signal.variance else None
    return {
        "sharp": sharp.described,
        "observed": observed.described,
        "noise": noise.described,
        "snr_db": None if snr is None else round(snr, 3),
        "least_rms_error": None if first is None else least_error(recipe, first.kernel),
        "pixels_without_light": below_zero,
    }


def _made(recipe: Recipe, path: Path, shape: tuple[int, ...], axes: str, role: str, index: int) -> io.Sink:
    size: VoxelSize | None = recipe.voxel_size_um
    known = {"time_interval_s": recipe.time_interval_s} if recipe.time_interval_s and "T" in axes else {}
    header = io.Header(tuple(shape), np.dtype(np.float32), axes, size, dict(known))
    return io.create(path, header, {"role": f"{role} of sample {index} of a testbed"}, _FORM)
