"""Volumes of gigabytes, for `volumes.py --scale`: ours from file to file in blocks, scikit-image in one piece."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from volume_cases import DARK, PEAK, SUPPORT, Float, sparse
from volume_measures import Row, taken
from volume_rivals import KNOWN, RICHARDSON_LUCY, SCIKIT_IMAGE

# Steps of Richardson-Lucy.
FEW = 5
LARGE = (KNOWN, RICHARDSON_LUCY, SCIKIT_IMAGE)
# Bytes a voxel that scikit-image takes at its peak in our measurements, rounded up.
SCIKIT_BYTES = 60
_TILE = 64


def enlarge(megabytes: float, folder: Path) -> None:
    """Fibres and beads of a given size in float32, repeated, each voxel with noise of its own; without a truth."""
    from tifffile import imwrite

    from napari_blind_deconv.synthesis import blurred, gaussian_kernel

    rng = np.random.default_rng(0)
    psf = gaussian_kernel(SUPPORT, np.diag([6.0, 2.5, 2.5]))
    tile, _ = blurred(sparse(tuple(_TILE + k - 1 for k in SUPPORT), rng), psf)
    tile = np.maximum(tile, 0) * (PEAK / float(tile.max())) + DARK
    side = (megabytes * 1e6 / 16) ** (1 / 3)
    shape = tuple(8 * max(4, round(n * side / 8)) for n in (1, 2, 2))
    across = np.ix_(*[np.arange(n) % _TILE for n in shape[1:]])

    def planes() -> Iterator[Float]:
        for z in range(shape[0]):
            yield rng.poisson(tile[z % _TILE][across]).astype(np.float32)

    np.save(folder / "psf.npy", psf)
    imwrite(folder / "observed.tif", planes(), shape=shape, dtype=np.float32, metadata={"axes": "ZYX"})


def measured_large(folder: Path, name: str, limit: float) -> Row:
    """Time and memory of one program; those of ours with reading and writing."""
    run, voxels = (whole if name == SCIKIT_IMAGE else in_blocks)(folder, name, limit)
    row, _ = taken(run, voxels)
    return row


def whole(folder: Path, _: str, __: float) -> tuple[Callable[[], Any], int]:
    """scikit-image, with the image in memory."""
    from skimage.restoration import richardson_lucy
    from tifffile import imread

    image, psf = imread(folder / "observed.tif"), np.load(folder / "psf.npy")
    return lambda: richardson_lucy(image, psf, num_iter=FEW, clip=False), image.size


def in_blocks(folder: Path, name: str, limit: float) -> tuple[Callable[[], Any], int]:
    """Ours, within a limit in GB."""
    import torch

    from napari_blind_deconv import Settings, deconvolve, io
    from napari_blind_deconv.kernel_priors import Known
    from napari_blind_deconv.restoration import ByData, RichardsonLucyRestorer

    torch.set_num_threads(1)
    restorer = ByData() if name == KNOWN else RichardsonLucyRestorer(steps_taken=FEW)
    settings = Settings(kernel_prior=Known(), restorer=restorer, device="cpu")
    source, psf = io.open(folder / "observed.tif"), np.load(folder / "psf.npy")
    header = replace(source.header, dtype=np.dtype("f4"))

    def run() -> None:
        target = folder / f"{name}.ome.zarr"
        options = {"axes": source.axes, "psf": psf, "max_memory_gb": limit, "maps": False}
        with io.atomic(target) as (temporary,), io.create(temporary, header, {}, "ome-zarr") as sink:
            deconvolve(source, settings, out=sink, **options)

    return run, int(np.prod(source.shape))
