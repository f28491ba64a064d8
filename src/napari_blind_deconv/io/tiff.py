"""TIFF, ImageJ hyperstacks, Micro-Manager stacks and OME-TIFF in."""

import logging
import lzma
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError, VoxelSize

from . import ome
from .axes import named_axes, voxel_size
from .intensities import Meaning, meaning_of
from .layout import Layout, layout_of
from .regions import Region, lengths
from .source import Source
from .tiff_pixels import CutOffError, Pixels, pixels_of
from .volume import SPATIAL, Header

__all__ = ["header", "open_source"]

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
# Deflate reaches 1032 : 1, LZW not much more; a header that claims more is wrong. Newer ones have no such end.
_STRONGEST_COMPRESSION, _STRONGEST_OF_OTHERS = 2000, 10**6
_OF_OLD = frozenset({5, 7, 8, 32773, 32946})  # LZW, JPEG, deflate, PackBits


@dataclass(frozen=True)
class _Found:
    """What a file says of itself, and how its pixels are to be read."""

    header: Header
    layout: Layout
    meaning: Meaning


class TiffSource(Source):
    """The first image of a TIFF; opened anew for every region, so that threads and processes may share it."""

    def __init__(self, path: Path, header: Header, pixels: Pixels, meaning: Meaning, image: int | None = None) -> None:
        self.path, self.header, self._image = path, header, image
        self._pixels, self._meaning = pixels, meaning

    def __reduce__(self) -> tuple[Any, ...]:
        """Decoders cannot be copied; the file can be read again, also from another working folder."""
        return open_source, ((self.path or Path()).absolute(), self._image)

    def _read(self, region: Region) -> NDArray[Any]:
        path = self.path or Path()
        with _worded(path), path.open("rb", buffering=0) as file:
            values = np.empty(lengths(region), self.dtype)
            shown = values.reshape(self._pixels.shaped(region))
            for place, stored in self._pixels.pieces(file, region):
                shown[place] = self._meaning.of(stored) if isinstance(stored, np.ndarray) else stored
        return values


def header(path: Path) -> Header:
    """What a TIFF says of itself; errors as in `open_source`."""
    with _opened(path) as file:
        return _found(file, path, None).header


def count(path: Path) -> int:
    """How many images a TIFF holds by its metadata; errors as in `open_source`."""
    with _opened(path) as file:
        return layout_of(file, path).images


def open_source(path: Path, image: int | None = None) -> TiffSource:
    """An image of a TIFF, the first unless its number is given; of its planes those count that are in this file.

    Raises
    ------
    InputError
        One sentence for a file that is missing, empty, a folder, no TIFF, truncated or damaged.
    """
    with _opened(path) as file:
        found = _found(file, path, image)
        missing = 0.0 if found.layout.holes is None else np.nan
        pixels = pixels_of(found.layout.series, found.header.shape, path.stat().st_size, missing)
    return TiffSource(path, found.header, pixels, found.meaning, image)


@contextmanager
def _worded(path: Path) -> Iterator[None]:
    """Whatever decoders raise as one sentence."""
    try:
        yield
    except InputError:
        raise
    except CutOffError as error:
        raise _damaged(path) from error
    except _DAMAGE as error:
        raise _complaint(path, error) from error


@contextmanager
def _opened(path: Path) -> Iterator[tifffile.TiffFile]:
    """An open TIFF; whatever is wrong with it, also what is only logged, leaves as one sentence."""
    _check_file(path)
    with _collected_logs() as said, _worded(path), tifffile.TiffFile(path) as file:
        ome.refuse_entities(file.pages.first.description, f"file {path}")
        yield file
    for message in said:
        if any(sign in message for sign in _LOGGED_DAMAGE):
            raise _damaged(path)


def _check_file(path: Path) -> None:
    subject = f"file {path}"
    if not path.exists():
        raise InputError(subject=subject, value="does not exist", remedy="check the path")
    if not path.is_file():
        raise InputError(subject=subject, value="is not a file", remedy="give the path of a TIFF file")
    if path.stat().st_size == 0:
        raise InputError(subject=subject, value="is empty, it has 0 bytes", remedy="copy it again")


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


