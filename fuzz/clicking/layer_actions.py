"""What people do with layers."""

from pathlib import Path
from typing import Any

import numpy as np

from fuzz.case import chance, pick
from fuzz.clicking.judge import idle
from fuzz.clicking.made import NAMES, add_made, scene
from fuzz.clicking.world import PLUGIN, World

MANY = 14  # layers, from which on some are removed


def open_sample(world: World) -> str:
    """One of the plugin's."""
    key = str(pick(world.rng, ["photograph", "fluorescence", "stack"]))
    world.viewer.open_sample(PLUGIN, key)
    return key


def add(world: World) -> str:
    """A layer of some kind; a crowded list is thinned out first."""
    while len(world.viewer.layers) > MANY:
        world.viewer.layers.pop(int(world.rng.integers(len(world.viewer.layers))))
        # napari makes its scene anew after each, which takes seconds where there are dozens of layers.
        idle(0.0)
    return add_made(world.rng, world.viewer)


def delete(world: World) -> str | None:
    """One layer, the selected ones, or all."""
    layers, rng = world.viewer.layers, world.rng
    if not layers:
        return None
    if chance(rng, 0.15):
        layers.clear()
        return "all"
    if chance(rng, 0.3) and layers.selection:
        layers.remove_selected()
        return "the selected ones"
    return str(layers.pop(int(rng.integers(len(layers)))).name)[:30]


def rename(world: World) -> str | None:
    """Any of them, also to a name that is taken."""
    layer = _any(world)
    if layer is None:
        return None
    layer.name = str(pick(world.rng, [*NAMES, *(other.name for other in world.viewer.layers)]))
    return ascii(layer.name)[:30]


def reorder(world: World) -> str | None:
    """Move one."""
    n = len(world.viewer.layers)
    if n < 2:
        return None
    source, target = (int(i) for i in world.rng.integers(n, size=2))
    world.viewer.layers.move(source, target)
    return f"{source} to {target}"


def select(world: World) -> str | None:
    """One, several, all or none."""
    layers, rng = world.viewer.layers, world.rng
    how = int(rng.integers(4))
    if how == 0:
        layers.selection.clear()
    elif how == 1:
        layers.select_all()
    elif layers:
        layers.selection.active = layers[int(rng.integers(len(layers)))]
    return f"{len(layers.selection)} of {len(layers)}"


def hide(world: World) -> str | None:
    """Hide or show one."""
    layer = _any(world)
    if layer is None:
        return None
    layer.visible = not layer.visible
    return f"{layer.name!a:.30} {'shown' if layer.visible else 'hidden'}"


def change(world: World) -> str | None:
    """Give a layer other pixels, another scale, unit, names of axes or contrast; paint on labels."""
    layer, rng = _any(world), world.rng
    if layer is None:
        return None
    how = str(pick(rng, ["data", "scale", "units", "axis_labels", "contrast", "metadata"]))
    if how == "data" and isinstance(layer.data, np.ndarray) and layer._type_string == "image" and not layer.rgb:
        layer.data = scene(rng, layer.data.shape) if chance(rng, 0.7) else scene(rng, (20, 24))
    elif how == "data" and layer._type_string == "labels":
        layer.paint(tuple(n // 2 for n in layer.data.shape), int(rng.integers(3)))
    elif how == "scale":
        layer.scale = tuple(pick(rng, [1.0, 0.1, 0.3, 2.5]) for _ in range(layer.ndim))
    elif how == "units":
        layer.units = pick(rng, ["um", "nm", "pixel", "mm"])
    elif how == "axis_labels":
        layer.axis_labels = tuple("ctzyx"[-layer.ndim :] if layer.ndim <= 5 else "abcdefgh"[: layer.ndim])
    elif how == "contrast" and layer._type_string == "image":
        layer.reset_contrast_limits()
    elif how == "metadata" and chance(rng, 0.3):
        layer.metadata = {PLUGIN: pick(rng, [{}, None, "x", {"role": "restored"}])}
    return f"{how} of {layer.name!a:.30}"


def duplicate(world: World) -> str | None:
    """As the layer list does."""
    if not world.viewer.layers.selection or len(world.viewer.layers) > MANY:
        return None
    from napari.layers._layer_actions import _duplicate_layer

    _duplicate_layer(world.viewer.layers)
    return f"{len(world.viewer.layers.selection)} layers"


def save(world: World) -> str | None:
    """One layer or the selected ones, by the plugin's writer or another one."""
    layers, rng = world.viewer.layers, world.rng
    if not layers:
        return None
    ending = str(pick(rng, [".ome.tif", ".ome.tif", ".ome.zarr", ".tif", ""]))
    path = world.folder / f"saved{len(world.files)}{ending}"
    plugin = PLUGIN if ".ome" in ending else None
    if chance(rng, 0.4):
        written = layers.save(str(path), selected=True, plugin=plugin)
    else:
        written = _any(world).save(str(path), plugin=plugin)
    world.files += [str(name) for name in written or () if Path(name).exists()]
    return f"{path.name}: {len(written or ())} files"


def open_again(world: World) -> str | None:
    """What was saved, or a result of the batch."""
    results = sorted(str(path) for path in world.folder.glob("results*/*.tif"))
    if not world.files and not results:
        return None
    path = str(pick(world.rng, world.files + results))
    world.viewer.open(path)
    return Path(path).name


def _any(world: World) -> Any:
    layers = world.viewer.layers
    return layers[int(world.rng.integers(len(layers)))] if layers else None
