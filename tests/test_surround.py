"""Laws of what is dark around a field: a stop's surround is no warning, a background that was cut off is one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as drawn
from hypothesis import strategies as st
from scipy import ndimage

from napari_blind_deconv.defects import find_defects
from napari_blind_deconv.defects.surround import surround
from napari_blind_deconv.synthesis import cells

# The criterion is right nearly always, not always: the same draws every time.
FEW = drawn(max_examples=8, derandomize=True)
SEEDS = st.integers(0, 999)
STOPS = ("disk", "larger disk", "octagon", "rectangle")


def stop(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Where light comes through: a convex field, not quite in the middle."""
    y, x = (axis - n / 2 - rng.uniform(-0.05, 0.05) * n for axis, n in zip(np.indices(shape), shape, strict=True))
    side = min(shape)
    if kind == "rectangle":
        return (abs(y) < 0.4 * shape[0]) & (abs(x) < 0.38 * shape[1])
    if kind == "octagon":
        radius = np.maximum.reduce([abs(y), abs(x), (abs(y) + abs(x)) / np.sqrt(2)])
        return radius < 0.42 * side
    return np.hypot(y, x) < (0.43 if kind == "disk" else 0.55) * side


def seen_through(kind: str, shape: tuple[int, int], seed: int, dark: float = 0.4) -> np.ndarray:
    """A texture through a stop with a soft edge, with noise, in whole grey levels of which none is negative."""
    rng = np.random.default_rng(seed)
    scene = ndimage.gaussian_filter(rng.normal(size=shape), rng.uniform(2, 6))
    scene = dark + (1 - dark) * (scene - scene.min()) / np.ptp(scene)
    field = ndimage.gaussian_filter(stop(kind, shape, rng).astype(float), rng.uniform(0.5, 2.5))
    light = 200 * scene * field
    return np.maximum(np.round(light + rng.normal(0, 0.3 + 0.2 * np.sqrt(light))), 0).astype(np.float32)[None]


def is_warned_of(image: np.ndarray) -> bool:
    return any("cut off there" in sentence for sentence in find_defects(image).sentences())


@FEW
@given(height=st.integers(140, 200), width=st.integers(140, 200), seed=SEEDS)
@pytest.mark.parametrize("kind", STOPS)
def test_a_surround_that_is_black_by_geometry_is_no_warning(kind, height, width, seed):
    image = seen_through(kind, (height, width), seed)
    assert (image == 0).mean() > 0.01
    assert not is_warned_of(image)


@FEW
@given(side=st.integers(120, 200), seed=SEEDS, level=st.floats(1.2, 2.0))
def test_a_background_that_an_offset_has_cut_off_is(side, seed, level):
    rng = np.random.default_rng(seed)
    light = ndimage.gaussian_filter(cells((side, side), rng), 2.0)
    counts = rng.poisson(30 + 300 * light / light.max())
    image = np.maximum(counts - 30 * level, 0).astype(np.float32)[None]
    assert is_warned_of(image)


@FEW
@given(side=st.integers(120, 200), seed=SEEDS, cut=st.floats(0.25, 0.5))
def test_so_is_the_skirt_of_one_broad_spot(side, seed, cut):
    rng = np.random.default_rng(seed)
    y, x = np.indices((side, side)) - side / 2
    light = 500 * np.exp(-((y / (0.22 * side)) ** 2 + (x / (0.24 * side)) ** 2) / 2)
    image = np.maximum(rng.poisson(20 + light) - 20 - 500 * cut, 0).astype(np.float32)[None]
    assert is_warned_of(image)


@FEW
@given(side=st.integers(140, 200), seed=SEEDS)
@pytest.mark.parametrize("kind", STOPS[:2])
def test_what_is_cut_off_within_a_field_is_still_seen(kind, side, seed):
    image = seen_through(kind, (side, side), seed, dark=0.0)
    assert is_warned_of(np.maximum(image - 70, 0))


@given(seed=SEEDS)
def test_planes_and_frames_have_one_surround(seed):
    planes = np.stack([seen_through("disk", (140, 146), seed)[0] * gain for gain in (1.0, 0.8, 0.6)])
    low = planes == 0
    np.testing.assert_array_equal(surround(planes, low), surround(planes[None], low[None])[0])
    assert surround(planes, low)[low].mean() > 0.95
