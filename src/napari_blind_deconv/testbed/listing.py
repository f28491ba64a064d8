"""Openly licensed movies and time-lapses that testbeds can be fitted to: a list, and local copies of what is on it.

Nothing is ever downloaded: ``listed.json`` says where to get a movie, under which licence, and what its files'
checksums are where they were computed from a copy; `open_listed` opens a copy in a folder of yours.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from annotated_types import Len
from pydantic import TypeAdapter

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, component, nearest

from .frames import FrameSource, open_local, sha256


@component
class ListedFile:
    """One file of a movie."""

    name: str
    """Its name, in the folder that `open_listed` is given."""
    sha256: str | None = None
    """Checksum, where it is known."""


@component
class Listed:
    """A movie on the list."""

    title: str
    """What it shows."""
    source: str
    """Where it is to be had."""
    doi: str | None
    """Of the data set, where one is known."""
    licence: str
    """As its source states it."""
    credit: str
    """Whom to name."""
    files: tuple[ListedFile, ...]
    """What `open_listed` opens, in the order of time; none where the source's files have to be converted first."""
    why_no_checksum: str | None = None
    """The reason, where checksums are missing."""
    axes: str | None = None
    """Letters of its axes, where the files do not name them."""
    pixel_um: Annotated[tuple[float, ...], Len(2, 3)] | None = None
    """Pixel size along (z,) y and x, where the source tells it and the files do not."""
    time_interval_s: float | None = None
    """From frame to frame, as above."""


@cache
def listed() -> Mapping[str, Listed]:
    """The list: names and what is known of the movies.

    Examples
    --------
    >>> listed()["bulk-water"].licence
    'BSD-3-Clause or CC BY 3.0'
    """
    text = resources.files(__package__).joinpath("listed.json").read_text(encoding="utf-8")
    return MappingProxyType(TypeAdapter(dict[str, Listed]).validate_python(json.loads(text)))


def open_listed(name: str, folder: str | Path) -> io.Source:
    """A movie of the list from a local copy, its checksums verified where they are known.

    Parameters
    ----------
    name
        On the list.
    folder
        Where its files lie.

    Raises
    ------
    InputError
        For names that are not on the list, files that are missing or are others, and movies that the list has no files
        of, with where to get them.
    """
    if name not in listed():
        raise InputError(
            subject="listed movie", value=f"{name!r} is not on the list", remedy=nearest(name, list(listed()))
        )
    movie = listed()[name]
    io.refuse_address(Path(folder))
    if not movie.files:
        raise InputError(
            subject=f"listed movie {name!r}",
            value="has no files that can be read directly",
            remedy=f"get it from {movie.source}, save frames as PNG or TIFF in a folder, and give that instead",
        )
    paths = [Path(folder) / file.name for file in movie.files]
    for file, path in zip(movie.files, paths, strict=True):
        _check(name, movie, file, path)
    known: dict[str, Any] = {"title": movie.title, "licence": movie.licence, "credit": movie.credit}
    if movie.time_interval_s is not None:
        known["time_interval_s"] = movie.time_interval_s
    source = FrameSource(paths) if len(paths) > 1 else open_local(paths[0], movie.axes)
    lengths = movie.pixel_um or source.voxel_size_um
    source.header = io.Header(source.shape, source.dtype, source.axes, lengths, {**source.description, **known})
    return source


def licence_of(checksums: Sequence[str]) -> str | None:
    """The licence of files of the list, all of one movie; ``None`` for others."""
    for movie in listed().values():
        known = {file.sha256 for file in movie.files} - {None}
        if checksums and set(checksums) <= known:
            return f"{movie.licence} ({movie.credit}, {movie.source})"
    return None


def _check(name: str, movie: Listed, file: ListedFile, path: Path) -> None:
    if not path.is_file():
        raise InputError(
            subject=f"file {path}",
            value=f"of the listed movie {name!r} is missing",
            remedy=f"get it from {movie.source}",
        )
    if file.sha256 is not None and sha256(path) != file.sha256:
        raise InputError(
            subject=f"file {path}",
            value=f"differs from that of the listed movie {name!r}: its SHA-256 differs",
            remedy=f"get it again from {movie.source}, or give its folder as any other movie's",
        )
