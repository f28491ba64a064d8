"""Which pages of a TIFF make its image, what their axes mean, and how long a voxel is, format by format.

Only the file itself is ever opened for its pixels. Of a recording that is spread over several files, the planes in this
one are taken, and what lies elsewhere or nowhere is said.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError

from . import imagej, micromanager, ome, ome_planes
from .ome_optics import optics_of
from .planes import Planes, shortfall, whole_part

_COARSEST_PIXEL_UM = 10.0  # coarser than 2540 dpi, a resolution is meant for printing and says nothing of the scene
_INCH, _CENTIMETRE = 2, 3  # of the tag ResolutionUnit


@dataclass(frozen=True)
class Said:
    """What a file's metadata say.

    Attributes
    ----------
    form
        Name of the format.
    sizes
        Voxel size in µm by axis.
    known
        What else is known: ``channel_names``, ``time_interval_s``, ``provenance``, ``layout``.
    warnings
        Sentences without the file's name.
    oddities
        Further ones that matter only where the image has the axis.
    """

    form: str
    sizes: Mapping[str, float] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    oddities: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Layout:
    """What a file's metadata make of its pages.

    Attributes
    ----------
    series
        The pages, with shape and axes.
    said
        The rest.
    holes
        Which planes of the series are missing, in the shape of its leading axes.
    pages
        Numbers of the pages, where they were put together here.
    images
        How many images the metadata describe in this file.
    """

    series: tifffile.TiffPageSeries
    said: Said
    holes: NDArray[np.bool_] | None = None
    pages: tuple[int, ...] = ()
    images: int = 1


def layout_of(file: tifffile.TiffFile, path: Path, image: int | None = None) -> Layout:
    """The image of an open TIFF; of several that its metadata describe the one of this number, else the first.

    Raises
    ------
    InputError
        For pixels of other files, metadata that are not safe, and planes that make no image.
    """
    if file.is_ndtiff:
        said = "is one of the files of an NDTiff recording, whose index was not read"
        return _as_it_lies(file, "NDTiff", said)
    if file.is_ome and file.ome_metadata:
        found = _ome(file, path, file.ome_metadata, image)
        if found.said.form == "OME-TIFF" or not file.is_mmstack:
            return found
    recorded = file.micromanager_metadata if file.is_mmstack else None
    if recorded is not None and len(recorded["IndexMap"]):
        return _micromanager(file, path, recorded, image)
    if file.is_imagej and file.imagej_metadata:
        return _imagej(file, path)
    return Layout(_single(file, path), Said("TIFF", _printed_sizes(file)))


def _ome(file: tifffile.TiffFile, path: Path, xml: str, image: int | None) -> Layout:
    root = ome.parsed(xml, f"file {path}")
    uuid = root.get("UUID", "")
    master = ome.master_of(root, f"file {path}")
    if master:
        described = _master(path.parent / master)
        if described is None:
            return _as_it_lies(file, "TIFF", f"is described by {master}, which is missing")
        root = described
    own = ome_planes.own_planes(root, uuid, path, len(file.pages), image)
    if own is None:
        said = "does not say which planes its pages are"
        return _as_it_lies(file, "TIFF", said, ome.describe(root)["sizes_um"])
    part = whole_part(own.planes, f"file {path}")
    channels = part.positions[own.planes.axes.index("C")]
    found = ome.describe(root, own.image, channels)
    told = []
    if own.known_as:
        told.append(f"is called {own.known_as} in its metadata; its planes were assumed to be those of that file")
    if own.images > 1 and image is None:
        told.append(f"holds {own.images} images; the first, of {_name(root, own.image)}, was read")
    missing = shortfall(own.planes, part)
    if missing and own.elsewhere:
        lost = [other for other in own.elsewhere if not (path.parent / other).is_file()]
        beside = f"; missing files: {_listed(lost)}" if lost else ""
        told.append(f"is one file of several; the planes in it were read, {', '.join(missing)}{beside}")
    elif missing:
        told.append(f"holds fewer planes than its metadata say; complete ones were read, {', '.join(missing)}")
    known: dict[str, Any] = {name: found[name] for name in ("channel_names", "time_interval_s") if name in found}
    optics = optics_of(root, own.image, channels)
    known |= {"optics": optics} if optics else {}
    annotation = found["annotation"]
    known |= {"layout": annotation.pop("layout", None), "provenance": annotation}
    found_here = Said("OME-TIFF", found["sizes_um"], known, tuple(told), tuple(found["oddities"]))
    # The library knows more of OME (lifetimes, phases, pyramids); but it would open other files.
    if not missing and own.image == 0 and not _names_files(root) and _same_size(root, file.pages.first):
        return Layout(_single(file, path), found_here, images=own.images)
    return replace(_assembled(file, path, own.planes, found_here), images=own.images)


def _master(path: Path) -> Element | None:
    """The metadata that a companion, or the first file of a recording, holds for all."""
    if not path.is_file():
        return None
    if path.suffix.lower() in {".tif", ".tiff"}:
        with tifffile.TiffFile(path) as file:
            xml = file.ome_metadata or ""
    else:
        xml = path.read_text(encoding="utf-8")
    return ome.parsed(xml, f"file {path}") if xml else None


def _names_files(root: Element) -> bool:
    own = root.get("UUID")
    return any((uuid.text or "").strip() != own for uuid in root.iterfind("./{*}Image/{*}Pixels/{*}TiffData/{*}UUID"))


def _same_size(root: Element, page: tifffile.TiffPage) -> bool:
    """Whether the first image is said to be as large as a page: programs that crop may keep what was said before."""
    pixels = root.find("./{*}Image/{*}Pixels")
    said = None if pixels is None else (pixels.get("SizeY"), pixels.get("SizeX"))
    return said == (str(page.imagelength), str(page.imagewidth))


def _name(root: Element, image: int) -> str:
    elements = [e for e in root.findall("./{*}Image") if e.find("./{*}Pixels") is not None]
    return repr(elements[image].get("Name", "no name"))


def _micromanager(file: tifffile.TiffFile, path: Path, said: Mapping[str, Any], image: int | None) -> Layout:
    planes, positions = micromanager.own_planes(file, said, f"file {path}", image or 0)
    sizes, oddities = micromanager.voxel_sizes(said["Summary"])
    told = []
    if positions > 1 and image is None:
        told.append(f"holds {positions} positions; the first was read")
    missing = shortfall(planes, whole_part(planes, f"file {path}"))
    if missing:
        told.append(f"holds fewer planes than its recording; complete ones were read, {', '.join(missing)}")
    found = Said("Micro-Manager", sizes, {}, tuple(told), tuple(oddities))
    return replace(_assembled(file, path, planes, found), images=positions)


def _imagej(file: tifffile.TiffFile, path: Path) -> Layout:
    said = file.imagej_metadata or {}
    sizes, oddities = imagej.voxel_sizes(said, _resolution(file))
    sizes = sizes or _printed_sizes(file)
    planes = imagej.uneven_planes(file, said, f"file {path}")
    told: tuple[str, ...] = ()
    if planes is not None:
        kept = ", ".join(shortfall(planes, whole_part(planes, f"file {path}")))
        told = (f"holds fewer planes than its metadata say; complete ones were read, {kept}",)
        if not kept:
            told = (
                f"has {len(file.pages)} pages, of which its metadata describe {len(planes.pages)}; these were read",
            )
    found = Said("ImageJ", sizes, imagej.time_interval(said), told, tuple(oddities))
    return Layout(_single(file, path), found) if planes is None else _assembled(file, path, planes, found)


def _single(file: tifffile.TiffFile, path: Path) -> tifffile.TiffPageSeries:
    """The first image by the library's own reading, which must be of this file."""
    series = file.series[0]
    if series.is_multifile or series.keyframe.parent is not file:
        raise InputError(
            subject=f"file {path}",
            value="is one of several that make an image",
            allowed="which would be read instead",
            remedy="export the image as one file",
        )
    return series


