"""Files in and out. A format is one module and its entries in ``READERS``."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from napari_blind_deconv._types import InputError

from . import tiff
from .atomic import atomic, check_folder
from .json_file import read_json, to_json, write_json
from .volume import Header, Volume

__all__ = [
    "READERS",
    "Header",
    "Volume",
    "atomic",
    "check_folder",
    "header",
    "read",
    "read_json",
    "stem",
    "to_json",
    "write",
    "write_json",
]

READERS: Mapping[str, tuple[Callable[[Path], Header], Callable[[Path], Volume]]] = MappingProxyType(
    dict.fromkeys((".ome.tif", ".ome.tiff", ".tif", ".tiff"), (tiff.header, tiff.read))
)
"""What reads a file's header, and all of it, by the end of its name; the longer end wins."""


def read(path: Path) -> Volume:
    """Read an image with its axes, voxel size and provenance.

    Raises
    ------
    InputError
        One sentence for a file that is missing, empty, a folder, of another format, truncated or damaged.

    Examples
    --------
    >>> import numpy as np
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "stack.ome.tif"
    >>> write(path, Volume(np.ones((3, 4, 5)), "ZYX", (0.3, 0.1, 0.1)), {"settings": {"seed": 1}})
    >>> volume = read(path)
    >>> volume.axes, volume.voxel_size_um, volume.description["provenance"]
    ('ZYX', (0.3, 0.1, 0.1), {'settings': {'seed': 1}})
    """
    return READERS[_suffix(path)][1](path)


def header(path: Path) -> Header:
    """What can be known of an image file without reading its pixels; errors as in `read`."""
    return READERS[_suffix(path)][0](path)


def write(path: Path, volume: Volume, metadata: Mapping[str, Any]) -> None:
    """Write an OME-TIFF of float32 with axes, voxel size and provenance, complete or not at all.

    Parameters
    ----------
    path
        File to write; one that is there is replaced once the new one is complete.
    volume
        At least two axes.
    metadata
        How it was made, JSON-able; comes back as ``description["provenance"]``.

    Raises
    ------
    InputError
        If the folder is full or not writable, or the array cannot be an image.
    """
    needed = 4 * volume.data.size + len(to_json(metadata)) + 4096
    with atomic(path, needed_bytes=needed) as (temporary,):
        tiff.write(temporary, volume, metadata)


def stem(path: Path) -> str:
    """The name of a file without what says its format.

    Examples
    --------
    >>> stem(Path("in/cell.ome.tif")), stem(Path("cell.v2.TIF"))
    ('cell', 'cell.v2')
    """
    return path.name[: -len(_suffix(path))]


def _suffix(path: Path) -> str:
    name = path.name.lower()
    ends = [suffix for suffix in READERS if name.endswith(suffix) and name != suffix]
    if not ends:
        raise InputError(
            subject=f"file {path}",
            value="is of a format that is not read",
            allowed=f"allowed are {', '.join(READERS)}",
            remedy="export it as TIFF",
        )
    return max(ends, key=len)
