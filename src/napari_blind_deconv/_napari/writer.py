"""Layers → OME-TIFF or OME-Zarr with voxel size, axes, look and how they were made: napari keeps none of these."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from napari.layers import Image, Labels, Layer
from napari.utils.notifications import show_warning

from napari_blind_deconv import io
from napari_blind_deconv._napari.layer_record import RECORD, recorded
from napari_blind_deconv._napari.layers import PLUGIN, leading_axes, pixels, voxel_size
from napari_blind_deconv._types import InputError

Form = Literal["ome-tiff", "ome-zarr"]
_TIFF: Final = "ome-tiff"
_ZARR: Final = "ome-zarr"
_SUFFIXES: Final = {_TIFF: (".ome.tif", ".ome.tiff", ".tif", ".tiff"), _ZARR: (".ome.zarr", ".zarr")}
_LARGEST_INTEGER: Final = {"int64": "int32", "uint64": "uint32"}

Saved = tuple[io.Source, dict[str, Any]]


def write_tiff(path: str, layers: Sequence[tuple[Any, dict[str, Any], str]]) -> list[str]:
    """Save layers as one OME-TIFF, an image each.

    Parameters
    ----------
    path
        File to write; ``.ome.tif`` is added where the name does not end so.
    layers
        Image and labels layers, as napari hands them to writers.

    Returns
    -------
    list of str
        The file written.

    Raises
    ------
    InputError
        If the folder is full or not writable, or a layer cannot be an image of such a file.
    """
    return _write(path, layers, _TIFF)


def write_zarr(path: str, layers: Sequence[tuple[Any, dict[str, Any], str]]) -> list[str]:
    """Save layers as one OME-Zarr store: an image, or a group of images; parameters and errors as of `write_tiff`."""
    return _write(path, layers, _ZARR)


def _write(path: str, layers: Sequence[tuple[Any, dict[str, Any], str]], form: Form) -> list[str]:
    target = _named(path, form)
    made = [Layer.create(*layer) for layer in layers]
    kept = [layer for layer in made if isinstance(layer, (Image, Labels))]
    if len(kept) < len(made):
        raise TypeError("expected image and labels layers")
    images = [_image(layer, form) for layer in kept]
    if len(images) == 1:
        io.save(target, *images[0], form)
    else:
        io.save_several(target, images, form)
    for sentence in _unseen(kept, form):
        show_warning(sentence)
    return [str(target)]


def _named(path: str, form: Form) -> Path:
    """The path with an end that says the format: a name typed into a dialog may have none."""
    given = Path(path)
    suffixes = _SUFFIXES[form]
    return given if given.name.lower().endswith(suffixes) else given.with_name(f"{given.name}{suffixes[0]}")


def _image(layer: Image | Labels, form: Form) -> Saved:
    """A layer as the source of a file, in its own type where the format has it, and what is recorded of it."""
    colours = isinstance(layer, Image) and layer.rgb
    axes = leading_axes(layer) + "YX" + ("S" if colours else "")
    lengths, _ = voxel_size(layer, axes)
    notes = layer.metadata.get(PLUGIN, {})
    made = dict(notes) if isinstance(notes, dict) else {}
    source = io.ArraySource(pixels(layer), axes, lengths, _description(layer, axes))
    return source.converted(_stored(source, layer.name, form)), {**made, RECORD: recorded(layer)}


def _stored(source: io.ArraySource, name: str, form: Form) -> np.dtype[Any]:
    """The type to store: OME-TIFF has no masks, no half floats and no integers of 64 bits."""
    dtype = source.dtype
    if form == _ZARR or dtype.name not in {"bool", "float16", *_LARGEST_INTEGER}:
        return dtype
    if dtype.kind in "iu":
        smaller = np.dtype(_LARGEST_INTEGER[dtype.name])
        if not _fits(source, smaller):
            raise InputError(
                subject=f"layer {name!r}",
                value=f"of type {dtype} has values that OME-TIFF cannot hold",
                remedy="save it with a name that ends in .ome.zarr",
            )
        return smaller
    return np.dtype(np.uint8 if dtype.kind == "b" else np.float32)


def _fits(source: io.ArraySource, dtype: np.dtype[Any]) -> bool:
    known = np.iinfo(dtype)
    whole = io.checked_region(None, source.shape)
    parts = (source.read(piece) for piece in io.tiles(whole, source.grain, source.dtype.itemsize))
    return all(known.min <= int(part.min()) and int(part.max()) <= known.max for part in parts)


def _description(layer: Image | Labels, axes: str) -> dict[str, Any]:
    """What other programs read of a layer: its name, place, colours and time step."""
    found: dict[str, Any] = {"name": layer.name, "origin_um": _origin(layer, axes)}
    time = axes.find("T")
    if time >= 0 and layer.units[time].is_compatible_with("second"):
        found["time_interval_s"] = float(layer.scale[time] * (1 * layer.units[time]).to("second").magnitude)
    if isinstance(layer, Image) and not layer.rgb and "C" not in axes:
        low, high = (float(n) for n in layer.contrast_limits)
        brightest = (np.asarray(layer.colormap.colors)[-1, :3] * 255).round().astype(int)
        found["channels"] = [
            {
                "label": layer.name,
                "color": "".join(f"{n:02X}" for n in brightest),
                "window": {"start": low, "end": high, "min": low, "max": high},
                "active": bool(layer.visible),
            }
        ]
    return found


def _origin(layer: Image | Labels, axes: str) -> dict[str, float]:
    """Where the first pixel lies in µm, along axes whose lengths are."""
    spatial = {i: letter for i, letter in enumerate(axes.replace("S", "")) if letter in "ZYX"}
    known = {letter: i for i, letter in spatial.items() if layer.units[i].is_compatible_with("micrometer")}
    return {
        letter: float(layer.translate[i] * (1 * layer.units[i]).to("micrometer").magnitude)
        for letter, i in known.items()
    }


def _unseen(layers: Iterable[Image | Labels], form: Form) -> list[str]:
    """What only this plugin reads back, and what the file does not have, a sentence each."""
    said = []
    for layer in layers:
        ndim = layer.ndim
        straight = np.allclose(layer.rotate, np.eye(ndim)) and not np.any(np.asarray(layer.shear))
        straight = straight and np.allclose(layer.affine.affine_matrix, np.eye(ndim + 1))
        moved = form == _TIFF and bool(np.any(layer.translate))
        lost = " and ".join(["its position"] * moved + ["its rotation, shear or affine"] * (not straight))
        if lost:
            said.append(f"“{layer.name}”: {lost} will be seen by this plugin only, not by other programs.")
        others = sorted(str(key) for key in layer.metadata if not str(key).startswith(PLUGIN))
        if others:
            said.append(f"“{layer.name}”: metadata of other plugins were not saved ({', '.join(others)[:100]}).")
        if isinstance(layer, Image) and layer.multiscale:
            said += [f"“{layer.name}”: its finest level was saved."] if form == _TIFF else []
    return said
