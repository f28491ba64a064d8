"""TIFF, ImageJ hyperstacks and OME-TIFF in; OME-TIFF out."""

import logging
import lzma
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_blind_deconv._types import InputError

from . import ome
from .json_file import to_json
from .units import micrometres
from .volume import SPATIAL, Header, Volume

# What decoders raise on files that lie about themselves.
_DAMAGE = (
    tifffile.TiffFileError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zlib.error,
)
# What tifffile only logs, and then gives fewer planes or planes of zeros.
_LOGGED_DAMAGE = ("corrupted", "invalid page offset", "invalid value offset", "index out of range", "Missing data")
_STRONGEST_COMPRESSION = 2000  # deflate reaches 1032 : 1; a header that claims more is wrong
_COARSEST_PIXEL_UM = 10.0  # coarser than 2540 dpi, a resolution is meant for printing and says nothing of the scene
_INCH, _CENTIMETRE = 2, 3  # of the tag ResolutionUnit


def header(path: Path) -> Header:
    """What a TIFF says of itself; errors as in `read`."""
    with _opened(path) as file:
        return _header(file, path)


def read(path: Path) -> Volume:
    """The first image of a TIFF.

    Raises
    ------
    InputError
        One sentence for a file that is missing, empty, a folder, no TIFF, truncated or damaged.
    """
    with _opened(path) as file:
        found = _header(file, path)
        data = file.series[0].asarray().reshape(found.shape)
    native = data.astype(found.dtype, copy=False)
    return Volume(native, found.axes, found.voxel_size_um, found.description, path)


def write(path: Path, volume: Volume, metadata: Mapping[str, Any]) -> None:
    """Write an OME-TIFF in place; `napari_blind_deconv.io.write` is the one that is safe against interruption."""
    data, axes = _ordered(volume)
    sizes = dict(zip(volume.spatial_axes, volume.voxel_size_um or (), strict=False))
    physical: dict[str, float | str] = {f"PhysicalSize{axis}": size for axis, size in sizes.items()}
    physical |= {f"PhysicalSize{axis}Unit": "µm" for axis in sizes}
    layout = {"axes": axes, "shape": list(data.shape)}
    record = {"Namespace": ome.NAMESPACE, "layout": to_json(layout)}
    record |= {key: to_json(value) for key, value in metadata.items()}
    samples = data.shape[axes.index("S")] if "S" in axes else 1
    if "S" in axes and samples == 1:
        # One sample is none for a TIFF; the layout remembers it.
        data, axes = data.squeeze(axes.index("S")), axes.replace("S", "")
    options: dict[str, Any] = {"photometric": "rgb" if samples in {3, 4} else "minisblack"}
    if "S" in axes:
        options["planarconfig"] = "contig" if axes.endswith("S") else "separate"
    if {"X", "Y"} <= set(sizes):
        options |= {"resolution": (1e4 / sizes["X"], 1e4 / sizes["Y"]), "resolutionunit": "CENTIMETER"}
    described = {"axes": _ome_axes(axes), **physical, **_kept(volume, samples), "MapAnnotation": record}
    tifffile.imwrite(path, data, ome=True, bigtiff=data.nbytes > 2**31, metadata=described, **options)


@contextmanager
def _opened(path: Path) -> Iterator[tifffile.TiffFile]:
    """An open TIFF; whatever is wrong with it, also what is only logged, leaves as one sentence."""
    _check_file(path)
    with _collected_logs() as said:
        try:
            with tifffile.TiffFile(path) as file:
                ome.refuse_entities(file.pages.first.description, str(path))
                yield file
        except InputError:
            raise
        except _DAMAGE as error:
            raise InputError(_complaint(path, error)) from error
    for message in said:
        if any(sign in message for sign in _LOGGED_DAMAGE):
            raise InputError(_damaged(path))


def _check_file(path: Path) -> None:
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path")
    if not path.is_file():
        raise InputError(f"{path} is not a file; give the path of a TIFF file")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty, it has 0 bytes; copy it again")


@contextmanager
def _collected_logs() -> Iterator[list[str]]:
    """What tifffile logs, kept from the terminal."""
    said: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger, keep = logging.getLogger("tifffile"), Keep(logging.WARNING)
    passed_on = logger.propagate
    logger.addHandler(keep)
    logger.propagate = False
    try:
        yield said
    finally:
        logger.removeHandler(keep)
        logger.propagate = passed_on


