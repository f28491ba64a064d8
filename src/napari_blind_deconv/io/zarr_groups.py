"""Groups of a store: the one that is an image, and for the others which image to name."""

import itertools
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from napari_blind_deconv._types import InputError

from .zarr_nodes import Node, damaged, inner, is_store, node_at

_BIOFORMATS = "bioformats2raw.layout"


def image_of(node: Node) -> tuple[Node, list[str]]:
    """The image that a group holds, or an array itself, and what had to be chosen.

    Raises
    ------
    InputError
        For groups of several images, with one to name in their place, and for groups of none.
    """
    if node.kind == "array":
        return node, []
    ome = ome_of(node)
    if "multiscales" in ome:
        return node, []
    if _BIOFORMATS in ome and "plate" not in ome:
        return _first_of_series(node)
    if "plate" in ome:
        count, name = _listed(ome["plate"], "wells")
        raise _several(node, f"is a plate of {count} wells", _image_of_well(node, name))
    if "well" in ome:
        count, name = _listed(ome["well"], "images")
        raise _several(node, f"is a well of {count} images", name)
    if isinstance(ome.get("labels"), list):
        raise InputError(
            subject=node.subject,
            value="is a group of labels, not of intensities",
            remedy=f"name the image that they belong to, {node.path.parent}",
        )
    children = node.children()
    raise InputError(
        subject=node.subject,
        value="is a zarr group without an OME-Zarr image",
        remedy=f"name one of its images, such as {node.path / children[0]}" if children else "check the path",
    )


def images_in(path: Path) -> list[Path]:
    """The images of a store: of a plate those of all wells, of a well all, of a converter's those with numbers.

    Raises
    ------
    InputError
        For metadata that are wrong, and for anything that leads out of the store; a well that cannot be read is an
        image of its own, which will say so.
    """
    node = node_at(path)
    ome = ome_of(node)
    if node.kind == "array" or "multiscales" in ome:
        return [path]
    if "plate" in ome:
        found: list[Path] = []
        for well in _paths(ome["plate"], "wells", node):
            try:
                inside = images_in(path / well)
            except InputError:
                inside = [path / well]
            found += inside
        return found
    if "well" in ome:
        return [path / image for image in _paths(ome["well"], "images", node)]
    if _BIOFORMATS in ome:
        numbers = itertools.takewhile(lambda number: is_store(path / str(number)), itertools.count())
        return [path / str(number) for number in numbers] or [path]
    return [path]


def _paths(found: Any, name: str, node: Node) -> list[PurePosixPath]:
    """What a list of wells or of images names, in its order."""
    entries = found.get(name) if isinstance(found, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise damaged(node.subject, f"{name} that are none")
    return list(dict.fromkeys(inner(node, entry.get("path")) for entry in entries))


def ome_of(node: Node) -> Mapping[str, Any]:
    """What OME-Zarr says of a group."""
    found = node.attributes.get("ome") if node.form == 3 else node.attributes
    return found if isinstance(found, dict) else {}


def _first_of_series(node: Node) -> tuple[Node, list[str]]:
    """The images of a converter of microscopes' formats have numbers."""
    count = 0
    while is_store(node.path / str(count)):
        count += 1
    if not count:
        raise InputError(subject=node.subject, value="holds no images, or not in folders 0, 1, …", remedy="name one")
    first = node.child("0")
    if "multiscales" not in ome_of(first):
        raise InputError(subject=first.subject, value="is not an OME-Zarr image", remedy="name another one")
    return first, [f"holds {count} images; the first, 0, was taken"] if count > 1 else []


def _listed(found: Any, name: str) -> tuple[int, object]:
    """How many entries a list has, and the path of the first."""
    entries = found.get(name) if isinstance(found, dict) else None
    if not isinstance(entries, list) or not entries or not isinstance(entries[0], dict):
        return 0, None
    return len(entries), entries[0].get("path")


def _image_of_well(plate: Node, well: object) -> object:
    """The first image of a plate's first well."""
    try:
        found = plate.child(well)
        _, image = _listed(ome_of(found).get("well"), "images")
        inner(found, image)
    except InputError:
        return f"{well}/0"
    return f"{well}/{image}"


def _several(node: Node, what: str, name: object) -> InputError:
    try:
        example = f"name one of its images, such as {node.path / inner(node, name)}"
    except InputError:
        example = "name one of its images"
    return InputError(subject=node.subject, value=what, allowed="not one image", remedy=example)
