"""Layer → what the pipeline takes: pixels, axes and voxel size, captured when a run starts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, VoxelSize, whole

PLUGIN: Final = "napari-blind-deconv"
"""Key under which results keep their settings and report in a layer's metadata."""

FILE: Final = "napari-blind-deconv/file"
"""Key under which a layer keeps its own image, where its file holds several."""

_LETTERS: Final = MappingProxyType(
    {"z": "Z", "depth": "Z", "plane": "Z", "t": "T", "time": "T", "frame": "T", "c": "C", "ch": "C", "channel": "C"}
)
_FEW_CHANNELS: Final = 4


@dataclass(frozen=True)
class Placement:
    """Where a layer lies in the world, and how it is shown."""

    scale: NDArray[np.float64]
    translate: NDArray[np.float64]
    rotate: NDArray[np.float64]
    shear: NDArray[np.float64]
    affine: NDArray[np.float64]
    units: tuple[Any, ...]
    axis_labels: tuple[str, ...]
    colormap: Any

    @classmethod
    def of(cls, layer: Image, axes: str) -> "Placement":
        """The placement of an image layer; axes without a name of their own get the letters of ``axes``."""
        labels = tuple(layer.axis_labels)
        if all(label.startswith("-") for label in labels):
            labels = tuple(axes.replace("S", "").lower())
        return cls(
            scale=np.array(layer.scale),
            translate=np.array(layer.translate),
            rotate=np.array(layer.rotate),
            shear=np.array(layer.shear),
            affine=np.array(layer.affine.affine_matrix),
            units=tuple(layer.units),
            axis_labels=labels,
            colormap=layer.colormap,
        )


@dataclass(frozen=True)
class Source:
    """An image layer as the pipeline takes it.

    Attributes
    ----------
    data
        The pixels; perhaps lazy, and then computed by `load`.
    axes
        One letter per axis of ``data``.
    voxel_size_um
        One length per spatial axis in the order z, y, x; ``None`` if unknown, or along an axis where it is.
    planes
        Whether z counts planes that share one PSF rather than depth.
    path, image
        Its file, and which image that is of several in it.
    cut
        Where ``data`` lie in the layer, one range per axis; ``None``: they are all of it.
    whole_shape, layer
        Shape and name of the layer, where ``data`` are a part of it.
    """

    name: str
    data: Any
    axes: str
    voxel_size_um: VoxelSize | None
    placement: Placement = field(repr=False)
    planes: bool = False
    path: str | None = None
    image: int | None = None
    cut: tuple[slice, ...] | None = None
    whole_shape: tuple[int, ...] = ()
    layer: str = ""

    @property
    def has_lengths(self) -> bool:
        """Whether the voxel size is known along every axis of the PSF: planes have one without z."""
        return whole((self.voxel_size_um or ())[1 if self.planes and "Z" in self.axes else 0 :]) is not None

    @property
    def has_alpha(self) -> bool:
        """Whether the last axis holds red, green, blue and opacity."""
        return self.axes.endswith("S") and self.data.shape[-1] == 4

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the pixels, without opacity."""
        return (*self.data.shape[:-1], 3) if self.has_alpha else tuple(self.data.shape)

    def unread(self) -> Any:
        """The pixels without opacity; lazy ones are not computed yet."""
        return self.data[..., :3] if self.has_alpha else self.data

    def load(self) -> NDArray[Any]:
        """The pixels in memory, without opacity; to be called off the main thread."""
        return np.asarray(self.unread())

    def lazily(self) -> io.Source:
        """The pixels region by region, without opacity; of dask and zarr no more is computed than a region needs."""
        whole = io.ArraySource(self.data, self.axes, self.voxel_size_um)
        if not self.has_alpha:
            return whole
        return whole.part((*(slice(None) for _ in whole.shape[:-1]), slice(0, 3)))


def source_of(layer: Image, axes: str, voxel_size_um: Sequence[float | None] | None, *, planes: bool) -> Source:
    """Capture a layer, with the axes and the voxel size that were agreed on."""
    file = file_of(layer)
    return Source(
        name=layer.name,
        data=pixels(layer),
        axes=axes,
        voxel_size_um=None if voxel_size_um is None else tuple(voxel_size_um),
        placement=Placement.of(layer, axes),
        planes=planes,
        path=None if file is None else str(file[0]),
        image=None if file is None else file[1],
    )


def pixels(layer: Image) -> Any:
    """The layer's array; of several resolution levels the finest."""
    return layer.data[0] if layer.multiscale else layer.data


