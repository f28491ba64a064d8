"""Images in files, whatever the format: a format is one module and its entries in ``READERS`` and ``WRITERS``."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from napari_blind_deconv._types import InputError

from . import ome_zarr, ome_zarr_writer, picture, tiff, tiff_writer, zarr_groups
from .atomic import atomic
from .json_file import to_json
from .names import PICTURE_SUFFIXES, TIFF_SUFFIXES, ZARR_SUFFIXES, refuse_address, suffix_of
from .several import copy
from .source import ArraySource, Sink, Source
from .volume import Header, Volume
from .zarr_nodes import is_store

Reader = tuple[Callable[[Path], Header], Callable[[Path], Source]]

_TIFF: Reader = (tiff.header, tiff.open_source)
_ZARR: Reader = (ome_zarr.header, ome_zarr.open_source)
_PICTURE: Reader = (picture.header, picture.open_source)

READERS: Mapping[str, Reader] = MappingProxyType(
    {
        **dict.fromkeys(TIFF_SUFFIXES, _TIFF),
        **dict.fromkeys(ZARR_SUFFIXES, _ZARR),
        **dict.fromkeys(PICTURE_SUFFIXES, _PICTURE),
    }
)
"""What reads a file's header, and opens it, by the end of its name; the longer end wins."""


@dataclass(frozen=True)
class Writer:
    """A format that is written.

    Attributes
    ----------
    suffix
        How its files end.
    create
        Makes a `Sink` from a path, a header and metadata.
    """

    suffix: str
    create: Callable[[Path, Header, Mapping[str, Any]], Sink]


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "ome-tiff": Writer(".ome.tif", tiff_writer.TiffSink),
        "ome-zarr": Writer(".ome.zarr", ome_zarr_writer.ZarrSink),
        "ome-zarr-0.4": Writer(".ome.zarr", partial(ome_zarr_writer.ZarrSink, version="0.4")),
    }
)
"""What writes an image, by the name of the format."""


def open(path: Path, image: int | None = None) -> Source:
    """Open an image without reading its pixels: shape, type, axes, voxel size, and regions.

    ``image`` is its number in a file that holds several (`images`); without it, the first is opened.

    Raises
    ------
    InputError
        One sentence for a file that is missing, empty, a folder, of another format, truncated or damaged.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "stack.ome.tif"
    >>> write(path, Volume(np.ones((3, 4, 5)), "ZYX", (0.3, 0.1, 0.1)), {})
    >>> source = open(path)
    >>> source.axes, source.read((slice(0, 1), slice(1, 3), slice(0, 5))).shape
    ('ZYX', (1, 2, 5))
    """
    return _reader(path)[1](path) if image is None else tiff.open_source(path, image)


def images(path: Path) -> list[tuple[Path, int | None]]:
    """The images of a file or store: plates, wells and files of several series have more than one.

    Each is a path and, in a file that holds several, a number, as `open` takes them; errors as there.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "one.ome.tif"
    >>> write(path, Volume(np.ones((4, 5)), "YX"), {})
    >>> [(found.name, number) for found, number in images(path)]
    [('one.ome.tif', None)]
    """
    if _reader(path) is _ZARR:
        return [(found, None) for found in zarr_groups.images_in(path)]
    if _reader(path) is _PICTURE:
        return [(path, None)]
    count = tiff.count(path)
    return [(path, None)] if count == 1 else [(path, number) for number in range(count)]


def levels(path: Path) -> list[Source]:
    """All resolutions of an image, the finest first, without reading its pixels; only OME-Zarr has several.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "wide.ome.zarr"
    >>> write(path, Volume(np.ones((4, 600)), "YX"), {})
    >>> [level.shape for level in levels(path)]
    [(4, 600), (2, 300), (1, 150)]
    """
    return list(ome_zarr.open_levels(path)) if _reader(path) is _ZARR else [open(path)]


