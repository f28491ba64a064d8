"""Local copies of images and movies; frames are often kept as pictures in files of their own."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError

_AT_ONCE = 1 << 20


class FrameSource(io.Source):
    """Frames in files of their own as one movie; one of them is in memory at a time.

    Parameters
    ----------
    paths
        Of the frames, in their order; all alike.
    description
        What else is known.

    Raises
    ------
    InputError
        For frames of different shapes.
    """

    def __init__(self, paths: Sequence[Path], description: dict[str, Any] | None = None) -> None:
        first = open_local(paths[0])
        self._paths = tuple(paths)
        shape = (len(self._paths), *first.shape)
        known = {**first.description, **(description or {})}
        self.header = io.Header(shape, first.dtype, "T" + first.axes, first.voxel_size_um, known)
        self.path = paths[0].parent

    def _read(self, region: tuple[slice, ...]) -> NDArray[Any]:
        frames = []
        for path in self._paths[region[0]]:
            frame = open_local(path)
            if (frame.shape, frame.dtype) != (self.shape[1:], self.dtype):
                raise InputError(
                    subject=f"file {path}",
                    value=f"has shape {frame.shape} and type {frame.dtype}",
                    allowed=f"but the first frame has {self.shape[1:]} and {self.dtype}",
                    remedy="leave it out",
                )
            frames.append(frame.read(region[1:]))
        return np.stack(frames)


def local_files(path: Path) -> list[Path]:
    """A file or store itself, or the images of a folder, in the order of their names.

    Raises
    ------
    InputError
        Where there are none.
    """
    io.refuse_address(path)
    if not path.is_dir() or io.is_store(path):
        return [path]
    ends = tuple(io.READERS)
    found = sorted(p for p in path.iterdir() if p.name.lower().endswith(ends) and not p.name.startswith("."))
    if not found:
        raise InputError(
            subject=f"folder {path}",
            value="holds no images",
            allowed=f"that are read: {', '.join(ends)}",
            remedy="give another folder, or a file",
        )
    return found


def open_local(path: Path, axes: str | None = None) -> io.Source:
    """An image by its path; of PNG and JPEG the colours are averaged and transparency is left out.

    Parameters
    ----------
    path
        File or store.
    axes
        Letters of its axes, where the file's own are not right.

    Raises
    ------
    InputError
        For what cannot be read, and for another number of axes than there are letters.
    """
    source = io.open(path)
    if path.name.lower().endswith(io.PICTURE_SUFFIXES):
        values = source.read().astype(np.float32)
        return io.ArraySource(values if values.ndim == 2 else values[..., :3].mean(-1), "YX")
    return _renamed(source, axes)


def _renamed(source: io.Source, axes: str | None) -> io.Source:
    if axes is None or axes == source.axes:
        return source
    if len(axes) != len(source.shape) or len(set(axes)) < len(axes) or not axes.isupper():
        raise InputError(
            subject="axes",
            value=repr(axes),
            allowed=f"must be one capital letter for each axis of {source.path}, which has shape {source.shape}",
            remedy="write for example TYX",
        )
    spatial = [letter for letter in "ZYX" if letter in source.axes]
    # Lengths stay with the axes that keep their names.
    lengths = dict(zip(spatial, source.voxel_size_um or (), strict=False))
    kept = tuple(lengths.get(letter) for letter in "ZYX" if letter in axes)
    size = kept if any(kept) else None
    source.header = replace(source.header, axes=axes, voxel_size_um=size)
    return source


def planes(source: io.Source, spatial: str) -> Iterator[io.Source]:
    """The images of given spatial axes that a source holds: one for each time, channel and so on.

    Raises
    ------
    InputError
        Where it lacks one of the axes.
    """
    yield from _parts(source, spatial)


def movies(source: io.Source, spatial: str) -> Iterator[io.Source]:
    """The movies of a source, one for each channel and so on; axes as `planes`, and T."""
    yield from _parts(source, "T" + spatial)


def values_of(source: io.Source, axes: str, most: Sequence[int]) -> NDArray[np.float32]:
    """The middle of an image, float32, in the order of ``axes``; of time the beginning.

    Colour samples are averaged, axes of which it has one plane are dropped.
    """
    region = []
    for letter, n in zip(source.axes, source.shape, strict=True):
        longest = most[axes.index(letter)] if letter in axes else n
        start = 0 if letter == "T" else max(0, (n - longest) // 2)
        region.append(slice(start, min(start + longest, n)))
    values, letters = source.read(region), source.axes
    if values.dtype.kind == "c":
        raise InputError(subject="image", value="is complex", remedy="give its magnitude")
    for letter in [letter for letter in letters if letter not in axes]:
        place = letters.index(letter)
        values, letters = values.mean(place), letters.replace(letter, "")
    found = np.transpose(values, [letters.index(letter) for letter in axes]).astype(np.float32)
    if not np.isfinite(found).all():
        raise InputError(
            subject="image" if source.path is None else f"file {source.path}",
            value="holds NaN or infinite values",
            remedy="fill or crop them",
        )
    return found


def sha256(path: Path) -> str | None:
    """Checksum of a file; ``None`` for a store, which is many."""
    if not path.is_file():
        return None
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_AT_ONCE):
            found.update(piece)
    return found.hexdigest()


def _parts(source: io.Source, wanted: str) -> Iterator[io.Source]:
    missing = [letter for letter in wanted if letter not in source.axes]
    if missing:
        raise InputError(
            subject="image" if source.path is None else f"file {source.path}",
            value=f"has axes {source.axes}",
            allowed=f"but needs {wanted}",
            remedy="give another file"
            + (", or frames as a folder of files" if missing == ["T"] else ", or another `size`"),
        )
    others = [i for i, letter in enumerate(source.axes) if letter not in wanted and letter != "S"]
    for index in np.ndindex(*(source.shape[i] for i in others)):
        region = [slice(None)] * len(source.shape)
        for axis, number in zip(others, index, strict=True):
            region[axis] = slice(number, number + 1)
        yield source.part(region)
