"""Which planes of a recording an OME-TIFF holds itself, where the recording is spread over several files.

Other files are never opened: their pixels would be given under this file's name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from .planes import Planes, checked_sizes, whole_part


@dataclass(frozen=True)
class Own:
    """An image of which a file holds planes.

    Attributes
    ----------
    image
        Its number in the metadata.
    planes
        Those in this file.
    elsewhere
        Names of the files that hold others of the same image.
    images
        How many images this file holds planes of.
    known_as
        What the metadata call this file, where it has been renamed.
    """

    image: int
    planes: Planes
    elsewhere: tuple[str, ...]
    images: int
    known_as: str = ""


@dataclass(frozen=True)
class _Entry:
    """One TiffData: planes of an image, and the file that holds them, ``""`` for the one that says so."""

    image: int
    file: str
    uuid: str
    page: int
    count: int | None
    place: tuple[int, ...]


def own_planes(root: Element, uuid: str, path: Path, page_count: int, image: int | None = None) -> Own | None:
    """The planes that a file holds by its own metadata; ``None`` where these do not say which.

    Parameters
    ----------
    root
        Of the OME-XML, this file's or that of the one which describes all.
    uuid
        What this file calls itself, or nothing.
    path
        The file.
    page_count
        How many pages it has.
    image
        Which of the images in this file, counted from 0; ``None``: the first.

    Raises
    ------
    InputError
        For sizes that no image has.
    """
    layouts, entries = _read(root, f"file {path}")
    mine, known_as = _mine(entries, uuid, path.name)
    if mine is None:
        mine, known_as = _guessed(entries, layouts, page_count, f"file {path}")
    if not mine:
        return None
    found = {image: _planes(layouts[image], [e for e in mine if e.image == image], page_count) for image in layouts}
    held = [image for image, planes in found.items() if planes.pages]
    if not held or (image or 0) >= len(held):
        return None
    chosen = held[image or 0]
    ours = set(map(id, mine))
    elsewhere = dict.fromkeys(e.file for e in entries if e.image == chosen and id(e) not in ours and e.file)
    return Own(chosen, found[chosen], tuple(elsewhere), len(held), known_as)


def _read(root: Element, subject: str) -> tuple[dict[int, tuple[str, tuple[int, ...]]], list[_Entry]]:
    """Axes and sizes by image, and all TiffData."""
    layouts: dict[int, tuple[str, tuple[int, ...]]] = {}
    entries: list[_Entry] = []
    for image, pixels in enumerate(root.findall("./{*}Image/{*}Pixels")):
        axes = pixels.get("DimensionOrder", "XYZCT")[:1:-1]
        if sorted(axes) != ["C", "T", "Z"]:
            continue
        sizes = {axis: int(pixels.get(f"Size{axis}", "1")) for axis in axes}
        # Colours lie in one page, but are counted as channels.
        channel = pixels.find("./{*}Channel")
        samples = int(channel.get("SamplesPerPixel", "1")) if channel is not None else 1
        sizes["C"] = max(1, sizes["C"] // max(1, samples))
        layouts[image] = axes, checked_sizes(tuple(sizes[axis] for axis in axes), subject)
        entries += _entries(pixels, image, axes, samples)
    return layouts, entries


def _entries(pixels: Element, image: int, axes: str, samples: int) -> Iterator[_Entry]:
    for data in pixels.findall("./{*}TiffData"):
        first = {axis: int(data.get(f"First{axis}", "0")) for axis in axes}
        first["C"] //= max(1, samples)
        given = data.get("PlaneCount") or data.get("NumPlanes")
        count = int(given) if given else 1 if "IFD" in data.attrib else None
        uuid = data.find("./{*}UUID")
        file = "" if uuid is None else uuid.get("FileName", "")
        said = "" if uuid is None else (uuid.text or "").strip()
        page = int(data.get("IFD", "0"))
        yield _Entry(image, file, said, page, count, tuple(first[axis] for axis in axes))


def _mine(entries: list[_Entry], uuid: str, name: str) -> tuple[list[_Entry] | None, str]:
    """What a file holds, by its name or, where it has been renamed, by its identifier; else ``None``.

    The name first: some programs copy one file's metadata, identifier and all, into every file of a recording.
    """
    if not any(e.file or e.uuid for e in entries):
        return entries, ""
    by_name = [e for e in entries if e.file.casefold() == name.casefold()]
    if by_name:
        return [e for e in entries if e.file.casefold() == name.casefold() or not (e.file or e.uuid)], ""
    if uuid and any(e.uuid == uuid for e in entries):
        return [e for e in entries if e.uuid == uuid or not (e.file or e.uuid)], ""
    if len({(e.file, e.uuid) for e in entries}) == 1:
        return entries, entries[0].file
    return None, ""


def _guessed(
    entries: list[_Entry], layouts: dict[int, tuple[str, tuple[int, ...]]], page_count: int, subject: str
) -> tuple[list[_Entry], str]:
    """The planes of one of the named files, where whichever it is makes an image of the same axes; else none."""
    fitting: dict[tuple[str, tuple[int, ...]], tuple[list[_Entry], str]] = {}
    for file in dict.fromkeys(e.file for e in entries):
        held = [e for e in entries if e.file == file]
        planes = _planes(layouts[held[0].image], [e for e in held if e.image == held[0].image], page_count)
        if len(planes.pages) != page_count:
            return [], ""
        fitting.setdefault((planes.axes, whole_part(planes, subject).shape), (held, file))
    return next(iter(fitting.values())) if len(fitting) == 1 else ([], "")


def _planes(layout: tuple[str, tuple[int, ...]], entries: list[_Entry], page_count: int) -> Planes:
    """The pages that are there, by their positions."""
    axes, sizes = layout
    total = 1
    for size in sizes:
        total *= size
    pages: dict[tuple[int, ...], int] = {}
    for entry in entries:
        at = 0
        for size, position in zip(sizes, entry.place, strict=True):
            at = at * size + position
        if any(not 0 <= p < n for p, n in zip(entry.place, sizes, strict=True)) or entry.page < 0:
            continue
        count = min(page_count - entry.page, total - at, total if entry.count is None else entry.count)
        for i in range(count):
            pages[_place(at + i, sizes)] = entry.page + i
    return Planes(axes, sizes, pages)


def _place(index: int, sizes: tuple[int, ...]) -> tuple[int, ...]:
    place = []
    for size in reversed(sizes):
        index, position = divmod(index, size)
        place.append(position)
    return tuple(reversed(place))