def _complaint(path: Path, error: Exception) -> str:
    text = str(error)
    if isinstance(error, PermissionError):
        return f"{path} cannot be read: permission denied; change its permissions"
    if isinstance(error, MemoryError):
        return f"{path} does not fit into memory; crop it, or use a machine with more"
    if "imagecodecs" in text:
        return f"{path} is compressed in a way that needs the package imagecodecs; install it, or save uncompressed"
    if "not a TIFF" in text:
        return f"{path} is not a TIFF file, whatever its name says; export it as TIFF"
    return _damaged(path)


def _damaged(path: Path, detail: str = "") -> str:
    """What decoders say of themselves stays out: it names their parts, not the file's."""
    return f"{path} is truncated or damaged{f' ({detail})' if detail else ''}; copy it again or export it anew"


def _header(file: tifffile.TiffFile, path: Path) -> Header:
    # First, because finding the series follows what the metadata say, into other files too.
    described, sizes = _metadata(file, path)
    series = file.series[0]
    _check_size(file, path)
    dtype = np.dtype(series.dtype).newbyteorder("=")
    shape, axes, guessed = _named_axes(tuple(int(n) for n in series.shape), series.axes)
    layout = described.pop("layout", None)
    if isinstance(layout, dict) and _fits(layout, shape):
        shape, axes, guessed = tuple(layout["shape"]), str(layout["axes"]), False
    said: list[str] = described["warnings"]
    if guessed:
        said.append(f"{path.name} does not name its axes; they were taken to be {axes}")
    if len(file.series) > 1:
        said.append(f"{path.name} holds {len(file.series)} images; the first, {series.name!r} of {shape}, was taken")
    spatial = [letter for letter in SPATIAL if letter in axes]
    missing = [letter for letter in spatial if letter not in sizes]
    if missing and len(missing) < len(spatial):
        said.append(f"{path.name} gives no voxel size along {', '.join(missing)}, so lengths are in pixels")
    voxel_size_um = None if missing else tuple(sizes[letter] for letter in spatial)
    return Header(shape, dtype, axes, voxel_size_um, described)


def _check_size(file: tifffile.TiffFile, path: Path) -> None:
    """Refuse headers that promise more pixels than the file can hold, before memory is asked for them."""
    series = file.series[0]
    if not series.nbytes:
        raise InputError(f"{path} holds an image without pixels, of shape {series.shape}; export it anew")
    page, there = series.keyframe, path.stat().st_size
    # Bits, because masks have one a pixel and cameras may pack 12.
    promised = series.nbytes * page.bitspersample // (8 * series.dtype.itemsize)
    ratio = 1 if page.compression == 1 else _STRONGEST_COMPRESSION
    if not series.is_multifile and promised > ratio * there:
        raise InputError(_damaged(path, f"{promised} bytes of pixels promised, {there} in the file"))


def _named_axes(shape: tuple[int, ...], axes: str) -> tuple[tuple[int, ...], str, bool]:
    """Give axes without a meaning (I, Q) one: from the last backwards z, then a short one channel, a long one time."""
    named = list(axes)
    for i in reversed(range(len(axes))):
        if axes[i] not in "IQ":
            continue
        wanted = "ZCTP" if shape[i] <= 4 else "ZTPR"
        named[i] = next((letter for letter in wanted if letter not in named), axes[i])
    return shape, "".join(named), named != list(axes)


def _fits(layout: dict[str, Any], shape: tuple[int, ...]) -> bool:
    """Whether a recorded layout is that of the pixels: readers drop axes of length one, edits change more."""
    recorded = layout.get("shape")
    if not isinstance(recorded, list) or len(recorded) != len(str(layout.get("axes", ""))):
        return False
    return [n for n in recorded if n != 1] == [n for n in shape if n != 1]


