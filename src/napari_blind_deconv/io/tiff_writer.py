"""OME-TIFF out."""

import math
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError

from . import ome
from .json_file import to_json
from .regions import Region, lengths
from .runs import runs
from .source import Sink
from .tiff_pixels import InOnePiece
from .volume import SPATIAL, Header

_TYPES = frozenset({"uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64"})
_CLASSIC = 2**31  # bytes; larger files are BigTIFF
_IDENTIFIER = re.compile(r"urn:uuid:[0-9a-f-]{36}")


class TiffSink(Sink):
    """An OME-TIFF whose pixels lie in one piece; written in place, by plain writes that a full disk can refuse.

    Parameters
    ----------
    path
        File to make; `napari_blind_deconv.io.atomic` gives it its name once it is complete.
    header
        Shape, type, axes, voxel size; of the description channel names and time interval.
    metadata
        How the image is made, JSON-able.
    offset
        Where its pixels begin in a file that is there already; None: the file is made.

    Raises
    ------
    InputError
        For axes and types that OME-TIFF does not have.
    """

    def __init__(self, path: Path, header: Header, metadata: Mapping[str, Any], offset: int | None = None) -> None:
        super().__init__()
        self.header = header
        self._path, self._order = path, _order(header.axes)
        self._stored = tuple(header.shape[i] for i in self._order)
        self.grain = tuple(n if axis in "YXS" else 1 for axis, n in zip(header.axes, header.shape, strict=True))
        self._dtype = header.dtype.newbyteorder("<")
        self._offset = _made(path, [(header, metadata)])[0] if offset is None else offset

    def _write(self, region: Region, values: NDArray[Any]) -> None:
        stored = tuple(region[i] for i in self._order)
        turned = np.transpose(values, self._order)
        with self._path.open("rb+", buffering=0) as file:
            for run in runs(self._stored, stored, self._dtype.itemsize, waste=1):
                file.seek(self._offset + run.start * self._dtype.itemsize)
                _write_all(file, np.ascontiguousarray(turned[run.place], self._dtype))

    def _read(self, region: Region) -> NDArray[Any]:
        stored = tuple(region[i] for i in self._order)
        found = np.empty(lengths(stored), self._dtype)
        pixels = InOnePiece(self._offset, self._stored, self._dtype)
        with self._path.open("rb", buffering=0) as file:
            for place, part in pixels.pieces(file, stored):
                found[place] = part
        return np.transpose(found, np.argsort(self._order)).astype(self.dtype, copy=False)

    def _complete(self) -> Iterator[None]:
        yield
        if not self._recorded:
            return
        with tifffile.TiffFile(self._path, mode="r+") as file:
            tag = file.pages.first.tags["ImageDescription"]
            pairs = {key: to_json(value) for key, value in self._recorded.items()}
            xml = ome.with_pairs(str(tag.value), pairs)
            if _tells_all(self._recorded):
                xml = _IDENTIFIER.sub(f"urn:uuid:{_identifier(_IDENTIFIER.sub('', xml))}", xml, count=1)
            tag.overwrite(xml.encode(), erase=False)


def several(path: Path, images: Sequence[tuple[Header, Mapping[str, Any]]]) -> list[TiffSink]:
    """One OME-TIFF of several images, each of its own shape, type and axes; parameters and errors as of `TiffSink`.

    All are written at once into the one file: leave their contexts before it is read.
    """
    offsets = _made(path, images)
    return [TiffSink(path, header, {}, offset) for (header, _), offset in zip(images, offsets, strict=True)]


def _made(path: Path, images: Sequence[tuple[Header, Mapping[str, Any]]]) -> list[int]:
    """A file of images without their pixels; gives the places where these begin."""
    for header, _ in images:
        _check(header)
    size = sum(math.prod(header.shape) * header.dtype.itemsize for header, _ in images)
    offsets = []
    with tifffile.TiffWriter(path, byteorder="<", ome=True, bigtiff=size > _CLASSIC) as file:
        for header, metadata in images:
            shape, options = _options(header, metadata, alone=len(images) == 1)
            pixels = file.write(
                shape=shape, dtype=header.dtype.newbyteorder("<"), returnoffset=True, contiguous=False, **options
            )
            if pixels is None:
                raise RuntimeError(f"pixels of shape {shape} and type {header.dtype} are not in one piece")
            offsets.append(int(pixels[0]))
    return offsets


