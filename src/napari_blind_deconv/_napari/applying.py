"""Which fields of a component mean something beside the others, and beside the image."""

from collections.abc import Mapping

from napari_blind_deconv._napari.editors import Editor
from napari_blind_deconv._napari.words import APPLIES, PER_CHANNEL


def applying(editors: Mapping[str, Editor], channels: int | None) -> set[str]:
    """The fields that mean something, for an image of so many channels; ``None``: nobody knows."""
    given = {name: (other, values) for name, (other, values) in APPLIES.items() if other in editors}
    idle = {name for name in editors if name in given and editors[given[name][0]].value() not in given[name][1]}
    return set(editors) - idle - alike(channels)


def alike(channels: int | None) -> frozenset[str]:
    """Fields that mean nothing, as there is one channel only."""
    return PER_CHANNEL if channels is not None and channels < 2 else frozenset()
