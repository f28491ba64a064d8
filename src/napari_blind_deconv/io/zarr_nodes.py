"""Groups and arrays of zarr stores: their metadata, read by us and with care before any library sees them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from napari_blind_deconv._types import InputError
from napari_blind_deconv.regular_file import read_bytes

_METADATA = ("zarr.json", ".zgroup", ".zarray")
_LARGEST = 64 * 2**20  # bytes of metadata; a plate of 1536 wells has less
_NAMES = 5  # that a refusal lists


@dataclass(frozen=True)
class Node:
    """A group or an array of a store on this machine.

    Attributes
    ----------
    path
        Its folder.
    form
        2 or 3, the version of zarr.
    kind
        ``group`` or ``array``.
    attributes
        What is recorded of it.
    metadata
        Of an array: its shape, chunks, type and codecs, as the format has them.
    """

    path: Path
    form: Literal[2, 3]
    kind: str
    attributes: Mapping[str, Any]
    metadata: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """What refusals call it."""
        return f"file {self.path}"

    def child(self, name: object) -> "Node":
        """A group or array within it, by a path that its metadata give.

        Raises
        ------
        InputError
            For a path that leads out of this group, and for what is no node.
        """
        return node_at(self.path.joinpath(inner(self, name)))

    def children(self) -> list[str]:
        """Names of groups and arrays directly within it, a few of them."""
        found = []
        for path in sorted(self.path.iterdir()):
            if path.is_dir() and is_store(path):
                found.append(path.name)
            if len(found) == _NAMES:
                break
        return found


def is_store(path: Path) -> bool:
    """Whether a folder is a zarr group or array."""
    try:
        return path.is_dir() and any((path / name).is_file() for name in _METADATA)
    except (OSError, ValueError):
        return False


def node_at(path: Path) -> Node:
    """The group or array in a folder.

    Raises
    ------
    InputError
        For what is missing, no folder, no node, or has metadata that cannot be read.
    """
    subject = f"file {path}"
    try:
        there, folder = path.exists(), path.is_dir()
    except (OSError, RuntimeError, ValueError):
        there = folder = False
    if not there:
        raise InputError(subject=subject, value="does not exist", remedy="check the path")
    if not folder:
        raise InputError(
            subject=subject,
            value="is a file",
            allowed="but a zarr store is a folder",
            remedy="unpack it, or check the path",
        )
    if (path / "zarr.json").is_file():
        found = _json(path / "zarr.json", subject)
        kind = found.get("node_type")
        if found.get("zarr_format") != 3 or kind not in ("group", "array"):
            raise damaged(subject, f"node {kind!r} of zarr format {found.get('zarr_format')!r}")
        return Node(path, 3, str(kind), _mapping(found.get("attributes", {}), subject, "attributes"), found)
    for name, kind in ((".zarray", "array"), (".zgroup", "group")):
        if (path / name).is_file():
            found = _json(path / name, subject)
            if found.get("zarr_format") != 2:
                raise damaged(subject, f"zarr format {found.get('zarr_format')!r} in {name}")
            noted = path / ".zattrs"
            return Node(path, 2, kind, _json(noted, subject) if noted.is_file() else {}, found)
    raise InputError(
        subject=subject,
        value="is a folder without zarr metadata (zarr.json, .zgroup or .zarray)",
        remedy="give the path of an OME-Zarr image",
    )


def inner(node: Node, name: object) -> PurePosixPath:
    """A path that metadata give, if it stays within its group.

    Raises
    ------
    InputError
        For one that does not, links followed.
    """
    text = name if isinstance(name, str) else ""
    path = PurePosixPath(text)
    # Backslashes and drives mean more on some systems than on others.
    strange = not path.parts or path.is_absolute() or ".." in path.parts or set(text) & set("\\:\0")
    if strange or not _within(node.path.joinpath(path), node.path):
        raise InputError(
            subject=node.subject,
            value=f"refers to {name!r} outside its folder",
            remedy="copy the linked files into it",
        )
    return path


def _within(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        # A loop of links, or a name that no file can have.
        return False


def damaged(subject: str, detail: str) -> InputError:
    """What is wrong with a store's metadata, as a refusal."""
    return InputError(
        subject=subject, value=f"has metadata that make no image ({detail})", remedy="copy it again or export it again"
    )


def _json(path: Path, subject: str) -> dict[str, Any]:
    content = read_bytes(path, "zarr metadata", _LARGEST)
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise damaged(subject, f"{path.name} is no JSON") from error
    return _mapping(found, subject, path.name)


def _mapping(found: Any, subject: str, name: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise damaged(subject, f"{name} is not a JSON object")
    return found
