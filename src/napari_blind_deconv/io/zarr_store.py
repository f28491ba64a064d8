"""Chunks of zarr arrays, read from a folder that may not be what it seems. The library is imported on first use."""

import asyncio
import lzma
import os
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError

from .regions import Region, lengths, tiles
from .source import Source
from .volume import Header
from .zarr_facts import Facts, facts_of
from .zarr_nodes import Node, node_at

if TYPE_CHECKING:
    import zarr

# What codecs and the library raise on stores that lie about themselves.
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    zlib.error,
)
_METADATA = ("zarr.json", ".zarray", ".zattrs", ".zgroup")
_PIECE = 4 * 2**20  # bytes; the library decodes all chunks of a piece at once
_CHUNK = re.compile(r"c|(c\.)?\d+(\.\d+)*")  # the first part of a chunk's name, in all of their forms


class ZarrSource(Source):
    """An array of a store, its chunks decoded as regions ask for them; one that is missing holds the fill value.

    Parameters
    ----------
    image
        Folder that the user named.
    array
        Folder of the array, the same or one within.
    chunk
        What is decoded at once.
    header
        What it is said to be.
    """

    def __init__(self, image: Path, array: Path, chunk: tuple[int, ...], header: Header) -> None:
        self.path, self.header, self._folder, self._chunk = image, header, array, chunk
        self._array: zarr.Array[Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Without the open store; also for another working folder."""
        return ZarrSource, ((self.path or self._folder).absolute(), self._folder.absolute(), self._chunk, self.header)

    @property
    def grain(self) -> tuple[int, ...]:
        """A chunk's lengths."""
        return self._chunk

    def _read(self, region: Region) -> NDArray[Any]:
        with worded(self._subject):
            if self._array is None:
                self._array = _opened(self._folder)
            values = np.empty(lengths(region), self.dtype)
            for piece in tiles(region, self._chunk, self.dtype.itemsize, _PIECE):
                place = tuple(slice(p.start - r.start, p.stop - r.start) for p, r in zip(piece, region, strict=True))
                values[place] = self._array[piece]
        return values


@contextmanager
def worded(subject: str) -> Iterator[None]:
    """Whatever the system, codecs and the library raise, as one sentence."""
    try:
        yield
    except InputError:
        raise
    except PermissionError as error:
        raise InputError(
            subject=subject, value="cannot be read", allowed="permission denied", remedy="change its permissions"
        ) from error
    except MemoryError as error:
        raise InputError(
            subject=subject, value="does not fit into memory", remedy="crop it, or use a machine with more"
        ) from error
    except _DAMAGE as error:
        detail = " ".join(str(error).split())[:120]
        raise InputError(
            subject=subject,
            value="holds an array that cannot be read" + (f" ({detail})" if detail else ""),
            remedy="copy it again or export it again",
        ) from error


def _opened(folder: Path) -> "zarr.Array[Any]":
    import zarr

    node = node_at(folder)
    store = _guarded(folder, facts_of(node))
    with warnings.catch_warnings():
        # About what other programs wrote, which nobody here can change.
        warnings.simplefilter("ignore", UserWarning)
        return zarr.open_array(store=store, mode="r", zarr_format=node.form)


def _guarded(folder: Path, facts: Facts) -> Any:
    """The folder as a store that reads regular files within it, and no larger ones than its chunks can have."""
    from zarr.storage import LocalStore

    root = folder.resolve()

    def check(key: str) -> None:
        path = root / key
        try:
            real = path.resolve()
            there = real.stat() if real.exists() else None
        except RuntimeError as error:
            raise _strange(path, "is a loop of links") from error
        if not real.is_relative_to(root):
            raise _strange(path, "is a link to a place outside the store")
        if there is not None and not real.is_file() and not real.is_dir():
            raise _strange(path, "is not a regular file")
        if there is not None and there.st_size > facts.largest_file and not key.endswith(_METADATA):
            raise _strange(path, f"has {there.st_size} bytes, more than a chunk can have")

    class Guarded(LocalStore):
        async def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
            await asyncio.to_thread(check, key)
            return await super().get(key, *args, **kwargs)

        def get_sync(self, key: str, **kwargs: Any) -> Any:
            check(key)
            return super().get_sync(key, **kwargs)

        async def get_partial_values(self, prototype: Any, key_ranges: Any) -> Any:
            ranges = list(key_ranges)
            for key, _ in ranges:
                check(key)
            return await super().get_partial_values(prototype, ranges)

    return Guarded(root, read_only=True)


def holds_chunks(node: Node, facts: Facts) -> bool:
    """Whether any chunk of an array is there.

    Raises
    ------
    InputError
        Where chunks are named otherwise than the metadata say: all of them would count as missing.
    """
    others = ""
    with os.scandir(node.path) as entries:
        for entry in entries:
            if re.fullmatch(facts.first_key, entry.name):
                return True
            if _CHUNK.fullmatch(entry.name):
                others = entry.name
    if others:
        raise InputError(
            subject=f"file {node.path}",
            value=f"holds chunks named like {others!r}",
            allowed="unlike its metadata",
            remedy="export it again",
        )
    return False


def _strange(path: Path, what: str) -> InputError:
    return InputError(subject=f"file {path}", value=what, remedy="copy the store again, or export it again")