def _metadata(file: tifffile.TiffFile, path: Path) -> tuple[dict[str, Any], dict[str, float]]:
    """What the file says beyond its pixels, and the voxel size by axis in µm."""
    described: dict[str, Any] = {"format": "TIFF", "warnings": [], "provenance": {}}
    if file.is_ome and file.ome_metadata:
        found = ome.describe(file.ome_metadata, str(path))
        annotation = found.pop("annotation")
        layout = annotation.pop("layout", None)
        sizes = found.pop("sizes_um", {})
        return described | found | {"format": "OME-TIFF", "provenance": annotation, "layout": layout}, sizes
    if file.is_imagej and file.imagej_metadata:
        return described | {"format": "ImageJ"} | _imagej_time(file), _imagej_sizes(file)
    return described, _printed_sizes(file)


def _imagej_time(file: tifffile.TiffFile) -> dict[str, float]:
    interval = (file.imagej_metadata or {}).get("finterval")
    return {"time_interval_s": float(interval)} if isinstance(interval, int | float) and interval > 0 else {}


def _imagej_sizes(file: tifffile.TiffFile) -> dict[str, float]:
    """Voxel size from ImageJ's unit, spacing and resolution tags (pixels per unit)."""
    said = file.imagej_metadata or {}
    unit = str(said.get("unit", ""))
    lengths = {"Z": said.get("spacing"), **{a: 1 / r for a, r in _resolution(file).items()}}
    numbers = {a: float(v) for a, v in lengths.items() if isinstance(v, int | float)}
    return {a: um for a, v in numbers.items() if (um := micrometres(v, unit)) is not None}


def _printed_sizes(file: tifffile.TiffFile) -> dict[str, float]:
    """Pixel size from a plain TIFF's resolution, where that is fine enough to be a microscope's."""
    tag = file.pages.first.tags.get("ResolutionUnit")
    unit = {_INCH: 25400.0, _CENTIMETRE: 10000.0}.get(int(tag.value) if tag else 0)
    if unit is None:
        return {}
    sizes = {axis: unit / resolution for axis, resolution in _resolution(file).items()}
    return sizes if len(sizes) == 2 and max(sizes.values()) <= _COARSEST_PIXEL_UM else {}


def _resolution(file: tifffile.TiffFile) -> dict[str, float]:
    """Pixels per unit along X and Y, where they are given and not zero."""
    found = {}
    for axis in "XY":
        tag = file.pages.first.tags.get(f"{axis}Resolution")
        if tag is not None and tag.value[0] and tag.value[1]:
            found[axis] = tag.value[0] / tag.value[1]
    return found


def _ordered(volume: Volume) -> tuple[np.ndarray[Any, np.dtype[np.float32]], str]:
    """The array as float32 with its axes in an order that OME-TIFF can have: planes, then perhaps samples, last."""
    axes = volume.axes
    if volume.data.dtype.kind not in "biuf" or volume.data.ndim != len(axes) or not {"Y", "X"} <= set(axes):
        raise InputError(
            f"an array of type {volume.data.dtype}, shape {volume.data.shape} and axes {axes!r} is no image; it needs "
            "real numbers and one letter per axis, Y and X among them"
        )
    data = np.asarray(volume.data, dtype=np.float32)
    if axes.endswith(("YX", "YXS")) and ("S" not in axes[:-1] or axes.endswith("SYX")):
        return data, axes
    order = sorted(range(len(axes)), key=lambda i: ("YXS".find(axes[i]), i))
    return np.transpose(data, order), "".join(axes[i] for i in order)


def _ome_axes(axes: str) -> str:
    """The axes by the letters that OME has; the others borrow one that is free, and the layout remembers them."""
    named = list(axes)
    for i, letter in enumerate(axes):
        if letter not in "TCZYXS":
            free = [other for other in "TZC" if other not in named]
            if not free:
                raise InputError(f"axes {axes!r} cannot all be stored in OME-TIFF; save fewer of them in one file")
            named[i] = free[0]
    return "".join(named)


def _kept(volume: Volume, samples: int) -> dict[str, Any]:
    """Channel names and time interval of the file that the volume came from."""
    kept: dict[str, Any] = {}
    names = volume.description.get("channel_names")
    if "C" in volume.axes and samples == 1 and names and len(names) == volume.data.shape[volume.axes.index("C")]:
        kept["Channel"] = {"Name": list(names)}
    interval = volume.description.get("time_interval_s")
    if "T" in volume.axes and interval is not None:
        kept |= {"TimeIncrement": interval, "TimeIncrementUnit": "s"}
    return kept
