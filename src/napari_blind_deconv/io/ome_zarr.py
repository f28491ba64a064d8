"""OME-Zarr 0.1 to 0.5, and plain zarr arrays, in."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_blind_deconv._types import InputError

from .axes import named_axes, voxel_size
from .omero import channels_of
from .units import seconds, step
from .volume import SPATIAL, Header
from .zarr_facts import Facts, facts_of
from .zarr_groups import image_of, ome_of
from .zarr_nodes import Node, damaged, node_at
from .zarr_store import ZarrSource, holds_chunks, worded

PROVENANCE = "napari-blind-deconv"
"""Attribute that holds how an image was made, beside what OME-Zarr defines."""

_VERSIONS = ("0.1", "0.2", "0.3", "0.4", "0.5")
_OLDEST_AXES = ("t", "c", "z", "y", "x")  # of versions that name none
_FREE = "PQRUVW"  # letters of axes that have no other
_ASCII = frozenset(string.ascii_uppercase) - frozenset("TCZYXS")
_BY_TYPE = {"time": "T", "channel": "C"}


def header(path: Path) -> Header:
    """What a store says of an image; errors as in `open_source`."""
    with worded(f"file {path}"):
        return _found(path)[0]


def open_source(path: Path) -> ZarrSource:
    """The image of an OME-Zarr group at its finest level, or a plain array.

    Raises
    ------
    InputError
        One sentence for a folder that is missing or no store, for plates, wells and groups of labels, with an image to
        name in their place, for metadata that are wrong, and for anything that leads out of the store.
    """
    with worded(f"file {path}"):
        found, array, facts = _found(path)
    return ZarrSource(path, array.path, facts.chunk, found)


def open_levels(path: Path) -> list[ZarrSource]:
    """All levels of the image of an OME-Zarr group, the finest first; errors as in `open_source`."""
    with worded(f"file {path}"):
        found, array, facts = _found(path)
        node, _ = image_of(node_at(path))
        levels = [ZarrSource(path, array.path, facts.chunk, found)]
        for coarser in [] if node.kind == "array" else list(_image(node)["datasets"])[1:]:
            array = node.child(coarser.get("path"))
            facts = facts_of(array)
            levels.append(ZarrSource(path, array.path, facts.chunk, replace(found, shape=facts.shape)))
    return levels


@dataclass(frozen=True)
class _Said:
    """What metadata say of an array."""

    form: str
    axes: str
    sizes: Mapping[str, float] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    left_open: tuple[str, ...] = ()


def _found(path: Path) -> tuple[Header, Node, Facts]:
    node, chosen = image_of(node_at(path))
    array = node if node.kind == "array" else node.child(_level(node).get("path"))
    facts = facts_of(array)
    said = _plain(node, facts) if node.kind == "array" else _multiscale(node, facts.shape)
    doubts = [*chosen, *said.warnings]
    if not holds_chunks(array, facts):
        doubts.append("holds no chunks: every pixel is its fill value")
    name = path.name
    voxels, unknown = voxel_size(said.sizes, said.axes, name)
    left_open = [*(f"{name} {sentence}" for sentence in said.left_open), *unknown]
    warnings = [*left_open, *(f"{name} {sentence}" for sentence in doubts)]
    description = {"format": said.form, "provenance": {}, **said.known, "warnings": warnings, "open": left_open}
    return Header(facts.shape, facts.dtype, said.axes, voxels, description), array, facts


def _plain(node: Node, facts: Facts) -> _Said:
    """An array by itself, which may name its axes."""
    names = facts.names or ()
    letters = _letters([(name or "", "") for name in names])
    form = f"zarr {node.form}"
    if all(names) and {"Y", "X"} <= set(letters) and len(set(letters)) == len(letters):
        return _Said(form, letters)
    letters, _ = named_axes(facts.shape, "Q" * (len(facts.shape) - 2) + "YX")
    return _Said(form, letters, left_open=(f"does not name its axes; they were read as {letters}",))


def _multiscale(node: Node, shape: tuple[int, ...]) -> _Said:
    """What is said of the finest level of a multiscale image."""
    count, ome, image = len(shape), ome_of(node), _image(node)
    axes = _axes(image, node, count)
    recorded = node.attributes.get(PROVENANCE)
    own = recorded if isinstance(recorded, dict) else {}
    letters = _letters([(str(a.get("name", "")), str(a.get("type", ""))) for a in axes])
    if _fits(own.get("axes"), letters):
        letters = str(own["axes"])
    if len(set(letters)) < count or not {"Y", "X"} <= set(letters):
        raise damaged(node.subject, f"axes {letters}")
    scale = _scale(_level(node), image, node, count)
    sizes, odd = _sizes(axes, letters, scale)
    known: dict[str, Any] = {"provenance": own["provenance"]} if isinstance(own.get("provenance"), dict) else {}
    shown = next((letters.index(letter) for letter in "CS" if letter in letters), None)
    channels, strange = channels_of(ome.get("omero"), 1 if shown is None else shape[shown])
    if any(channels):
        known["channels"] = channels
    names = [channel.get("label") for channel in channels]
    if names and all(names) and "S" not in letters:
        known["channel_names"] = names
    interval = _interval(axes, letters, scale)
    known |= {} if interval is None else {"time_interval_s": interval}
    several = len(ome["multiscales"])
    first = (f"holds {several} multiscale images; the first was read",) if several > 1 else ()
    labels = ("holds labels, not intensities",) if "image-label" in ome else ()
    return _Said(f"OME-Zarr {_version(node)}", letters, sizes, known, (*first, *odd, *strange), labels)


def _image(node: Node) -> Mapping[str, Any]:
    return _first(ome_of(node).get("multiscales"), node, "multiscales")


def _level(node: Node) -> Mapping[str, Any]:
    """The finest one."""
    return _first(_image(node).get("datasets"), node, "datasets")


def _version(node: Node) -> str:
    version = str(ome_of(node).get("version", _image(node).get("version", "0.4" if node.form == 2 else "0.5")))
    if version not in _VERSIONS:
        raise InputError(
            subject=node.subject,
            value=f"is OME-Zarr {version[:20]}",
            allowed=f"allowed are {', '.join(_VERSIONS)}",
            remedy="export it in one of these",
        )
    return version


def _first(found: Any, node: Node, name: str) -> Mapping[str, Any]:
    if not isinstance(found, list) or not found or not isinstance(found[0], dict):
        raise damaged(node.subject, f"{name} that are none")
    return found[0]


def _axes(image: Mapping[str, Any], node: Node, count: int) -> Sequence[Mapping[str, Any]]:
    """Axes as versions from 0.4 on write them."""
    axes = image.get("axes")
    if axes is None and count == len(_OLDEST_AXES):
        axes = list(_OLDEST_AXES)
    if not isinstance(axes, list):
        raise damaged(node.subject, "axes that are none")
    plain = [{"name": axis} if isinstance(axis, str) else axis for axis in axes]
    if not all(isinstance(axis, dict) for axis in plain) or len(plain) != count:
        raise damaged(node.subject, f"{len(plain)} axes for an array of {count}")
    return plain


def _letters(axes: Sequence[tuple[str, str]]) -> str:
    """A letter per axis by its name, else by its type, else one that is free."""
    known = [
        name.upper() if name.lower() in _OLDEST_AXES else _BY_TYPE.get(kind) or _BY_TYPE.get(name.lower(), "?")
        for name, kind in axes
    ]
    for i, (name, _) in enumerate(axes):
        if known[i] == "?":
            free = [letter for letter in (*name[:1].upper(), *_FREE) if letter in _ASCII and letter not in known]
            known[i] = free[0]
    return "".join(known)


def _fits(recorded: Any, letters: str) -> bool:
    """Whether recorded axes are those of the image: edits change more than names."""
    return (
        isinstance(recorded, str)
        and len(recorded) == len(letters)
        and all(new == old or old not in SPATIAL for new, old in zip(recorded, letters, strict=True))
    )


def _scale(level: Mapping[str, Any], image: Mapping[str, Any], node: Node, count: int) -> list[float]:
    """Step along every axis: that of the level times that of the whole image."""
    steps = np.ones(count)
    for given in (level.get("coordinateTransformations", []), image.get("coordinateTransformations", [])):
        if not isinstance(given, list):
            raise damaged(node.subject, "coordinateTransformations that are none")
        for part in given:
            if not isinstance(part, dict) or part.get("type") not in ("scale", "translation", "identity"):
                raise damaged(node.subject, "coordinateTransformations that are not known")
            if part["type"] != "scale":
                continue
            numbers = part.get("scale")
            if not isinstance(numbers, list) or [type(n) in {int, float} for n in numbers] != [True] * count:
                raise damaged(node.subject, f"a scale that is not {count} numbers")
            steps = steps * np.array(numbers, dtype=float)
    return [float(n) for n in steps]


def _sizes(
    axes: Sequence[Mapping[str, Any]], letters: str, scale: Sequence[float]
) -> tuple[dict[str, float], list[str]]:
    """Lengths in µm by axis, where a unit is given, and what is odd about them."""
    sizes, said = {}, []
    for axis, letter, value in zip(axes, letters, scale, strict=True):
        if letter not in SPATIAL:
            continue
        unit = axis.get("unit")
        if not isinstance(unit, str):
            if value != 1:
                said.append(f"gives a scale of {value:g} along {letter} without a unit; its length is unknown")
            continue
        size, odd = step(value, unit, letter)
        if size is not None:
            sizes[letter] = size
        if odd:
            said.append(odd)
    return sizes, said


def _interval(axes: Sequence[Mapping[str, Any]], letters: str, scale: Sequence[float]) -> float | None:
    if "T" not in letters:
        return None
    i = letters.index("T")
    interval = seconds(scale[i], str(axes[i].get("unit", "")))
    return interval if interval is not None and 0 < interval < np.inf else None
