"""Files in and out.

The public names are imported on first use: forms name formats without what reads and writes them.
"""

from typing import TYPE_CHECKING

from napari_blind_deconv._on_first_use import on_first_use

# Its module has the same name, which would take its place as soon as anybody imports that.
from .atomic import atomic

if TYPE_CHECKING:
    from .atomic import check_folder, check_room, growing, worded
    from .commit import recover
    from .files import READERS, WRITERS, Writer, as_floats, create, header, images, levels, open, put, read, save, write
    from .json_file import read_json, to_json, write_json
    from .lock import TakenError, held, is_held
    from .names import PICTURE_SUFFIXES, refuse_address, stem
    from .regions import Region, checked_region, tiles
    from .roles import PSF_ROLES, no_psf_in_words, role_of
    from .several import save_several
    from .source import ArraySource, Sink, Source
    from .volume import Header, Volume
    from .zarr_collection import write_collection
    from .zarr_nodes import is_store

__all__ = [
    "PICTURE_SUFFIXES",
    "PSF_ROLES",
    "READERS",
    "WRITERS",
    "ArraySource",
    "Header",
    "Region",
    "Sink",
    "Source",
    "TakenError",
    "Volume",
    "Writer",
    "as_floats",
    "atomic",
    "check_folder",
    "check_room",
    "checked_region",
    "create",
    "growing",
    "header",
    "held",
    "images",
    "is_held",
    "is_store",
    "levels",
    "no_psf_in_words",
    "open",
    "put",
    "read",
    "read_json",
    "recover",
    "refuse_address",
    "role_of",
    "save",
    "save_several",
    "stem",
    "tiles",
    "to_json",
    "worded",
    "write",
    "write_collection",
    "write_json",
]

_HOMES = {
    "files": (
        "READERS",
        "WRITERS",
        "Writer",
        "as_floats",
        "create",
        "header",
        "images",
        "levels",
        "open",
        "put",
        "read",
        "save",
        "write",
    ),
    "atomic": ("check_folder", "check_room", "growing", "worded"),
    "commit": ("recover",),
    "json_file": ("read_json", "to_json", "write_json"),
    "lock": ("TakenError", "held", "is_held"),
    "names": ("PICTURE_SUFFIXES", "refuse_address", "stem"),
    "roles": ("PSF_ROLES", "no_psf_in_words", "role_of"),
    "regions": ("Region", "checked_region", "tiles"),
    "several": ("save_several",),
    "source": ("ArraySource", "Sink", "Source"),
    "volume": ("Header", "Volume"),
    "zarr_collection": ("write_collection",),
    "zarr_nodes": ("is_store",),
}

__getattr__ = on_first_use(__name__, {name: module for module, names in _HOMES.items() for name in names})


def __dir__() -> list[str]:
    return sorted(__all__)
