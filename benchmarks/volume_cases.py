"""Volumes whose truth is known, for `volumes.py`: drawn ones, and folders of one's own.

A folder holds ``observed.tif``, ``truth.tif``, ``psf.tif`` and ``case.json``: ``pixel_um`` (z, y, x), ``kernel_size``,
``border_px`` that are not compared, ``align_px`` of shift to search, and ``options`` of ``blind-deconv run``, which may
know the optics.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

SHAPE, SUPPORT = (48, 256, 256), (17, 33, 33)
# Brightest blurred voxel, and what the dark counts, in photons.
PEAK, DARK = 200, 5


@dataclass(frozen=True)
class Case:
    """An observation and what is known of it; ``optics`` are fields of the kernel prior `microscope`."""

    observed: Float
    psf: Float
    voxel_size_um: tuple[float, ...] | None
    kernel_size: tuple[int, ...]
    optics: Mapping[str, Any] | None


def cells(shape: tuple[int, ...], rng: np.random.Generator) -> Float:
    """Nuclei, filaments and puncta on a faint ground."""
    from napari_blind_deconv import synthesis

    return synthesis.cells(shape, rng)


def sparse(shape: tuple[int, ...], rng: np.random.Generator) -> Float:
    """Fibres and beads on nothing."""
    from napari_blind_deconv.synthesis import beads, fibres

    return fibres(shape, rng, count=60, width=0.8) + beads(shape, rng, count=300, width=1.0)


DRAWN: Mapping[str, Callable[[tuple[int, ...], np.random.Generator], Float]] = {"cells": cells, "sparse": sparse}


def drawn(name: str, folder: Path) -> None:
    """A scene that reaches beyond the frame, through a Gaussian PSF, as counts of photons."""
    from napari_blind_deconv.synthesis import blurred, gaussian_kernel

    rng = np.random.default_rng(0)
    psf = gaussian_kernel(SUPPORT, np.diag([6.0, 2.5, 2.5]))
    scene = DRAWN[name](tuple(n + k - 1 for n, k in zip(SHAPE, SUPPORT, strict=True)), rng)
    expected, truth = blurred(scene / scene.max(), psf)
    gain = PEAK / float(expected.max())
    observed = rng.poisson(np.maximum(expected, 0) * gain + DARK).astype(np.float32)
    facts = {"kernel_size": SUPPORT, "border_px": 16, "align_px": 3}
    _keep(folder, facts, observed=observed, truth=truth * gain, psf=psf)


def given(source: Path, folder: Path) -> None:
    """A folder of one's own."""
    from tifffile import imread

    facts = json.loads((source / "case.json").read_text())
    names = ("observed", "truth", "psf")
    arrays = {name: np.squeeze(imread(source / f"{name}.tif")).astype(np.float32) for name in names}
    arrays["psf"] /= arrays["psf"].sum()
    _keep(folder, facts, **arrays)


def _keep(folder: Path, facts: Mapping[str, Any], **arrays: Float) -> None:
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array.astype(np.float32))
    (folder / "case.json").write_text(json.dumps(facts))


def loaded(folder: Path) -> Case:
    """What a rival gets to see: not the truth."""
    facts = json.loads((folder / "case.json").read_text())
    observed = np.load(folder / "observed.npy")
    return Case(
        observed,
        np.load(folder / "psf.npy"),
        tuple(facts["pixel_um"]) if "pixel_um" in facts else None,
        tuple(min(k, n - 1 + n % 2) for k, n in zip(facts["kernel_size"], observed.shape, strict=True)),
        _optics(facts.get("options", [])),
    )


def _optics(options: list[str]) -> dict[str, Any] | None:
    """Fields of the prior `microscope`, where the options of a run name it."""
    if "microscope" not in options:
        return None
    sets = [value.split("=", 1) for option, value in pairwise(options) if option == "--set"]
    return {name.removeprefix("kernel_prior."): json.loads(value) for name, value in sets}


def figures(image: NDArray[Any], folder: Path) -> dict[str, float]:
    """PSNR in dB after the best gain and offset, and normalised cross-correlation; border cropped, shift searched."""
    from scipy import ndimage

    from napari_blind_deconv.metrics import align, psnr

    facts, truth = json.loads((folder / "case.json").read_text()), np.load(folder / "truth.npy").astype(float)
    shift = align(image, truth, facts["align_px"], border=facts["border_px"], intensity="affine")
    inner = tuple(slice(b, n - b) for n in truth.shape for b in [min(facts["border_px"], n // 4)])
    target = truth[inner]
    moved = ndimage.shift(image.astype(float), shift, order=1, mode="nearest")[inner]
    ncc = float(np.corrcoef(moved.ravel(), target.ravel())[0, 1])
    fitted = target.mean() + ncc * target.std() / moved.std() * (moved - moved.mean())
    return {"psnr": psnr(fitted, target, float(np.ptp(target))), "ncc": ncc}
