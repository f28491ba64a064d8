"""A recipe → the widget "Blind deconvolution" as it stood when the run was started, and the same job."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from napari.layers import Image

from napari_blind_deconv._napari.axes_choice import PLANES
from napari_blind_deconv._napari.cropping import DrawnPart, cropped
from napari_blind_deconv._napari.job import Job
from napari_blind_deconv._napari.layer_choice import LayerChoice
from napari_blind_deconv._napari.recipe import Recipe
from napari_blind_deconv._types import InputError, VoxelSize

_CLOSE = 1e-9


def job_again(widget: Any, viewer: Any, recipe: Recipe, layer: Image) -> Job:
    """Choose the image, what its axes and voxels mean, the settings and the other layers, as the run had them.

    Returns
    -------
    Job
        What is to be run: where a part was restored, that part.

    Raises
    ------
    InputError
        Where the widget cannot be brought to that, such as for a mask that is gone: other pixels would come out.
    """
    if layer not in viewer.layers:
        viewer.add_layer(layer)
    widget.input.choose(layer)
    leading = recipe.axes.removesuffix("S").removesuffix("YX")
    for box, letter in zip(widget.input.axes.boxes, leading, strict=True):
        box.setCurrentIndex(box.findData(PLANES if letter == "Z" and recipe.planes else letter))
    if widget.input.voxel_size.isEnabled():
        lengths = recipe.voxel_size_um or ()
        widget.input.voxel_size.box.setText(", ".join("?" if one is None else repr(one) for one in lengths))
    widget.form.set_value(recipe.settings)
    choices = {"psf": widget.psf_choice, "leave_out": widget.masks.leave_out, "region": widget.masks.region}
    for name, choice in choices.items():
        _choose(choice, recipe.named.get(name), recipe.result)
    widget.input.channel.setCurrentIndex(0)
    job = replace(widget.job(), settings=recipe.settings, max_memory_gb=recipe.max_memory_gb)
    source = job.source
    if source.axes != recipe.axes or not _same(source.voxel_size_um, recipe.voxel_size_um):
        raise InputError(
            subject=f"“{recipe.result}”",
            value=f"was made with axes {recipe.axes} and voxels of {_words(recipe.voxel_size_um)}",
            allowed=f"but layer “{source.name}” has axes {source.axes} and {_words(source.voxel_size_um)}",
            remedy="set the layer's scale and units back",
        )
    if recipe.cut is None:
        return job
    part = cropped(source, recipe.cut, recipe.source)
    left_out, region = DrawnPart.of(job.leave_out, recipe.cut), DrawnPart.of(job.region, recipe.cut)
    return replace(job, source=part, leave_out=left_out, region=region)


def _choose(choice: LayerChoice, name: str | None, result: str) -> None:
    if name is None:
        choice.set_value(None)
        return
    found = next((layer for layer in choice.layers() if layer.name == name), None)
    if found is None:
        raise InputError(
            subject=f"layer “{name}”",
            value="is not among the layers",
            allowed=f"but “{result}” was made with it",
            remedy="open it, then run again",
        )
    choice.set_value(found)


def _same(first: VoxelSize | None, second: VoxelSize | None) -> bool:
    if first is None or second is None:
        return all(length is None for length in (*(first or ()), *(second or ())))
    return len(first) == len(second) and all(
        a is b if a is None or b is None else math.isclose(a, b, rel_tol=_CLOSE)
        for a, b in zip(first, second, strict=True)
    )


def _words(lengths: Sequence[float | None] | None) -> str:
    if not lengths:
        return "unknown size"
    return " × ".join("?" if length is None else f"{length:.6g}" for length in lengths) + " µm"
