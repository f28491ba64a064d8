"""OME-TIFF out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_blind_deconv._types import InputError

from . import ome
from .json_file import to_json
from .volume import Volume


def write(path: Path, volume: Volume, metadata: Mapping[str, Any]) -> None:
    """Write an OME-TIFF in place; `napari_blind_deconv.io.write` is the one that is safe against interruption."""
    data, axes = _ordered(volume)
    lengths = zip(volume.spatial_axes, volume.voxel_size_um or (), strict=False)
    sizes = {axis: size for axis, size in lengths if size is not None}
    physical: dict[str, float | str] = {f"PhysicalSize{axis}": size for axis, size in sizes.items()}
    physical |= {f"PhysicalSize{axis}Unit": "µm" for axis in sizes}
    layout = {"axes": axes, "shape": list(data.shape)}
    record = {"Namespace": ome.NAMESPACE, "layout": to_json(layout)}
    record |= {key: to_json(value) for key, value in metadata.items()}
    samples = data.shape[axes.index("S")] if "S" in axes else 1
    if "S" in axes and samples == 1:
        # One sample is none for a TIFF; the layout remembers it.
        data, axes = data.squeeze(axes.index("S")), axes.replace("S", "")
    options: dict[str, Any] = {"photometric": "rgb" if samples in {3, 4} else "minisblack"}
    if "S" in axes:
        options["planarconfig"] = "contig" if axes.endswith("S") else "separate"
    if {"X", "Y"} <= set(sizes):
        options |= {"resolution": (1e4 / sizes["X"], 1e4 / sizes["Y"]), "resolutionunit": "CENTIMETER"}
    described = {"axes": _ome_axes(axes), **physical, **_kept(volume, samples), "MapAnnotation": record}
    tifffile.imwrite(path, data, ome=True, bigtiff=data.nbytes > 2**31, metadata=described, **options)


def _ordered(volume: Volume) -> tuple[np.ndarray[Any, np.dtype[np.float32]], str]:
    """The array as float32 with its axes in an order that OME-TIFF can have: planes, then perhaps samples, last."""
    axes = volume.axes
    if volume.data.dtype.kind not in "biuf" or volume.data.ndim != len(axes) or not {"Y", "X"} <= set(axes):
        raise InputError(
            subject=f"an array of type {volume.data.dtype}, shape {volume.data.shape} and axes {axes!r}",
            allowed="is no image",
            remedy="give real numbers and one letter per axis, Y and X among them",
        )
    data = np.asarray(volume.data, dtype=np.float32)
    if axes.endswith(("YX", "YXS")) and ("S" not in axes[:-1] or axes.endswith("SYX")):
        return data, axes
    order = sorted(range(len(axes)), key=lambda i: ("YXS".find(axes[i]), i))
    return np.transpose(data, order), "".join(axes[i] for i in order)


def _ome_axes(axes: str) -> str:
    """The axes by the letters that OME has; the others borrow one that is free, and the layout remembers them."""
    named = list(axes)
    for i, letter in enumerate(axes):
        if letter not in "TCZYXS":
            free = [other for other in "TZC" if other not in named]
            if not free:
                raise InputError(
                    subject="axes",
                    value=repr(axes),
                    allowed="cannot all be stored in OME-TIFF",
                    remedy="save fewer of them in one file",
                )
            named[i] = free[0]
    return "".join(named)


def _kept(volume: Volume, samples: int) -> dict[str, Any]:
    """Channel names and time interval of the file that the volume came from."""
    kept: dict[str, Any] = {}
    names = volume.description.get("channel_names")
    if "C" in volume.axes and samples == 1 and names and len(names) == volume.data.shape[volume.axes.index("C")]:
        kept["Channel"] = {"Name": list(names)}
    interval = volume.description.get("time_interval_s")
    if "T" in volume.axes and interval is not None:
        kept |= {"TimeIncrement": interval, "TimeIncrementUnit": "s"}
    return kept