def leading_axes(layer: Image) -> str:
    """A letter for every axis before y and x: from the layer's labels, else from its file, else by shape."""
    shape = pixels(layer).shape[: layer.ndim - 2]
    labelled = "".join(_LETTERS.get(label.lower().rstrip("s"), "?") for label in layer.axis_labels[:-2])
    if "?" not in labelled and len(set(labelled)) == len(labelled):
        return labelled
    recorded, _ = recorded_in_file(layer)
    if recorded is not None:
        return recorded
    return _guess(shape)


def _guess(shape: Sequence[int]) -> str:
    """Unnamed axes: the last one is depth; of those before it a short one is channels, the next one time."""
    if not shape:
        return ""
    before = ""
    for n in reversed(shape[:-1]):
        short = n <= _FEW_CHANNELS and "C" not in before
        before = ("C" if short else "T" if "T" not in before else "P") + before
    return before + "Z"


def file_of(layer: Image) -> tuple[Path, int | None] | None:
    """The file that a layer was opened from, and which of its images, where it has several; as `io.open` takes them."""
    own = layer.metadata.get(FILE)
    if isinstance(own, dict):
        return Path(own["path"]), own["image"]
    return (Path(layer.source.path), None) if layer.source.path else None


def recorded_in_file(layer: Image) -> tuple[str | None, VoxelSize | None]:
    """Leading axes and voxel size as the layer's file has them: napari's own reader drops both.

    Nothing is said where the file is no longer there, of another format, or holds another shape than the layer shows.
    """
    file = file_of(layer)
    if file is None:
        return None, None
    try:
        header = io.header(file[0]) if file[1] is None else io.open(*file).header
    except InputError:
        return None, None
    axes = header.axes.removesuffix("S")
    if header.shape != tuple(pixels(layer).shape) or not axes.endswith("YX"):
        return None, None
    return axes[:-2], header.voxel_size_um


def voxel_size(layer: Image, axes: str) -> tuple[VoxelSize | None, str]:
    """Voxel size in µm of the spatial axes, and its origin: ``layer``, ``run``, ``file``, ``scale`` or nothing.

    A layer without units but with a scale is taken to be in µm, as readers did before layers had units.
    """
    spatial = [i for i, letter in enumerate(axes.replace("S", "")) if letter in "ZYX"]
    units = [layer.units[i] for i in spatial]
    if all(unit.is_compatible_with("micrometer") for unit in units):
        lengths = [float((1 * unit).to("micrometer").magnitude) for unit in units]
        return tuple(float(layer.scale[i]) * length for i, length in zip(spatial, lengths, strict=True)), "layer"
    made = layer.metadata.get(PLUGIN, {}).get("voxel_size_um") if role_of(layer) else None
    if made and len(made) >= len(spatial):
        # A PSF of planes lacks the z of its source.
        return tuple(made[len(made) - len(spatial) :]), "run"
    _, recorded = recorded_in_file(layer)
    if recorded is not None and len(recorded) == len(spatial):
        return recorded, "file"
    if any(layer.scale[i] != 1 for i in spatial):
        return tuple(float(layer.scale[i]) for i in spatial), "scale"
    return None, ""


def shape_in_words(shape: Sequence[int]) -> str:
    """``40 × 128 × 128``."""
    return " × ".join(str(n) for n in shape)


def role_of(layer: Image) -> str:
    """What this plugin made of a layer: ``restored``, ``psf``, ``preview``, ``truth`` …; empty for other layers."""
    notes = layer.metadata.get(PLUGIN, {})
    return str(notes.get("role", "")) if isinstance(notes, dict) else ""
