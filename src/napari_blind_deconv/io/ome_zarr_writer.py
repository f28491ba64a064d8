"""OME-Zarr 0.5 and 0.4 out, with coarser levels. The library is imported on first use."""

import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError

from .json_file import to_json
from .ome_zarr import PROVENANCE
from .omero import written
from .pyramid import factors, means
from .regions import Region, checked_region, tiles
from .source import Sink
from .volume import SPATIAL, Header

if TYPE_CHECKING:
    import zarr

_MOST_AXES = 5
_PIECE = 4 * 2**20  # bytes; the library encodes all chunks of a piece at once
_CHUNK: Mapping[int, tuple[int, ...]] = {2: (512, 512), 3: (16, 256, 256)}
_TYPES: Mapping[str, str] = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}


class ZarrSink(Sink):
    """An OME-Zarr image whose chunks are written as its regions come; coarser levels follow when all are there.

    Parameters
    ----------
    path
        Folder to make; `napari_blind_deconv.io.atomic` gives it its name once it is complete.
    header
        Shape, type, axes, voxel size; of the description channels and time interval.
    metadata
        How the image is made, JSON-able.
    version
        Of OME-Zarr: 0.5 is zarr 3, 0.4 is zarr 2.

    Raises
    ------
    InputError
        For axes and types that OME-Zarr does not have.
    """

    def __init__(
        self, path: Path, header: Header, metadata: Mapping[str, Any], version: Literal["0.4", "0.5"] = "0.5"
    ) -> None:
        super().__init__()
        self.header, self._path, self._version = header, path, version
        self._recorded = dict(metadata)
        _check(header)
        self._order = _order(header.axes)
        self._axes = "".join(header.axes[i] for i in self._order)
        shape = tuple(header.shape[i] for i in self._order)
        self._factors = factors(shape, self._axes, header.voxel_size_um)
        self._chunk = _chunk(shape, self._axes)
        self.grain = tuple(self._chunk[self._order.index(i)] for i in range(len(shape)))
        self._lock = threading.Lock()
        self._levels = [self._made(str(i), shape, factor) for i, factor in enumerate(self._factors)]

    def _made(self, name: str, shape: tuple[int, ...], factor: tuple[int, ...]) -> "zarr.Array[Any]":
        import numcodecs
        import zarr
        from zarr.codecs import BloscCodec
        from zarr.storage import LocalStore

        three = self._version == "0.5"
        smaller = tuple(-(-n // f) for n, f in zip(shape, factor, strict=True))
        options: dict[str, Any] = (
            {"compressors": BloscCodec(cname="zstd", clevel=3), "dimension_names": list(self._axes.lower())}
            if three
            else {"compressors": numcodecs.Blosc(cname="zstd", clevel=3)}
        )
        return zarr.create_array(
            LocalStore(self._path),
            name=name,
            shape=smaller,
            dtype=self.dtype,
            chunks=tuple(min(c, n) for c, n in zip(self._chunk, smaller, strict=True)),
            chunk_key_encoding={"name": "default" if three else "v2", "separator": "/"},
            fill_value=0,
            zarr_format=3 if three else 2,
            **options,
        )

    def _write(self, region: Region, values: NDArray[Any]) -> None:
        stored, turned = tuple(region[i] for i in self._order), np.transpose(values, self._order)
        # Neighbouring regions may share a chunk, which is read, changed and written again.
        with self._lock:
            for piece in tiles(stored, self._chunk, self.dtype.itemsize, _PIECE):
                place = tuple(slice(p.start - s.start, p.stop - s.start) for p, s in zip(piece, stored, strict=True))
                self._levels[0][piece] = turned[place].astype(self.dtype, copy=False)

    def _read(self, region: Region) -> NDArray[Any]:
        stored = tuple(region[i] for i in self._order)
        with self._lock:
            found = np.asarray(self._levels[0][stored])
        return np.transpose(found, np.argsort(self._order))

    def _complete(self) -> Iterator[None]:
        steps = [
            tuple(b // a for a, b in zip(fine, coarse, strict=True))
            for fine, coarse in itertools.pairwise(self._factors)
        ]
        for (fine, coarse), step in zip(itertools.pairwise(self._levels), steps, strict=True):
            for piece in tiles(checked_region(None, coarse.shape), coarse.chunks, self.dtype.itemsize, most=1):
                above = tuple(
                    slice(s.start * k, min(s.stop * k, n)) for s, k, n in zip(piece, step, fine.shape, strict=True)
                )
                coarse[piece] = means(np.asarray(fine[above]), step)
                yield
        self._write_metadata()

    def _write_metadata(self) -> None:
        from yaozarrs import v04, v05

        multiscale = self._multiscale()
        image = {"multiscales": [multiscale], "omero": {"channels": self._channels()}}
        own = {PROVENANCE: {"axes": self._axes, "provenance": self._recorded}}
        if self._version == "0.5":
            ome = v05.Image.model_validate({"version": "0.5", **image}).model_dump(mode="json", exclude_none=True)
            group = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome, **own}}
            self._put("zarr.json", group)
        else:
            multiscale["version"] = "0.4"
            ome = v04.Image.model_validate(image).model_dump(mode="json", exclude_none=True)
            self._put(".zattrs", {**ome, **own})
            self._put(".zgroup", {"zarr_format": 2})

    def _put(self, name: str, content: Mapping[str, Any]) -> None:
        (self._path / name).write_text(to_json(content), encoding="utf-8")

    def _multiscale(self) -> dict[str, Any]:
        sizes = self._sizes()
        axes: list[dict[str, str]] = []
        for letter in self._axes:
            axis = {"name": letter.lower()}
            kind = _TYPES.get(letter) or ("channel" if letter == "S" and "C" not in self._axes else None)
            axis |= {"type": kind} if kind else {}
            if letter in sizes:
                axis["unit"] = "second" if letter == "T" else "micrometer"
            axes.append(axis)
        datasets = []
        for i, factor in enumerate(self._factors):
            scale = [sizes.get(a, 1.0) * f for a, f in zip(self._axes, factor, strict=True)]
            # The middle of a coarser pixel is that of the pixels it is the mean of.
            shift = [
                start + sizes.get(a, 1.0) * (f - 1) / 2
                for a, f, start in zip(self._axes, factor, self._origin(), strict=True)
            ]
            moved: list[dict[str, Any]] = [{"type": "translation", "translation": shift}] if any(shift) else []
            transformations = [{"type": "scale", "scale": scale}, *moved]
            datasets.append({"path": str(i), "coordinateTransformations": transformations})
        name = str(self.header.description.get("name", "image"))
        return {"name": name, "axes": axes, "datasets": datasets, "type": "local mean"}

    def _sizes(self) -> dict[str, float]:
        """Steps along the axes that have one, in µm and seconds."""
        spatial = [letter for letter in SPATIAL if letter in self._axes]
        lengths = zip(spatial, self.header.voxel_size_um or (), strict=False)
        sizes = {axis: float(size) for axis, size in lengths if size is not None}
        interval = self.header.description.get("time_interval_s")
        if "T" in self._axes and interval:
            sizes["T"] = float(interval)
        return sizes

    def _origin(self) -> list[float]:
        """Where the first pixel lies, along the axes of which that is known."""
        known = self.header.description.get("origin_um", {})
        return [float(known.get(axis, 0.0)) for axis in self._axes]

    def _channels(self) -> list[dict[str, Any]]:
        """How channels are shown, by the coarsest level where the file that the image came from does not say."""
        axis = next((self._axes.index(letter) for letter in "CS" if letter in self._axes), None)
        coarsest = self._levels[-1]
        count = 1 if axis is None else coarsest.shape[axis]
        ranges = [(np.inf, -np.inf)] * count
        for piece in tiles(checked_region(None, coarsest.shape), coarsest.chunks, self.dtype.itemsize, _PIECE):
            values = np.asarray(coarsest[piece]).astype(np.float64)
            for i in range(count) if axis is None else range(piece[axis].start, piece[axis].stop):
                own = values if axis is None else np.take(values, i - piece[axis].start, axis)
                seen = own[np.isfinite(own)]
                if seen.size:
                    ranges[i] = min(ranges[i][0], float(seen.min())), max(ranges[i][1], float(seen.max()))
        known = [(low, high) if low <= high else (0.0, 1.0) for low, high in ranges]
        return written(self.header.description, count, known, colours="S" in self._axes)


def _check(header: Header) -> None:
    axes = header.axes
    if header.dtype.kind not in "biuf" or len(header.shape) != len(axes) or not {"Y", "X"} <= set(axes):
        raise InputError(
            subject=f"an array of type {header.dtype}, shape {header.shape} and axes {axes!r}",
            allowed="is no image",
            remedy="give real numbers and one letter per axis, Y and X among them",
        )
    others = [letter for letter in axes if letter not in "TZYX"]
    if len(axes) > _MOST_AXES or len(others) > 1 or len(set(axes)) < len(axes):
        raise InputError(
            subject="axes",
            value=repr(axes),
            allowed="cannot all be stored in OME-Zarr, which has t, one of channels or another, z, y and x",
            remedy="save fewer of them in one file",
        )


def _order(axes: str) -> list[int]:
    """The order that OME-Zarr has: time, channels or another axis, space."""
    return sorted(range(len(axes)), key=lambda i: "T?ZYX".find(axes[i]) if axes[i] in "TZYX" else 1)


def _chunk(shape: Sequence[int], axes: str) -> tuple[int, ...]:
    """A chunk of some MB: one time point and channel, a part of space."""
    spatial = [letter for letter in SPATIAL if letter in axes]
    longest = dict(zip(spatial, _CHUNK[len(spatial)], strict=True))
    return tuple(min(n, longest.get(axis, 1)) for axis, n in zip(axes, shape, strict=True))
