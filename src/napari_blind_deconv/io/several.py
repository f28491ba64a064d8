"""Images copied piece by piece, and several of them into one file."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from napari_blind_deconv._types import InputError

from . import ome_zarr_writer, tiff_writer
from .atomic import atomic
from .json_file import to_json
from .regions import checked_region, tiles
from .source import Sink, Source
from .zarr_collection import write_collection

Form = Literal["ome-tiff", "ome-zarr"]


def copy(source: Source, sink: Sink) -> None:
    """Write an image into a sink of its shape, piece by piece."""
    for piece in tiles(checked_region(None, source.shape), sink.grain, source.dtype.itemsize):
        sink.write(piece, source.read(piece))


def save_several(
    path: Path,
    images: Sequence[tuple[Source, Mapping[str, Any]]],
    form: Form,
    recorded: Mapping[str, Any] | None = None,
) -> None:
    """Copy several images, each of its own shape and axes, into one file or store, complete or not at all.

    An OME-TIFF of several images, or an OME-Zarr group of images ``0``, ``1`` …, as other programs lay them out.

    Parameters
    ----------
    path
        Where to.
    images
        Each with how it was made, as of `save`.
    form
        What the file is.
    recorded
        What is said of all images of a group, beside what is said of each.

    Raises
    ------
    InputError
        As of `save`, and for no images.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> import numpy as np
    >>> from napari_blind_deconv import io
    >>> path = Path(mkdtemp()) / "two.ome.tif"
    >>> save_several(path, [(io.ArraySource(np.ones((4, n), "u2"), "YX"), {"n": n}) for n in (5, 6)], "ome-tiff")
    >>> [io.open(path, number).shape for _, number in io.images(path)]
    [(4, 5), (4, 6)]
    """
    if not images:
        raise InputError(subject="images", value="to save there are none", remedy="give at least one")
    sizes = [math.prod(source.shape) * source.dtype.itemsize + len(to_json(made)) for source, made in images]
    with atomic(path, needed_bytes=sum(sizes) * 4 // 3 + 4096 * len(images)) as (temporary,):
        if form == "ome-tiff":
            sinks = tiff_writer.several(temporary, [(source.header, made) for source, made in images])
            for sink, (source, _) in zip(sinks, images, strict=True):
                with sink:
                    copy(source, sink)
            return
        write_collection(temporary, len(images), recorded or {})
        for number, (source, made) in enumerate(images):
            with ome_zarr_writer.ZarrSink(temporary / str(number), source.header, made) as store:
                copy(source, store)
