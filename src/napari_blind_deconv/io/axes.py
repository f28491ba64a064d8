"""What a file leaves open of its axes: letters for those without a name, and lengths that are not known."""

from collections.abc import Mapping

from napari_blind_deconv._types import VoxelSize

from .volume import SPATIAL


def named_axes(shape: tuple[int, ...], axes: str) -> tuple[str, bool]:
    """Axes without a meaning (I, Q) with one: from the last backwards z, then a short one channel, a long one time.

    Examples
    --------
    >>> named_axes((2, 7, 64, 64), "QQYX")
    ('CZYX', True)
    """
    named = list(axes)
    for i in reversed(range(len(axes))):
        if axes[i] not in "IQ":
            continue
        wanted = "ZCTP" if shape[i] <= 4 else "ZTPR"
        named[i] = next((letter for letter in wanted if letter not in named), axes[i])
    return "".join(named), named != list(axes)


def voxel_size(sizes: Mapping[str, float], axes: str, name: str) -> tuple[VoxelSize | None, list[str]]:
    """Lengths in the order z, y, x, and a sentence where only some of them are known."""
    spatial = [letter for letter in SPATIAL if letter in axes]
    missing = [letter for letter in spatial if letter not in sizes]
    if len(missing) == len(spatial):
        return None, []
    unknown = [f"{name} gives no voxel size along {', '.join(missing)}; voxels count as cubes"] if missing else []
    return tuple(sizes.get(letter) for letter in spatial), unknown
