"""OME-TIFF and OME-Zarr → layers with voxel size, units, axes, look and how they were made.

napari's own reader drops all of these, and stays the usual one for other TIFFs: this one offers itself for names that
end in ``.ome.tif`` or ``.ome.tiff`` and for stores, and napari asks which to take.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from napari.utils.notifications import show_warning
from numpy.typing import NDArray

from napari_blind_deconv import io
from napari_blind_deconv._napari.layer_record import RECORD, attributes_of
from napari_blind_deconv._napari.layers import FILE, PLUGIN
from napari_blind_deconv._napari.lazy_levels import Lazy, Levels
from napari_blind_deconv._napari.placing import LayerTuple, contrast, shown_lazily
from napari_blind_deconv._napari.provenance import notes_of
from napari_blind_deconv._types import InputError, whole

_MOST: Final = 100
_SUFFIXES: Final = (".ome.tif", ".ome.tiff", ".tif", ".tiff")

Reader = Callable[[str], list[LayerTuple]]


def get_reader(path: str | list[str]) -> Reader | None:
    """What reads a file or store; nothing for other files and folders, and for several that are to be one image.

    Examples
    --------
    >>> get_reader("picture.png") is None
    True
    """
    if not isinstance(path, str):
        return None
    given = Path(path)
    if given.name.lower().endswith(_SUFFIXES):
        return read_layers
    return read_layers if given.is_dir() and io.is_store(given) else None


def read_layers(path: str) -> list[LayerTuple]:
    """The layers of a file or store, one for every image, in the order in which they were saved.

    Raises
    ------
    InputError
        One sentence for what cannot be read, and for more images than a window shows.
    """
    file = Path(path)
    images = io.images(file)
    if len(images) > _MOST:
        raise InputError(
            subject=f"file {file}",
            value=f"holds {len(images)} images",
            allowed=f"of which at most {_MOST} are opened at once",
            remedy=f"open one of them, such as {images[0][0]}",
        )
    layers, said = [], []
    for image, number in images:
        layer, warnings = _layer(file, image, number)
        layers.append(layer)
        said += warnings
    for sentence in dict.fromkeys(said):
        show_warning(sentence)
    return layers


def layer_of(path: Path, image: int | None = None) -> LayerTuple:
    """The layer of one image, as of `io.open`; what is odd about its file is not said again."""
    return _layer(path, path, image)[0]


def _layer(file: Path, path: Path, number: int | None) -> tuple[LayerTuple, list[str]]:
    found = io.open(path, number) if number is not None else io.levels(path)[0]
    provenance = found.description.get("provenance")
    notes, said = notes_of(provenance, path)
    record = provenance.get(RECORD) if isinstance(provenance, dict) else None
    labels = isinstance(record, dict) and record.get("kind") == "labels" and found.dtype.kind in "iu"
    rgb = "S" in found.axes and found.shape[found.axes.index("S")] in {3, 4} and not labels
    axes = found.axes.replace("S", "") if rgb else found.axes
    attributes: dict[str, Any] = {"name": _name(found, file, path, number)} | _placed(found.header, axes)
    if not labels:
        attributes["rgb"] = rgb
    attributes |= attributes_of(record, len(axes), rgb=rgb, labels=labels)
    attributes["metadata"] = {PLUGIN: notes} if notes else {}
    if (path, number) != (file, None):
        attributes["metadata"][FILE] = {"path": str(path), "image": number}
    said = [*found.description.get("warnings", ()), *said]
    return _shown(found, path, attributes, "labels" if labels else "image"), said


def _shown(found: io.Source, path: Path, attributes: dict[str, Any], kind: str) -> LayerTuple:
    """Stores are read as they are looked at, files and colours at once."""
    if kind == "image" and not attributes["rgb"] and io.is_store(path):
        levels = Levels(Lazy(level) for level in io.levels(path))
        if "contrast_limits" not in attributes:
            attributes["contrast_limits"] = _limits(levels.glance())
        return shown_lazily(levels, attributes)
    data: NDArray[Any] = found.read()
    if kind == "labels":
        return data, attributes, kind
    if attributes["rgb"]:
        data = np.moveaxis(data, found.axes.index("S"), -1)
    elif "contrast_limits" not in attributes:
        attributes["contrast_limits"] = _limits(data)
    return data, attributes, kind


def _limits(seen: NDArray[Any]) -> tuple[float, float]:
    return contrast(np.nan_to_num(seen.astype(np.float64 if seen.dtype.itemsize > 4 else np.float32)))


def _name(found: io.Source, file: Path, path: Path, number: int | None) -> str:
    """The file's, and a number where it holds several; what the layer was called comes from its own record."""
    if number is not None:
        return f"{io.stem(file)} {number}"
    return io.stem(path)


def _placed(header: io.Header, axes: str) -> dict[str, Any]:
    """Scale, units and labels by the file; in µm where the voxels have lengths along all axes of space."""
    spatial = [letter for letter in "ZYX" if letter in axes]
    lengths = dict(zip(spatial, whole(header.voxel_size_um) or (), strict=False))
    interval = header.description.get("time_interval_s")
    steps = lengths | ({"T": interval} if interval and "T" in axes else {})
    units = {**dict.fromkeys(lengths, "micrometer"), **dict.fromkeys(["T"] * bool(interval), "second")}
    return {
        "scale": [float(steps.get(letter) or 1.0) for letter in axes],
        "units": [units.get(letter, "pixel") for letter in axes],
        "axis_labels": list(axes.lower()),
    }
