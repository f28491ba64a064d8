"""Names of files: how images' end, and what is left without that."""

import re
from pathlib import Path

from napari_blind_deconv._types import InputError

TIFF_SUFFIXES = (".ome.tif", ".ome.tiff", ".tif", ".tiff")
ZARR_SUFFIXES = (".ome.zarr", ".zarr")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")

_ADDRESS = re.compile(r"[A-Za-z][\w+.-]+:/")


def stem(path: Path) -> str:
    """The name of a file without what says its format; that of an image within a store has the store's in front.

    Examples
    --------
    >>> stem(Path("in/cell.ome.tif")), stem(Path("cell.v2.TIF")), stem(Path("in/plate.zarr/A/1/0"))
    ('cell', 'cell.v2', 'plate_A_1_0')
    """
    for folder in (path, *path.parents):
        suffix = suffix_of(folder)
        if suffix.endswith(".zarr") or (suffix and folder == path):
            within = path.relative_to(folder).parts
            return "_".join((folder.name[: -len(suffix)], *within))
    return path.name


def refuse_address(path: Path) -> None:
    """Refuse addresses on a network, which paths are sometimes taken for.

    Raises
    ------
    InputError
        Naming it.
    """
    if _ADDRESS.match(str(path)):
        raise InputError(
            subject=f"file {path}",
            value="is an address on a network",
            allowed="which is not read or written",
            remedy="copy the image to this machine",
        )


def suffix_of(path: Path) -> str:
    """How the name ends, of the ends that images have; the longer end wins."""
    name = path.name.lower()
    known = (*TIFF_SUFFIXES, *ZARR_SUFFIXES, *PICTURE_SUFFIXES)
    return max((suffix for suffix in known if name.endswith(suffix) and name != suffix), key=len, default="")
