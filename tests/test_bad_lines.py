"""Laws of bad pixels that stay, of bad rows and columns, and of light that is easily taken for a defect."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as drawn
from hypothesis import strategies as st
from scipy import ndimage

from napari_blind_deconv.defects import bad_pixels, find_defects, padded
from napari_blind_deconv.synthesis import cells

FEW = drawn(max_examples=6)
SEEDS = st.integers(0, 999)


def photons(shape, seed, frames=1, peak=300.0):
    rng = np.random.default_rng(seed)
    light = ndimage.gaussian_filter(cells(shape, rng), 2.0)
    return rng.poisson(10 + peak * light / light.max(), (frames, *shape)).astype(np.float32)


@FEW
@given(seed=SEEDS, place=st.integers(3, 90), half=st.booleans(), turned=st.booleans())
def test_hot_columns_and_rows_are_found_whole_and_in_halves(seed, place, half, turned):
    image, line = photons((110, 96), seed), np.zeros((1, 110, 96), bool)
    line[0, : 55 if half else None, place] = True
    image[line] += 300
    if turned:
        image, line = image.mT.copy(), line.mT
    found = bad_pixels(image)
    assert found[line].all()
    assert not found[~ndimage.binary_dilation(line, np.ones((1, 3, 3)))].any()


@FEW
@given(seed=SEEDS, offset=st.sampled_from([0.0, 300.0, -40.0]), factor=st.sampled_from([0.25, 1.0, 8.0]))
def test_detection_knows_no_direction_no_offset_and_no_unit(seed, offset, factor):
    image = photons((96, 88), seed)
    rng = np.random.default_rng(seed)
    rows, columns = (rng.permutation(np.arange(6, 80, 6))[:12] for _ in range(2))
    image[0][rows, columns] += 3000
    image[0, :, 82] += 400
    found = bad_pixels(image)
    assert found.any()
    np.testing.assert_array_equal(bad_pixels(image.mT.copy()), found.mT)
    np.testing.assert_array_equal(bad_pixels(image[:, ::-1, ::-1].copy()), found[:, ::-1, ::-1])
    np.testing.assert_array_equal(bad_pixels(image * np.float32(factor) + np.float32(offset)), found)


@FEW
@given(seed=SEEDS, frames=st.integers(8, 14))
def test_a_pixel_that_is_hot_in_every_frame_is_found_though_it_is_lost_in_each(seed, frames):
    movie = photons((72, 80), seed, frames, peak=60.0)
    movie[:, 30, 41] = movie[:, 30, 41] + 8 * np.sqrt(movie[:, 30, 41].mean())
    found = bad_pixels(movie)
    assert found[:, 30, 41].all()
    found[:, 29:32, 40:43] = False
    assert not found.any()


@FEW
@given(seed=SEEDS, width=st.floats(0.8, 1.6))
def test_narrow_filaments_and_their_crossings_are_no_defects(seed, width):
    rng = np.random.default_rng(seed)
    scene = np.zeros((120, 128))
    for _ in range(14):
        (y, x), angle = rng.uniform(0, 120, 2), rng.uniform(0, np.pi)
        steps = np.arange(-180, 180, 0.5)
        rows, columns = np.round([y + steps * np.sin(angle), x + steps * np.cos(angle)]).astype(int)
        inside = (rows >= 0) & (rows < 120) & (columns >= 0) & (columns < 128)
        scene[rows[inside], columns[inside]] = 1
    image = rng.poisson(20 + 3000 * ndimage.gaussian_filter(scene, width)).astype(np.float32)[None]
    assert not bad_pixels(image).any()


@pytest.mark.parametrize("value", [0.0, 130.0])
def test_a_calm_ground_of_few_grey_levels_is_no_padding_and_a_constant_strip_is(value):
    y, x = np.mgrid[:100, :120]
    ground = np.round(150 + 3 * np.sin(y / 40) * np.sin(x / 50)).astype(np.float32)[None]
    assert not padded(ground).any()
    ground[:, :, :25] = value
    assert padded(ground)[0, :, :25].all()
    assert not padded(ground)[0, :, 25:].any()


@FEW
@given(seed=SEEDS)
def test_light_beside_a_padding_is_no_defect(seed):
    image = photons((120, 120), seed)
    y, x = np.mgrid[:120, :120]
    image[:, (y - 60) ** 2 + (x - 60) ** 2 > 40**2] = 0
    assert set(find_defects(image).masks) == {"padding"}