def _complaint(path: Path, error: Exception) -> InputError:
    text, subject = str(error), f"file {path}"
    if isinstance(error, PermissionError):
        return InputError(
            subject=subject, value="cannot be read", allowed="permission denied", remedy="change its permissions"
        )
    if isinstance(error, MemoryError):
        return InputError(
            subject=subject, value="does not fit into memory", remedy="crop it, or use a machine with more"
        )
    if "COMPRESSION" in text or "imagecodecs" in text:
        return InputError(
            subject=subject,
            value=f"is compressed in a way that is not read ({_short(text)})",
            remedy="save it uncompressed, or with deflate, LZW or Zstandard",
        )
    if "not a TIFF" in text:
        return InputError(
            subject=subject, value="is not a TIFF file", allowed="despite its name", remedy="export it as TIFF"
        )
    return _damaged(path)


def _damaged(path: Path, detail: str = "") -> InputError:
    """What decoders say of themselves stays out: it names their parts, not the file's."""
    return InputError(
        subject=f"file {path}",
        value=f"is truncated or damaged{f' ({detail})' if detail else ''}",
        remedy="copy it again or export it again",
    )


def _short(text: str) -> str:
    return " ".join(text.split())[:120]


def _found(file: tifffile.TiffFile, path: Path, image: int | None) -> _Found:
    layout = layout_of(file, path, image)
    series, name = layout.series, path.name
    _check_size(file, layout, path)
    said = [f"{name} {sentence}" for sentence in layout.said.warnings]
    meaning = meaning_of(
        series.keyframe, file.imagej_metadata if layout.said.form == "ImageJ" else None, f"file {path}", name
    )
    shape = tuple(int(n) for n in series.shape)
    axes, guessed = named_axes(shape, series.axes)
    recorded = layout.said.known.get("layout")
    if isinstance(recorded, dict) and _fits(recorded, shape):
        shape, axes, guessed = tuple(recorded["shape"]), str(recorded["axes"]), False
    left_open = [f"{name} does not name its axes; they were read as {axes}"] if guessed else []
    if image is None and not layout.pages and len(file.series) > 1 and not any("images; the first" in s for s in said):
        said.append(f"{name} holds {len(file.series)} images; the first, {series.name!r} of {shape}, was taken")
    voxels, doubts, unknown = _voxel_size(layout, axes, name)
    left_open += unknown
    known = {key: value for key, value in layout.said.known.items() if key != "layout"}
    warnings = [*left_open[: int(guessed)], *said, *meaning.warnings, *doubts, *unknown]
    described = {"format": layout.said.form, "provenance": {}, **known, "warnings": warnings, "open": left_open}
    dtype = meaning.dtype if layout.holes is None else np.result_type(meaning.dtype, np.float32)
    return _Found(Header(shape, dtype, axes, voxels, described), layout, meaning)


def _voxel_size(layout: Layout, axes: str, name: str) -> tuple[VoxelSize | None, list[str], list[str]]:
    """The lengths by axis, what is odd about them, and along which axes none are known, where some are."""
    said = [f"{name} {sentence}" for axis, sentence in layout.said.oddities if axis in SPATIAL and axis in axes]
    voxels, unknown = voxel_size(layout.said.sizes, axes, name)
    return voxels, said, unknown


def _check_size(file: tifffile.TiffFile, layout: Layout, path: Path) -> None:
    """Refuse headers that promise more pixels than the file can hold, before memory is asked for them."""
    series = layout.series
    if not series.nbytes:
        raise InputError(
            subject=f"file {path}",
            value=f"holds an image without pixels, of shape {series.shape}",
            remedy="export it again",
        )
    page, there = series.keyframe, path.stat().st_size
    missing = 0 if layout.holes is None else int(layout.holes.sum()) * page.nbytes
    # Bits, because masks have one a pixel and cameras may pack 12.
    promised = (series.nbytes - missing) * page.bitspersample // (8 * series.dtype.itemsize)
    ratio = _STRONGEST_COMPRESSION if page.compression in _OF_OLD else _STRONGEST_OF_OTHERS
    if promised > (1 if page.compression == 1 else ratio) * there:
        raise _damaged(path, f"{promised} bytes of pixels expected, {there} in the file")
    for number in layout.pages:
        held = file.pages[number]
        if any(o + n > there for o, n in zip(held.dataoffsets, held.databytecounts, strict=True)):
            raise _damaged(path, f"page {number + 1} of {len(file.pages)} ends behind the end of the file")


def _fits(layout: dict[str, Any], shape: tuple[int, ...]) -> bool:
    """Whether a recorded layout is that of the pixels: readers drop axes of length one, edits change more."""
    recorded = layout.get("shape")
    if not isinstance(recorded, list) or len(recorded) != len(str(layout.get("axes", ""))):
        return False
    return [n for n in recorded if n != 1] == [n for n in shape if n != 1]
