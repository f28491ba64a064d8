"""What the file of a layer says beside axes and lengths: names of channels, and the microscope's optics."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari.layers import Image

from napari_blind_deconv import io
from napari_blind_deconv._napari.layers import PLUGIN, pixels
from napari_blind_deconv._types import InputError


def described(layer: Image) -> dict[str, Any]:
    """``channel_names`` and ``optics`` (`io.ome_optics.optics_of`), as far as the layer's notes or its file have them.

    Nothing is said where the file is gone, of another format, or holds another shape than the layer shows.
    """
    notes = layer.metadata.get(PLUGIN, {})
    told = {key: notes[key] for key in ("channel_names", "optics") if isinstance(notes, dict) and key in notes}
    if not layer.source.path:
        return told
    try:
        header = io.header(Path(layer.source.path))
    except InputError:
        return told
    if header.shape != tuple(pixels(layer).shape):
        return told
    return {key: header.description[key] for key in ("channel_names", "optics") if key in header.description} | told


def channel_names(facts: dict[str, Any], count: int) -> Sequence[str]:
    """A name for each of so many channels, other than a file's only where that does not name them all."""
    named = [str(name) for name in facts.get("channel_names", ())]
    return named if len(named) == count else [f"channel {number}" for number in range(1, count + 1)]
