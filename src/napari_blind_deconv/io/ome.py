"""OME-XML, read with care: what a file from elsewhere says must not make the reader do anything."""

import json
from typing import Any
from xml.etree import ElementTree

from napari_blind_deconv._types import InputError

from .units import micrometres

NAMESPACE = "napari-blind-deconv/provenance"
"""Of the annotation that holds how a file was made."""


def refuse_entities(xml: str, name: str) -> None:
    """Refuse XML that declares a document type: nothing in OME-XML needs one, and entities can expand without end.

    Raises
    ------
    InputError
        Naming the file.
    """
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise InputError(f"{name} has metadata that declare a document type, which is not safe to read; save it anew")


def describe(xml: str, name: str) -> dict[str, Any]:
    """The first image's metadata: ``sizes_um`` by axis, ``channel_names``, ``time_interval_s``, ``annotation``.

    Raises
    ------
    InputError
        For XML that cannot be parsed, declares a document type, or names files outside the image's folder.
    """
    refuse_entities(xml, name)
    try:
        root = ElementTree.fromstring(xml)  # noqa: S314 - expat itself resolves nothing once no DTD can be declared
    except ElementTree.ParseError as error:
        raise InputError(f"{name} has OME metadata that cannot be parsed ({error}); save it anew") from error
    _refuse_paths(root, name)
    found: dict[str, Any] = {"annotation": _annotation(root)}
    pixels = root.find("./{*}Image/{*}Pixels")
    if pixels is None:
        return found
    found["sizes_um"] = {axis: size for axis in "XYZ" if (size := _physical_size(pixels, axis)) is not None}
    names = [channel.get("Name") for channel in pixels.findall("./{*}Channel")]
    if names and all(names):
        found["channel_names"] = names
    interval = _number(pixels.get("TimeIncrement"))
    if interval is not None and pixels.get("TimeIncrementUnit", "s") == "s":
        found["time_interval_s"] = interval
    return found


def _refuse_paths(root: ElementTree.Element, name: str) -> None:
    """A set of files lies in one folder; a path leading elsewhere is no such set."""
    for part in root.iterfind(".//{*}UUID[@FileName]"):
        other = part.get("FileName", "")
        if "/" in other or "\\" in other:
            raise InputError(f"{name} refers to {other!r} outside its folder; save it as one file")


def _physical_size(pixels: ElementTree.Element, axis: str) -> float | None:
    size = _number(pixels.get(f"PhysicalSize{axis}"))
    return None if size is None else micrometres(size, pixels.get(f"PhysicalSize{axis}Unit", "µm"))


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _annotation(root: ElementTree.Element) -> dict[str, Any]:
    """The key-value pairs that this package recorded, each value JSON."""
    pairs = root.iterfind(f".//{{*}}MapAnnotation[@Namespace='{NAMESPACE}']/{{*}}Value/{{*}}M")
    return {pair.get("K", ""): _value(pair.text or "") for pair in pairs}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return text
