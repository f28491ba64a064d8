"""What an array's metadata promise, checked before anything is read or decoded for them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_blind_deconv._types import InputError

from .zarr_nodes import Node, damaged

_TYPES = frozenset(
    {"bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
    | {f"float{bits}" for bits in (16, 32, 64)}
)
# Some others run what a file says, such as "pickle", or hold text and objects.
_COMPRESSORS = frozenset({"blosc", "bz2", "gzip", "lz4", "zlib", "zstd"})
_OTHERS = frozenset({"adler32", "bytes", "crc32", "crc32c", "delta", "endian", "fletcher32", "shuffle", "transpose"})
_SHARDING = "sharding_indexed"
_LARGEST_CHUNK = 2**31  # bytes; chunks are decoded whole, and the most common codec ends there
_MOST_IN_SHARD = 2**22  # chunks; the index of a shard is read whole
_LONGEST = 2**62  # bytes of an image, so that products stay numbers of a machine


@dataclass(frozen=True)
class Facts:
    """What is certain of an array.

    Attributes
    ----------
    shape, dtype
        Of the array, in the machine's byte order.
    chunk
        What is decoded at once.
    largest_file
        Bytes that the file of a chunk or shard may have.
    first_key
        Pattern of the names that chunks, or the folders of chunks, have directly below the array.
    names
        Of its axes, where it gives them.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunk: tuple[int, ...]
    largest_file: int
    first_key: str
    names: tuple[str | None, ...] | None = None


