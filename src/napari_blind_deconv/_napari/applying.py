"""Which fields of a component mean something beside the others, and beside the image."""

from collections.abc import Mapping

from napari_blind_deconv._napari.editors import Editor
from napari_blind_deconv._napari.words import APPLIES, ONE_OF_MANY, PER_CHANNEL

CONDITIONAL = frozenset(APPLIES) | frozenset(ONE_OF_MANY) | PER_CHANNEL
"""Fields that do not always mean something."""


def applying(editors: Mapping[str, Editor], channels: int | None) -> set[str]:
    """The fields that mean something, for an image of so many channels; ``None``: nobody knows."""
    given = {name: (other, values) for name, (other, values) in APPLIES.items() if other in editors}
    idle = {name for name in editors if name in given and editors[given[name][0]].value() not in given[name][1]}
    several = set(editors) - idle - alike(channels)
    # In place of one number for all channels; one that was given as well stays in view, as that is refused.
    for one, many in ONE_OF_MANY.items():
        if many in several and editors[many].value() is not None and editors[one].value() is None:
            idle.add(one)
    return several - idle


def alike(channels: int | None) -> frozenset[str]:
    """Fields that mean nothing, as there is one channel only."""
    return PER_CHANNEL if channels is not None and channels < 2 else frozenset()
