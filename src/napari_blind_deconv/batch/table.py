"""Which images go in: from the names of files, folders, patterns, plates and files of several images."""

import glob
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError

from .guard import Failure, attempted
from .plan import MAPS, OURS, Item, place_of

_ROLES = {
    "restored image",
    "point spread function",
    "point spread functions over the field",
    "PSF measured from beads",
    *(name.replace("_", " ") for name in MAPS),
}


@dataclass(frozen=True)
class Table:
    """What goes in, in the order of the work, and what was found beside it and does not, with the reason."""

    items: tuple[Item, ...]
    left_out: tuple[tuple[Path, str], ...] = ()


def table_of(names: Sequence[str | Path], references: Sequence[Path] = ()) -> Table:
    """The images that names of files, folders and patterns stand for, each once.

    They come in the order of the names, and sorted within a folder or a pattern. A plate or a well stands for its
    images, a file of several images for all of them. What this package wrote is left out: by its name in folders and
    patterns, by what its file says of itself wherever it is. What cannot be read is an image that will say so.

    Parameters
    ----------
    names
        As they were given.
    references
        Files that say something about all images, such as a PSF: in folders and patterns they are no images.

    Raises
    ------
    InputError
        For a folder without images, a pattern that fits none, and where nothing is left.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> import numpy as np
    >>> folder = Path(mkdtemp())
    >>> for name in ("b.tif", "a.tif", "a_psf.ome.tif"):
    ...     io.write(folder / name, io.Volume(np.ones((4, 5)), "YX"), {})
    >>> found = table_of([folder])
    >>> [item.path.name for item in found.items], [reason for _, reason in found.left_out]
    (['a.tif', 'b.tif'], ['is a result of this program by its name'])
    """
    left: dict[Path, str] = {}
    places = {place_of(path) for path in references}
    items: dict[tuple[str, int | None], Item] = {}
    for name in names:
        for path, named in _matches(Path(name), left):
            if not named and place_of(path) in places:
                left[path] = "is a reference of this run"
                continue
            role = _role(path)
            if role:
                left[path] = f"is a result of this program ({role})"
                continue
            for item in _images(path):
                items.setdefault((place_of(item.path), item.image), item)
    if not items:
        path, reason = next(iter(left.items()))
        raise InputError(subject=f"file {path}", value=reason, remedy="give the original images")
    return Table(tuple(items.values()), tuple(left.items()))


def find_inputs(names: Sequence[str | Path]) -> list[Path]:
    """Files from names of files, folders and patterns, each once, in the order given and sorted within.

    A folder that is a zarr store is an image. Folders and patterns leave out what this package wrote
    (``*_restored.ome.tif``, ``*_psf.ome.tif``, maps) and hidden files. No file is opened: `table_of` does that.

    Raises
    ------
    InputError
        For a name that does not exist, a folder without images or a pattern that fits none.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> for name in ("b.tif", "a.tif", "a_psf.ome.tif", "notes.txt"):
    ...     _ = (folder / name).write_text("")
    >>> [path.name for path in find_inputs([folder])]
    ['a.tif', 'b.tif']
    """
    found: dict[str, Path] = {}
    for name in names:
        for path, _ in _matches(Path(name), {}):
            found.setdefault(place_of(path), path)
    return list(found.values())


def _matches(name: Path, left: dict[Path, str]) -> list[tuple[Path, bool]]:
    """Paths that a name stands for, each with whether it was named itself; results by their names go to ``left``."""
    if _is_folder(name) and not _is_image(name):
        try:
            found = _ours_left_out(_without_pictures(name.iterdir(), left), left)
        except OSError as error:
            raise InputError(
                subject=f"folder {name}",
                value=f"cannot be read ({(error.strerror or 'unknown reason').lower()})",
                remedy="change its permissions, or give another folder",
            ) from error
        if not found:
            raise InputError(
                subject=f"folder {name}",
                value="holds no image that can be read",
                allowed=f"allowed are {', '.join(io.READERS)}",
                remedy="give another folder, or export the images in one of these formats",
            )
        return [(path, False) for path in found]
    if _exists(name) or not glob.has_magic(str(name)):
        return [(name, True)]
    found = _ours_left_out((Path(path) for path in glob.glob(str(name), recursive=True)), left)  # noqa: PTH207 - ** and roots
    if not found:
        raise InputError(
            subject=f"pattern {name}",
            value="fits no image",
            remedy="check it, and quote it so that the shell leaves it alone",
        )
    return [(path, False) for path in found]


def _without_pictures(paths: Iterable[Path], left: dict[Path, str]) -> Iterator[Path]:
    """All but PNG and JPEG, which in a folder of images are figures and thumbnails more often than data."""
    for path in paths:
        if path.name.lower().endswith(io.PICTURE_SUFFIXES):
            left[path] = "is a picture; name it, or give a pattern such as folder/*.png"
        else:
            yield path


def _ours_left_out(paths: Iterable[Path], left: dict[Path, str]) -> list[Path]:
    """What is called like an image, whatever it is, but no folder that is none; sorted."""
    found = []
    for path in sorted(paths):
        called = path.name.lower().endswith(tuple(io.READERS)) or _is_image(path)
        if not called or path.name.startswith(".") or (_is_folder(path) and not _is_image(path)):
            continue
        if path.name.endswith(OURS):
            left[path] = "is a result of this program by its name"
        else:
            found.append(path)
    return found


def _role(path: Path) -> str:
    """What a file that this package wrote says it is; nothing for other files."""
    header = attempted(lambda: io.header(path))
    if isinstance(header, Failure):
        return ""
    role = io.role_of(header.description)
    return role if role in _ROLES else ""


def _images(path: Path) -> list[Item]:
    found = attempted(lambda: io.images(path))
    return [Item(path)] if isinstance(found, Failure) else [Item(*one) for one in found]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _is_image(path: Path) -> bool:
    """Whether a folder is an image itself: a zarr store."""
    return _is_folder(path) and (path.name.lower().endswith(".zarr") or io.is_store(path))
