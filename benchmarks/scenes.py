"""Sharp scenes that every benchmark may use: pictures inside scikit-image (public domain or CC0) and our own synthesis.

All are grey, of unit range, and reduced in size where the original is soft, so that they are sharp as they stand.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from skimage import color, data, transform
from skimage.util import img_as_float

from napari_blind_deconv.synthesis import beads, cells, fibres

Float = NDArray[np.float32]


def picture(load: Callable[[], NDArray[np.generic]], reduction: float = 1.0) -> Callable[[int], Float]:
    """The middle of a picture, as a square of the asked side."""

    def scene(side: int) -> Float:
        picture = img_as_float(load())
        grey = color.rgb2gray(picture[..., :3]) if picture.ndim == 3 else picture
        factor = max(1 / reduction, side / min(grey.shape))
        small = transform.rescale(grey, factor, anti_aliasing=factor < 1)
        top, left = ((n - side) // 2 for n in small.shape)
        square = small[top : top + side, left : left + side]
        return ((square - square.min()) / (square.max() - square.min())).astype(np.float32)

    return scene


def _synthetic(draw: Callable[[tuple[int, int], np.random.Generator], Float], seed: int) -> Callable[[int], Float]:
    def scene(side: int) -> Float:
        values = draw((side, side), np.random.default_rng(seed))
        return (values / values.max()).astype(np.float32)

    return scene


SCENES: Mapping[str, Callable[[int], Float]] = {
    "camera": picture(data.camera, 1.5),
    "coins": picture(data.coins),
    "astronaut": picture(data.astronaut, 1.5),
    "cat": picture(data.chelsea),
    "coffee": picture(data.coffee, 1.3),
    "immunohistochemistry": picture(data.immunohistochemistry, 1.5),
    "hubble": picture(data.hubble_deep_field, 2.0),
    "rocket": picture(data.rocket, 1.3),
    "cells": _synthetic(cells, 11),
    "more cells": _synthetic(cells, 12),
    "fibres": _synthetic(lambda shape, rng: 0.02 + fibres(shape, rng, count=40, width=0.7), 13),
    "beads": _synthetic(lambda shape, rng: 0.02 + beads(shape, rng, count=400), 14),
}
