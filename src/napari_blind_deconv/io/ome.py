"""OME-XML, read with care: what a file from elsewhere says must not make the reader do anything."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from napari_blind_deconv._types import InputError

from .units import step

NAMESPACE = "napari-blind-deconv/provenance"
"""Of the annotation that holds how a file was made."""


def refuse_entities(xml: str, subject: str) -> None:
    """Refuse XML that declares a document type: nothing in OME-XML needs one, and entities can expand without end.

    Raises
    ------
    InputError
        Naming the file.
    """
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise InputError(
            subject=subject,
            value="has metadata that declare a document type",
            allowed="which is not safe to read",
            remedy="save it anew",
        )


def parsed(xml: str, subject: str) -> Element:
    """The root of OME-XML.

    Raises
    ------
    InputError
        For XML that cannot be parsed, declares a document type, or names files outside the image's folder.
    """
    refuse_entities(xml, subject)
    try:
        root = ElementTree.fromstring(xml)  # noqa: S314 - expat itself resolves nothing once no DTD can be declared
    except ElementTree.ParseError as error:
        raise InputError(
            subject=subject, value=f"has OME metadata that cannot be parsed ({error})", remedy="save it anew"
        ) from error
    for part in root.iterfind(".//{*}UUID[@FileName]"):
        _refuse_path(part.get("FileName", ""), subject)
    return root


def master_of(root: Element, subject: str) -> str:
    """The file that holds the metadata in place of these, in the same folder; nothing if these are whole.

    Raises
    ------
    InputError
        For a file outside the folder.
    """
    binary = root.find("./{*}BinaryOnly")
    name = "" if binary is None else binary.get("MetadataFile", "")
    _refuse_path(name, subject)
    return name


def _refuse_path(name: str, subject: str) -> None:
    """A set of files lies in one folder; a path leading elsewhere is no such set."""
    if "/" in name or "\\" in name:
        raise InputError(subject=subject, value=f"refers to {name!r} outside its folder", remedy="save it as one file")


def describe(root: Element, image: int = 0, channels: Sequence[int] | None = None) -> dict[str, Any]:
    """One image's metadata.

    Parameters
    ----------
    root
        Of the OME-XML.
    image
        Which of its images.
    channels
        Which of the image's channels, by their numbers; None: all.

    Returns
    -------
    dict
        ``annotation``, ``sizes_um`` by axis, ``oddities`` (what is wrong with these), and where known
        ``channel_names`` and ``time_interval_s``.
    """
    found: dict[str, Any] = {"annotation": _annotation(root, image), "sizes_um": {}, "oddities": []}
    images = root.findall("./{*}Image/{*}Pixels")
    if image >= len(images):
        return found
    pixels = images[image]
    for axis in "XYZ":
        size, odd = step(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm"), axis)
        if size is not None:
            found["sizes_um"][axis] = size
        if odd and f"PhysicalSize{axis}" in pixels.attrib:
            found["oddities"].append((axis, odd))
    names = [channel.get("Name") for channel in pixels.findall("./{*}Channel")]
    if names and all(names):
        kept = range(len(names)) if channels is None else channels
        found["channel_names"] = [names[i] for i in kept if i < len(names)]
    interval = _number(pixels.get("TimeIncrement"))
    if interval is not None and pixels.get("TimeIncrementUnit", "s") == "s":
        found["time_interval_s"] = interval
    return found


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _annotation(root: Element, image: int) -> dict[str, Any]:
    """The key-value pairs that this package recorded, each value JSON; of several images those of the chosen one."""
    found = root.findall(f".//{{*}}MapAnnotation[@Namespace='{NAMESPACE}']")
    images = [element for element in root.findall("./{*}Image") if element.find("./{*}Pixels") is not None]
    if len(images) > 1:
        chosen = images[image : image + 1]
        named = {reference.get("ID") for one in chosen for reference in one.iterfind("./{*}AnnotationRef")}
        found = [annotation for annotation in found if annotation.get("ID") in named]
    pairs = (pair for annotation in found for pair in annotation.iterfind("./{*}Value/{*}M"))
    return {pair.get("K", ""): _value(pair.text or "") for pair in pairs}


def with_pairs(xml: str, pairs: Mapping[str, str]) -> str:
    """OME-XML that this package wrote, with more in its annotation.

    Raises
    ------
    ValueError
        For XML that has no such annotation.
    """
    start = xml.index(f'Namespace="{NAMESPACE}"')
    end = xml.index("</Value>", start)
    added = "".join(f"<M K={quoteattr(key)}>{escape(value)}</M>" for key, value in pairs.items())
    return xml[:end] + added + xml[end:]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return text
