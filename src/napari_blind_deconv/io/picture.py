"""PNG and JPEG in: pictures of phones and cameras, read whole, as they are stored."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_blind_deconv._types import InputError

from .regions import Region
from .source import Source
from .volume import Header

__all__ = ["header", "open_source"]

_FORMATS: Final = ("PNG", "JPEG")
_AXES: Final = {"L": "YX", "I;16": "YX", "I": "YX", "RGB": "YXS", "RGBA": "YXS"}
_DAMAGE: Final = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)
_TURNED: Final = 0x0112  # the tag of EXIF that says how the camera was held


class PictureSource(Source):
    """A picture in a file; opened anew for every region, so that threads and processes may share it."""

    def __init__(self, path: Path, header: Header) -> None:
        self.path, self.header = path, header

    def _read(self, region: Region) -> NDArray[Any]:
        with _opened(self.path or Path()) as picture:
            return np.array(np.asarray(_pixels(picture), self.dtype)[region])


def header(path: Path) -> Header:
    """What a picture says of itself; errors as in `open_source`."""
    with _opened(path) as picture:
        axes = _AXES[_mode(picture, path)]
        shape: tuple[int, ...] = (picture.height, picture.width)
        if axes.endswith("S"):
            shape = (*shape, len(_mode(picture, path)))
        # Pillow opens 16 bits of grey as I;16, in older versions as I.
        dtype = np.dtype(np.uint16 if picture.mode.startswith("I") else np.uint8)
        warnings = []
        # Asked for its EXIF, Pillow reads all of a PNG; cameras write JPEG.
        if picture.format == "JPEG" and picture.getexif().get(_TURNED, 1) != 1:
            warnings.append("the file asks viewers to turn the picture; it is restored as it is stored")
        described: dict[str, Any] = {"format": picture.format, "provenance": {}, "warnings": warnings, "open": []}
        return Header(shape, dtype, axes, None, described)


def open_source(path: Path) -> PictureSource:
    """A PNG or JPEG; one with a palette as the colours that it stands for.

    Raises
    ------
    InputError
        One sentence for a file that is missing, no picture, truncated, animated, in printing colours, or PNG colours
        of 16 bits, of which only eight would be read.
    """
    return PictureSource(path, header(path))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    subject = f"file {path}"
    if not path.exists():
        raise InputError(subject=subject, value="does not exist", remedy="check the path")
    if not path.is_file():
        raise InputError(subject=subject, value="is not a file", remedy="give the path of a PNG or JPEG file")
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            yield picture
    except InputError:
        raise
    except _DAMAGE as error:
        raise InputError(
            subject=subject,
            value="is no PNG or JPEG, is damaged, or is far too large for one",
            remedy="export it again, or as TIFF",
        ) from error


def _mode(picture: Image.Image, path: Path) -> str:
    """The mode of what `_pixels` gives; refuses what would lose something."""

    def refuse(value: str) -> InputError:
        return InputError(subject=f"file {path}", value=value, remedy="export it as TIFF")

    if getattr(picture, "n_frames", 1) > 1:
        raise refuse("is animated")
    if picture.mode == "P":
        return "RGBA" if "transparency" in picture.info else "RGB"
    if picture.mode not in _AXES:
        raise refuse(f"has pixels of mode {picture.mode}, allowed are grey and RGB")
    if picture.format == "PNG" and picture.mode in {"RGB", "RGBA"} and _bits(path) > 8:
        raise refuse("has colours of 16 bits, which are not read from PNG")
    return picture.mode


def _pixels(picture: Image.Image) -> Image.Image:
    if picture.mode == "P":
        return picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    return picture


def _bits(path: Path) -> int:
    """Bits per sample, from the first chunk of a PNG (its signature takes 8 bytes, the chunk's head 8, the size 8)."""
    with path.open("rb") as file:
        return file.read(25)[24]