def read(path: Path) -> Volume:
    """Read an image with its axes, voxel size and provenance; errors as in `open`.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "stack.ome.tif"
    >>> write(path, Volume(np.ones((3, 4, 5)), "ZYX", (0.3, 0.1, 0.1)), {"settings": {"seed": 1}})
    >>> volume = read(path)
    >>> volume.axes, volume.voxel_size_um, volume.description["provenance"]
    ('ZYX', (0.3, 0.1, 0.1), {'settings': {'seed': 1}})
    """
    return open(path).volume()


def header(path: Path) -> Header:
    """What can be known of an image file without reading its pixels; errors as in `open`."""
    return _reader(path)[0](path)


def create(path: Path, header: Header, metadata: Mapping[str, Any], form: str | None = None) -> Sink:
    """Make an image whose regions are written in any order; complete when its context is left without an error.

    Nothing here is safe against interruption: let `atomic` give the path.

    Parameters
    ----------
    path
        File or folder to make.
    header
        Shape, type, axes, voxel size, and what the description says of channels and time.
    metadata
        How it is made, JSON-able; comes back as ``description["provenance"]``.
    form
        Name of the format, one of ``WRITERS``; None: what the path ends with.

    Raises
    ------
    InputError
        For axes and types that the format does not have, and for folders that are full or cannot be written to.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> target = Path(mkdtemp()) / "stack.ome.zarr"
    >>> made = Header((4, 6), np.dtype(np.float32), "YX", (0.1, 0.1), {})
    >>> with atomic(target) as (temporary,), create(temporary, made, {}, "ome-zarr") as sink:
    ...     sink.write((slice(0, 4), slice(0, 3)), np.ones((4, 3)))
    >>> read(target).data.sum()
    np.float32(12.0)
    """
    return WRITERS[form or _form(path)].create(path, header, metadata)


def save(path: Path, source: Source, metadata: Mapping[str, Any], form: str | None = None) -> None:
    """Copy an image into a file, piece by piece, complete or not at all; parameters and errors as in `create`."""
    size = math.prod(source.shape) * source.dtype.itemsize
    needed = size * 4 // 3 + len(to_json(metadata)) + 4096
    form = form or _form(path)
    with atomic(path, needed_bytes=needed) as (temporary,):
        put(temporary, source, metadata, form)


def put(path: Path, source: Source, metadata: Mapping[str, Any], form: str) -> None:
    """Copy an image piece by piece to a path that `atomic` gave; parameters and errors as in `create`."""
    with create(path, source.header, metadata, form) as sink:
        copy(source, sink)


def write(path: Path, volume: Volume, metadata: Mapping[str, Any]) -> None:
    """Write an image as float32 with axes, voxel size and provenance, complete or not at all.

    Parameters
    ----------
    path
        OME-TIFF or OME-Zarr to write, by the end of its name; one that is there is replaced once the new one is
        complete.
    volume
        At least two axes.
    metadata
        How it was made, JSON-able; comes back as ``description["provenance"]``.

    Raises
    ------
    InputError
        If the folder is full or not writable, or the array cannot be an image.
    """
    save(path, as_floats(volume), metadata)


def as_floats(image: Volume | ArraySource) -> ArraySource:
    """An image in memory, or one that is computed, as a source of float32."""
    if isinstance(image, Volume):
        image = ArraySource(image.data, image.axes, image.voxel_size_um, image.description)
    return image.converted(np.float32)


def _reader(path: Path) -> Reader:
    refuse_address(path)
    suffix = suffix_of(path)
    if suffix:
        return READERS[suffix]
    if is_store(path):
        return _ZARR
    raise _unknown(path, "read", READERS, "export it as TIFF")


def _form(path: Path) -> str:
    refuse_address(path)
    suffix = suffix_of(path)
    if not suffix or suffix in PICTURE_SUFFIXES:
        raise _unknown(path, "written", (*TIFF_SUFFIXES, *ZARR_SUFFIXES), "give it another ending")
    return "ome-zarr" if suffix.endswith(".zarr") else "ome-tiff"


def _unknown(path: Path, done: str, suffixes: Iterable[str], remedy: str) -> InputError:
    """Why a file of this ending is not read, or not written."""
    return InputError(
        subject=f"file {path}",
        value=f"is of a format that is not {done}",
        allowed=f"allowed are {', '.join(suffixes)}",
        remedy=remedy,
    )