def facts_of(node: Node) -> Facts:
    """The facts of an array.

    Raises
    ------
    InputError
        For a group, for metadata that make no array, and for chunks, types and codecs that are not read.
    """
    if node.kind != "array":
        raise damaged(node.subject, "a group where an array must be")
    shape = _sizes(node, node.metadata.get("shape"), "shape")
    if node.form == 2:
        dtype = _type_of_2(node)
        chunk = outer = _chunk(node, node.metadata.get("chunks"), shape)
        _check_codecs_of_2(node)
        names = node.attributes.get("_ARRAY_DIMENSIONS")
    else:
        dtype = _named_type(node, node.metadata.get("data_type"))
        outer = _chunk(node, _configuration(node.metadata.get("chunk_grid"), "regular", node).get("chunk_shape"), shape)
        chunk = _check_codecs(node, node.metadata.get("codecs"), outer)
        names = node.metadata.get("dimension_names")
        if node.metadata.get("storage_transformers"):
            raise damaged(node.subject, "storage transformers")
    first_key = _first_key(node)
    size = math.prod(chunk) * dtype.itemsize
    if size > _LARGEST_CHUNK:
        raise InputError(
            subject=node.subject,
            value=f"has chunks of {chunk}, {size / 1e9:.3g} GB each",
            allowed=f"more than {_LARGEST_CHUNK / 1e9:.1f} GB, and a chunk must be decoded as a whole",
            remedy="save it in smaller chunks",
        )
    if math.prod(shape) * dtype.itemsize > _LONGEST:
        raise damaged(node.subject, f"shape {shape}")
    # What cannot be compressed grows by a little, and a shard has an index.
    largest = 2 * max(math.prod(outer) * dtype.itemsize, 2**16) + 16 * math.prod(
        -(-o // c) for o, c in zip(outer, chunk, strict=True)
    )
    kept = None
    if isinstance(names, list) and len(names) == len(shape):
        kept = tuple(n if isinstance(n, str) else None for n in names)
    return Facts(shape, dtype, chunk, largest, first_key, kept)


def _sizes(node: Node, found: Any, name: str) -> tuple[int, ...]:
    if not isinstance(found, list) or not all(type(n) is int and n > 0 for n in found) or len(found) < 2:
        raise damaged(node.subject, f"{name} {_short(found)}")
    return tuple(found)


def _chunk(node: Node, found: Any, shape: Sequence[int]) -> tuple[int, ...]:
    chunk = _sizes(node, found, "chunks")
    if len(chunk) != len(shape):
        raise damaged(node.subject, f"chunks {chunk} for shape {tuple(shape)}")
    return chunk


def _named_type(node: Node, name: Any) -> np.dtype[Any]:
    if not isinstance(name, str) or name not in _TYPES:
        raise InputError(
            subject=node.subject,
            value=f"holds values of type {_short(name)}",
            allowed="which are not intensities",
            remedy="give an image of whole numbers or floats",
        )
    return np.dtype(name)


def _type_of_2(node: Node) -> np.dtype[Any]:
    text = node.metadata.get("dtype")
    # Python's own spelling: a sign of the byte order, a kind and a size; nothing else is handed on.
    plain = isinstance(text, str) and len(text) == 3 and text[0] in "<>|" and text[1] in "biuf" and text[2] in "1248"
    try:
        name = np.dtype(text).name if plain else text
    except TypeError:
        name = text
    return _named_type(node, name)


def _check_codecs_of_2(node: Node) -> None:
    filters = node.metadata.get("filters") or []
    if not isinstance(filters, list):
        raise damaged(node.subject, "filters that are no list")
    for codec in [*filters, *([node.metadata["compressor"]] if node.metadata.get("compressor") else [])]:
        _check_codec(node, codec.get("id") if isinstance(codec, dict) else codec)


def _check_codecs(node: Node, codecs: Any, outer: tuple[int, ...], depth: int = 0) -> tuple[int, ...]:
    """Refuse codecs that are not read; gives the chunk that is decoded at once."""
    if not isinstance(codecs, list) or not all(isinstance(codec, dict | str) for codec in codecs):
        raise damaged(node.subject, "codecs that are no list")
    names = [codec if isinstance(codec, str) else codec.get("name") for codec in codecs]
    if _SHARDING not in names:
        for name in names:
            _check_codec(node, name.removeprefix("numcodecs.") if isinstance(name, str) else name)
        return outer
    if depth > 1:
        raise damaged(node.subject, "shards within shards within shards")
    for name in names:
        if name != _SHARDING:
            _check_codec(node, name)
    found = _configuration(codecs[names.index(_SHARDING)], _SHARDING, node)
    chunk = _chunk(node, found.get("chunk_shape"), outer)
    _check_codecs(node, found.get("codecs"), chunk, depth + 1)
    _check_codecs(node, found.get("index_codecs", []), chunk, 2)
    count = math.prod(-(-o // c) for o, c in zip(outer, chunk, strict=True))
    if count > _MOST_IN_SHARD or any(o % c for o, c in zip(outer, chunk, strict=True)):
        raise damaged(node.subject, f"shards of {outer} in chunks of {chunk}")
    # Only a shard by itself is read in parts.
    return chunk if len(names) == 1 else outer


def _check_codec(node: Node, name: Any) -> None:
    if not isinstance(name, str) or name not in _COMPRESSORS | _OTHERS:
        raise InputError(
            subject=node.subject,
            value=f"is stored with the codec {_short(name)}",
            allowed=f"which is not read; allowed are {', '.join(sorted(_COMPRESSORS))}",
            remedy="save it with one of these",
        )


def _configuration(found: Any, name: str, node: Node) -> Mapping[str, Any]:
    if not isinstance(found, dict) or found.get("name") != name or not isinstance(found.get("configuration"), dict):
        raise damaged(node.subject, f"{_short(found)} where {name!r} must be")
    configuration: dict[str, Any] = found["configuration"]
    return configuration


def _first_key(node: Node) -> str:
    """Keys of chunks are names of files: nothing but numbers and what stands between them."""
    if node.form == 2:
        named: Any = "v2"
        separator = node.metadata.get("dimension_separator", ".")
    else:
        found = node.metadata.get("chunk_key_encoding")
        named = found.get("name") if isinstance(found, dict) else None
        configuration = (found.get("configuration") or {}) if isinstance(found, dict) else None
        usual = "/" if named == "default" else "."
        separator = configuration.get("separator", usual) if isinstance(configuration, dict) else None
    keys = {("v2", "."): r"\d+(\.\d+)*", ("v2", "/"): r"\d+", ("default", "."): r"c(\.\d+)+", ("default", "/"): "c"}
    for (name, between), pattern in keys.items():
        if (named, separator) == (name, between):
            return pattern
    raise damaged(node.subject, f"chunk keys {_short(named)} with {_short(separator)}")


def _short(found: Any) -> str:
    text = repr(found)
    return text if len(text) <= 60 else text[:57] + "..."