def _options(header: Header, metadata: Mapping[str, Any], *, alone: bool) -> tuple[tuple[int, ...], dict[str, Any]]:
    """The shape of an image as the library is to write it, and how."""
    order = _order(header.axes)
    shape = tuple(header.shape[i] for i in order)
    axes = "".join(header.axes[i] for i in order)
    spatial = (letter for letter in SPATIAL if letter in axes)
    sizes = {a: size for a, size in zip(spatial, header.voxel_size_um or (), strict=False) if size is not None}
    physical: dict[str, float | str] = {f"PhysicalSize{axis}": size for axis, size in sizes.items()}
    physical |= {f"PhysicalSize{axis}Unit": "µm" for axis in sizes}
    record = {"Namespace": ome.NAMESPACE, "layout": to_json({"axes": axes, "shape": list(shape)})}
    record |= {key: to_json(value) for key, value in metadata.items()}
    samples = shape[axes.index("S")] if "S" in axes else 1
    if "S" in axes and samples == 1:
        # One sample is none for a TIFF; the layout remembers it.
        place = axes.index("S")
        axes, shape = axes.replace("S", ""), (*shape[:place], *shape[place + 1 :])
    options: dict[str, Any] = {"photometric": "rgb" if samples in {3, 4} else "minisblack"}
    if "S" in axes:
        options["planarconfig"] = "contig" if axes.endswith("S") else "separate"
    if {"X", "Y"} <= set(sizes):
        options |= {"resolution": (1e4 / sizes["X"], 1e4 / sizes["Y"]), "resolutionunit": "CENTIMETER"}
    described = {"axes": _ome_axes(axes), **physical, **_kept(header, axes, samples), "MapAnnotation": record}
    if alone and _tells_all(metadata):
        described["UUID"] = _identifier(to_json(described))
    return shape, {**options, "metadata": described}


def _tells_all(record: Mapping[str, Any]) -> bool:
    """Whether a record says of which images, and with which settings, a file was made: then another one is the same."""
    return ("settings" in record and "input" in record) or "shared" in record


def _identifier(text: str) -> str:
    """The identifier of what a text describes: the same result gets the same bytes, whenever it is written."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, text))


def _write_all(file: Any, values: NDArray[Any]) -> None:
    view = values.data.cast("B")
    while view:
        view = view[file.write(view) :]


def _check(header: Header) -> None:
    axes = header.axes
    if header.dtype.kind not in "biuf" or len(header.shape) != len(axes) or not {"Y", "X"} <= set(axes):
        raise InputError(
            subject=f"an array of type {header.dtype}, shape {header.shape} and axes {axes!r}",
            allowed="is no image",
            remedy="give real numbers and one letter per axis, Y and X among them",
        )
    if header.dtype.name not in _TYPES:
        raise InputError(
            subject="numbers",
            value=f"of type {header.dtype}",
            allowed="cannot be stored in OME-TIFF",
            remedy="save them as OME-Zarr, or in another type",
        )


def _order(axes: str) -> list[int]:
    """The axes in an order that OME-TIFF can have: planes, then perhaps samples, last."""
    if axes.endswith(("YX", "YXS")) and ("S" not in axes[:-1] or axes.endswith("SYX")):
        return list(range(len(axes)))
    return sorted(range(len(axes)), key=lambda i: ("YXS".find(axes[i]), i))


def _ome_axes(axes: str) -> str:
    """The axes by the letters that OME has; the others borrow one that is free, and the layout remembers them."""
    named = list(axes)
    for i, letter in enumerate(axes):
        if letter not in "TCZYXS":
            free = [other for other in "TZC" if other not in named]
            if not free:
                raise InputError(
                    subject="axes",
                    value=repr(axes),
                    allowed="cannot all be stored in OME-TIFF",
                    remedy="save fewer of them in one file",
                )
            named[i] = free[0]
    return "".join(named)


def _kept(header: Header, axes: str, samples: int) -> dict[str, Any]:
    """Names and time interval, where they are known."""
    name = header.description.get("name")
    kept: dict[str, Any] = {} if name is None else {"Name": str(name)}
    names = header.description.get("channel_names")
    if "C" in axes and samples == 1 and names and len(names) == header.shape[header.axes.index("C")]:
        kept["Channel"] = {"Name": list(names)}
    interval = header.description.get("time_interval_s")
    if "T" in axes and interval is not None:
        kept |= {"TimeIncrement": interval, "TimeIncrementUnit": "s"}
    return kept
