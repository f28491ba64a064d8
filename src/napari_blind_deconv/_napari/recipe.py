"""How a layer was made, as its notes say it, and the image that it was made from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image, Layer

from napari_blind_deconv._napari.cropping import cropped
from napari_blind_deconv._napari.layers import FILE, PLUGIN, Source, pixels, source_of
from napari_blind_deconv._napari.reader import layer_of
from napari_blind_deconv._napari.used import NAMES, USED, used_of
from napari_blind_deconv._types import InputError, VoxelSize, finished
from napari_blind_deconv.failures import OTHER_PIXELS
from napari_blind_deconv.report import checksum_steps
from napari_blind_deconv.settings import Settings, settings_from_dict


@dataclass(frozen=True)
class Recipe:
    """What a layer's notes say of the run that made it.

    Attributes
    ----------
    result, source, layer
        Names of the layer, of the image that it was made from, and of the layer which that was, or a part of.
    settings
        As the run had them, its seed among them.
    axes, voxel_size_um, shape, sha256
        Of the image, as the run understood it.
    path, image
        Its file, if it had one, and which image of that.
    cut
        Which part of its layer the image was; ``None``: all of it.
    named
        Layers that the run was given as well, by what they were for.
    max_memory_gb
        As of `Job`.
    """

    result: str
    source: str
    layer: str
    settings: Settings
    axes: str
    voxel_size_um: VoxelSize | None
    shape: tuple[int, ...]
    sha256: str
    path: str | None
    image: int | None
    cut: tuple[slice, ...] | None
    named: Mapping[str, str]
    max_memory_gb: float | None

    @property
    def planes(self) -> bool:
        """Whether z counts planes."""
        return self.settings.planes

    def is_made_from(self, source: Source) -> bool:
        """Whether these are the pixels; lazy ones are computed for it, a part at a time."""
        if source.shape != self.shape:
            return False
        return finished(checksum_steps(source.lazily().read, self.shape)) == self.sha256

    def fits(self, layer: Image) -> bool:
        """Whether a layer has as many axes and pixels, or holds the part."""
        shape = tuple(int(n) for n in np.shape(pixels(layer)))
        shape = (*shape[:-1], 3) if layer.rgb and shape[-1] == 4 else shape
        if len(shape) != len(self.axes) or layer.rgb != self.axes.endswith("S"):
            return False
        return (
            shape == self.shape if self.cut is None else all(c.stop <= n for c, n in zip(self.cut, shape, strict=True))
        )

    def source_in(self, layer: Image) -> Source:
        """The image in a layer, understood as the run understood it."""
        whole = source_of(layer, self.axes, self.voxel_size_um, planes=self.planes)
        return whole if self.cut is None else cropped(whole, self.cut, self.source)


def recipe_of(layer: Layer) -> Recipe:
    """How a layer was made.

    Raises
    ------
    InputError
        For a layer that does not say it, or not in a way that can be right.
    """
    notes = layer.metadata.get(PLUGIN)
    notes = notes if isinstance(notes, dict) else {}
    report = notes.get("report")
    given = report.get("input") if isinstance(report, dict) else notes.get("input")
    if not isinstance(notes.get("settings"), dict) or not isinstance(given, dict):
        raise InputError(
            subject=f"layer “{layer.name}”",
            value="does not say how it was made",
            remedy="choose a result of this plugin, or one that was opened with its reader",
        )
    used = used_of(notes.get(USED))
    shape, lengths = given.get("shape"), given.get("voxel_size_um")
    axes = used.get("axes", given.get("axes"))
    fine = isinstance(shape, list) and all(type(n) is int and n > 0 for n in shape)
    if not fine or not isinstance(axes, str) or len(axes) != len(shape or ()):
        raise InputError(
            subject=f"layer “{layer.name}”",
            value="says of what shape and axes its image was in a way that cannot be right",
            remedy="choose the settings by hand",
        )
    path = used.get("path", given.get("path"))
    return Recipe(
        layer.name,
        str(notes.get("source", "")),
        used.get("layer") or str(notes.get("source", "")),
        settings_from_dict(notes["settings"]),
        axes,
        tuple(lengths) if isinstance(lengths, list) else None,
        tuple(shape or ()),
        str(given.get("sha256", "")),
        path if isinstance(path, str) else None,
        used.get("image"),
        _cut(used, len(axes)),
        {name: used[name] for name in NAMES if name in used},
        used.get("max_memory_gb"),
    )


def _cut(used: Mapping[str, Any], count: int) -> tuple[slice, ...] | None:
    cut = used.get("cut", ())
    return tuple(slice(*part) for part in cut) if len(cut) == count else None


def found_source(recipe: Recipe, layers: Iterable[Layer]) -> Image:
    """The layer that a result was made from, by its pixels; else its file, opened anew as a layer of its own.

    Raises
    ------
    InputError
        Where neither is there, or the file holds other pixels by now.
    """
    images = [layer for layer in layers if isinstance(layer, Image) and layer.name != recipe.result]
    fitting = [layer for layer in images if recipe.fits(layer)]
    for layer in sorted(fitting, key=lambda one: one.name != recipe.layer):
        if recipe.is_made_from(recipe.source_in(layer)):
            return layer
    if recipe.path is None or not Path(recipe.path).exists():
        changed = any(layer.name == recipe.layer for layer in images)
        raise InputError(
            subject=f"image “{recipe.layer}”",
            value=OTHER_PIXELS if changed else "is not among the layers",
            allowed="and its file is not there either" if recipe.path else "and was no file",
            remedy="open it, then run again",
        )
    return _opened(recipe, Path(recipe.path))


def _opened(recipe: Recipe, path: Path) -> Image:
    data, attributes, kind = layer_of(path, recipe.image)
    layer = Layer.create(data, attributes, kind)
    layer.metadata[FILE] = {"path": str(path), "image": recipe.image}
    if not isinstance(layer, Image) or not recipe.fits(layer) or not recipe.is_made_from(recipe.source_in(layer)):
        raise _another(recipe, path)
    if recipe.layer:
        layer.name = recipe.layer
    return layer


def _another(recipe: Recipe, path: Path) -> InputError:
    return InputError(
        subject=f"file {path}",
        value=OTHER_PIXELS,
        remedy=f"open the one that “{recipe.result}” was made from, then run again",
    )
