"""A result on the disk → layers, as a run in the window would have added them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from napari.utils.colormaps import AVAILABLE_COLORMAPS
from numpy.typing import NDArray

from napari_blind_deconv import io
from napari_blind_deconv._napari.batch_rows import Row
from napari_blind_deconv._napari.layers import PLUGIN, Placement, Source
from napari_blind_deconv._napari.lazy_levels import Lazy, Levels
from napari_blind_deconv._napari.placing import LayerTuple, contrast, placed, shown_lazily
from napari_blind_deconv._napari.refusals import refusal_on_screen
from napari_blind_deconv._napari.results import result_layers
from napari_blind_deconv._napari.run import Refusal
from napari_blind_deconv._types import InputError, Result
from napari_blind_deconv.batch.plan import MAPS, PSF, REPORT, RESTORED


@dataclass(frozen=True)
class Opened:
    """The layers of a result, from the bottom up."""

    layers: tuple[LayerTuple, ...]


def opened(row: Row) -> Opened | Refusal:
    """The image that went in, unless it has gone, and what came out; what lies in OME-Zarr is read as it is looked at.

    To be called in a thread.
    """
    try:
        return Opened(tuple(_layers(row)))
    except InputError as error:
        return Refusal(refusal_on_screen(error))


def _layers(row: Row) -> list[LayerTuple]:
    restored, psf, report = (_output(row, ending) for ending in (RESTORED, PSF, REPORT))
    if restored is None or psf is None or report is None:
        raise InputError(subject=f"file {row.path}", value="has no result any more", remedy="run it again")
    found = io.read_json(report)
    result = Result(_pixels(restored), io.read(psf).channels_first, found, _maps(row))
    source = _source(restored, result, row)
    before = _observed(row, source)
    layers = result_layers(before or source, result)
    return layers if before is None else [_observed_layer(before), *layers]


def _maps(row: Row) -> dict[str, Any]:
    paths = {name: _output(row, ending) for name, ending in MAPS.items()}
    return {name: _pixels(path) for name, path in paths.items() if path is not None}


def _output(row: Row, ending: str) -> Path | None:
    """The file whose name has this ending, whatever its format is."""
    stem = row.outputs[-1].name.removesuffix(REPORT) if row.outputs else ""
    return next((path for path in row.outputs if path.name.startswith(f"{stem}{ending}")), None)


def _pixels(path: Path) -> Any:
    """All of a file; of OME-Zarr only what is looked at, unless it is colours."""
    levels = io.levels(path)
    if "S" not in levels[0].axes and io.is_store(path):
        return Levels(Lazy(level) for level in levels)
    return _colours_last(levels[0])


def _colours_last(found: io.Source) -> NDArray[Any]:
    """All of an image, red, green and blue as the last axis, as napari has them; OME-Zarr has them first."""
    return np.moveaxis(found.read(), found.axes.index("S"), -1) if "S" in found.axes else found.read()


def _source(restored: Path, result: Result, row: Row) -> Source:
    """Where results lie: as the image that they were made of."""
    header, settings = io.header(restored), result.report.get("settings")
    planes = bool(settings.get("planes")) if isinstance(settings, Mapping) else False
    axes = header.axes.replace("S", "") + ("S" if "S" in header.axes else "")
    name = restored.name.partition(RESTORED)[0]
    pixels = result.image[0] if isinstance(result.image, Levels) else result.image
    return Source(name, pixels, axes, header.voxel_size_um, _placement(header), planes, str(row.path))


def _observed(row: Row, like: Source) -> Source | None:
    """The image that went in; nothing where it has gone, or is another one by now."""
    number = row.label.rpartition(", image ")[2]
    try:
        found = io.open(row.path, int(number) if number != row.label else None)
        pixels = Lazy(found) if "S" not in found.axes and io.is_store(row.path) else _colours_last(found)
    except InputError:
        return None
    if pixels.shape != tuple(like.data.shape):
        return None
    return Source(like.name, pixels, like.axes, like.voxel_size_um, like.placement, like.planes, like.path)


def _observed_layer(source: Source) -> LayerTuple:
    rgb = source.axes.endswith("S")
    attributes = placed(source.placement, len(source.axes) - rgb) | {"name": source.name, "rgb": rgb}
    attributes["metadata"] = {PLUGIN: {"role": "observed"}}
    if isinstance(source.data, Lazy):
        return shown_lazily(Levels([source.data]), attributes)
    if not rgb:
        attributes |= {"contrast_limits": contrast(source.data), "colormap": source.placement.colormap}
    return source.data, attributes, "image"


def _placement(header: io.Header) -> Placement:
    """At the origin of the world, in µm where voxels have lengths along all axes of space."""
    axes = header.axes.replace("S", "")
    n = len(axes)
    spatial = [letter for letter in "ZYX" if letter in axes]
    lengths = dict(zip(spatial, header.voxel_size_um or (), strict=False))
    known = bool(lengths) and None not in lengths.values()
    return Placement(
        scale=np.array([lengths.get(letter, 1.0) if known else 1.0 for letter in axes], float),
        translate=np.zeros(n),
        rotate=np.eye(n),
        shear=np.zeros(n * (n - 1) // 2),
        affine=np.eye(n + 1),
        units=tuple("micrometer" if known and letter in "ZYX" else "pixel" for letter in axes),
        axis_labels=tuple(axes.lower()),
        colormap=AVAILABLE_COLORMAPS["gray"],
    )