def _as_it_lies(file: tifffile.TiffFile, form: str, said: str, sizes: Mapping[str, float] | None = None) -> Layout:
    """All pages like the first, in the order of the file."""
    first = file.pages.first
    numbers = [i for i, page in enumerate(file.pages) if page.shape == first.shape and page.dtype == first.dtype]
    planes = Planes("Q", (len(numbers),), {(i,): number for i, number in enumerate(numbers)})
    told = f"{said}; its own pages were read, in the order of the file"
    return _assembled(file, Path(file.filename), planes, Said(form, sizes or _printed_sizes(file), {}, (told,)))


def _assembled(file: tifffile.TiffFile, path: Path, planes: Planes, said: Said) -> Layout:
    """The layout of planes that are known one by one."""
    part = whole_part(planes, f"file {path}")
    numbers = [number for number in part.pages if number is not None]
    first = file.pages[numbers[0]]
    for number in numbers:
        page = file.pages[number]
        if (page.shape, page.dtype) != (first.shape, first.dtype):
            raise InputError(
                subject=f"file {path}",
                value=f"has planes of shape {first.shape} and {page.shape}",
                allowed="which do not form an image",
                remedy="export it again",
            )
    pages = [None if number is None else file.pages[number] for number in part.pages]
    series = tifffile.TiffPageSeries(pages, (*part.shape, *first.shape), first.dtype, planes.axes + first.axes)
    holes = part.holes if None in part.pages else None
    return Layout(series, said, holes, tuple(numbers))


def _printed_sizes(file: tifffile.TiffFile) -> dict[str, float]:
    """Pixel size from a plain TIFF's resolution, where that is fine enough to be a microscope's."""
    tag = file.pages.first.tags.get("ResolutionUnit")
    unit = {_INCH: 25400.0, _CENTIMETRE: 10000.0}.get(int(tag.value) if tag else 0)
    if unit is None:
        return {}
    sizes = {axis: unit / resolution for axis, resolution in _resolution(file).items()}
    return sizes if len(sizes) == 2 and max(sizes.values()) <= _COARSEST_PIXEL_UM else {}


def _resolution(file: tifffile.TiffFile) -> dict[str, float]:
    """Pixels per unit along X and Y, where they are given and not zero."""
    found = {}
    for axis in "XY":
        tag = file.pages.first.tags.get(f"{axis}Resolution")
        if tag is not None and tag.value[0] and tag.value[1]:
            found[axis] = tag.value[0] / tag.value[1]
    return found


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
