"""Laws of defects: what is planted is found, what is light is not, and where nothing is wrong nothing changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as drawn
from hypothesis import strategies as st
from scipy import ndimage

from napari_blind_deconv.defects import find_defects
from napari_blind_deconv.defects.bad_pixels import bad_pixels
from napari_blind_deconv.defects.filling import filled
from napari_blind_deconv.defects.padding import blank_frames, padded
from napari_blind_deconv.defects.plateau import cut_off_below, saturated
from napari_blind_deconv.synthesis import beads, cells

FEW = drawn(max_examples=5)
SEEDS = st.integers(0, 999)


def photons(shape=(128, 120), seed=0, width=2.0, peak=300.0) -> np.ndarray:
    """Counts of a blurred scene on a faint ground, shape ``(1, *shape)``."""
    rng = np.random.default_rng(seed)
    light = ndimage.gaussian_filter(cells(shape, rng), width)
    return rng.poisson(10 + peak * light / light.max()).astype(np.float32)[None]


def places(shape, count, seed) -> tuple[np.ndarray, ...]:
    """Pixels apart from each other and from the border."""
    rng, grid = np.random.default_rng(seed), [np.arange(4, n - 4, 9) for n in shape]
    every = np.stack(np.meshgrid(*grid, indexing="ij"), -1).reshape(-1, len(shape))
    return tuple(rng.permutation(every)[:count].T)


def with_defects(image, count=20, seed=0):
    """Half of the defects hot, by many deviations; half of them dead, in the bright part."""
    out, planted = image.copy(), np.zeros(image.shape, bool)
    chosen = places(image.shape[1:], count, seed)
    out[0][chosen] += np.float32(20 * np.sqrt(image.max()) + 5 * image.max())
    planted[0][chosen] = True
    return out, planted


@FEW
@given(seed=SEEDS)
@pytest.mark.parametrize("shape", [(128, 120), (10, 64, 60)])
def test_planted_hot_pixels_are_found_and_hardly_anything_else(seed, shape):
    image, planted = with_defects(photons(shape, seed), seed=seed)
    found = find_defects(image).masks["bad"]
    assert found[planted].mean() >= 0.9
    beside = np.zeros((3,) * image.ndim, bool)
    beside[(1,) * (image.ndim - 2)] = ndimage.generate_binary_structure(2, 1)
    assert not found[~ndimage.binary_dilation(planted, beside)].any()


@FEW
@given(seed=SEEDS)
def test_dead_pixels_in_the_light_are_found(seed):
    rng = np.random.default_rng(seed)
    image = rng.poisson(400 + 100 * ndimage.gaussian_filter(rng.normal(size=(1, 120, 110)), (0, 3, 3)))
    image = image.astype(np.float32)
    chosen = places(image.shape[1:], 20, seed)
    image[0][chosen] = 0
    assert find_defects(image).masks["bad"][0][chosen].mean() >= 0.9


def test_a_defect_is_named_with_its_place_and_filled_from_around():
    image = photons()
    truth = float(image[0, 40, 33])
    image[0, 40, 33] = 60000
    defects = find_defects(image)
    (sentence,) = [s for s in defects.sentences() if "hot or dead" in s]
    assert sentence.startswith("1 pixel")
    assert "(40, 33)" in sentence
    assert abs(defects.image[0, 40, 33] - image[0, 39:42, 32:35].min()) < 10 * np.sqrt(truth)


@FEW
@given(seed=SEEDS, peak=st.floats(30, 3000), width=st.floats(1.2, 3))
@pytest.mark.parametrize("shape", [(128, 120), (12, 64, 60)])
def test_a_blurred_photon_image_has_no_defects(seed, peak, width, shape):
    assert find_defects(photons(shape, seed, width, peak)).masks == {}


@FEW
@given(seed=SEEDS, noise=st.floats(0.002, 0.02))
def test_beads_are_no_defects(seed, noise):
    rng = np.random.default_rng(seed)
    image = beads((128, 120), rng, 40, width=1.2) + noise * rng.normal(size=(128, 120))
    assert not bad_pixels(image.astype(np.float32)[None]).any()


def test_a_sharp_photograph_has_no_hot_pixels():
    from skimage import data

    camera = np.asarray(data.camera(), np.float32)
    for part in (camera, camera[:256], camera[100:300, 200:450]):
        assert "bad" not in find_defects(part[None]).masks


@FEW
@given(factor=st.floats(1e-3, 1e3), offset=st.floats(0, 1e3), seed=st.integers(0, 9))
def test_defects_do_not_depend_on_unit_and_offset(factor, offset, seed):
    image, _ = with_defects(photons(seed=seed), seed=seed)
    moved = (factor * (image.astype(np.float64) + offset)).astype(np.float32)
    found, other = find_defects(image).masks, find_defects(moved).masks
    assert found.keys() == other.keys() == {"bad"}
    np.testing.assert_array_equal(other["bad"], found["bad"])


LEVELS = {
    "11 bits": (2047, 1, np.uint16),
    "12 bits, left-aligned": (4095 * 16, 16, np.uint16),
    "floats to one": (1.0, 1 / 4095, np.float32),
    "65435": (65435, 1, np.uint16),
    "30000": (30000, 1, np.int16),
}


def recorded(level, step, dtype, seed=0, over=1.6) -> tuple[np.ndarray, np.ndarray]:
    """Counts that exceed the level in their brightest parts, and where they do."""
    light = photons(seed=seed, peak=2000.0).astype(np.float64)
    values = np.round(light / light.max() * over * level / step) * step
    return np.minimum(values, level).astype(dtype), values >= level


@FEW
@given(seed=st.integers(0, 99))
@pytest.mark.parametrize("case", LEVELS)
def test_a_plateau_is_found_at_any_level_and_type(case, seed):
    image, over = recorded(*LEVELS[case], seed=seed)
    np.testing.assert_array_equal(saturated(image.astype(np.float32)), over)
    defects = find_defects(image)
    np.testing.assert_array_equal(defects.masks["saturated"], over)
    assert any("saturated" in sentence for sentence in defects.sentences())


@FEW
@given(seed=st.integers(0, 99))
@pytest.mark.parametrize("case", LEVELS)
def test_an_image_that_was_not_clipped_has_no_plateau(case, seed):
    image, _ = recorded(*LEVELS[case], seed=seed, over=0.98)
    assert not saturated(image.astype(np.float32)).any()


@given(levels=st.integers(2, 16), seed=SEEDS)
def test_an_image_of_few_levels_has_no_plateau(levels, seed):
    labels = np.random.default_rng(seed).integers(0, levels, (1, 40, 40)).astype(np.float32)
    assert not saturated(labels).any()
    assert not saturated((labels > 0).astype(np.float32) * 255).any()


@FEW
@given(background=st.floats(20, 40), seed=st.integers(0, 99))
def test_a_background_that_was_subtracted_too_far_is_told_and_the_pixels_are_kept(background, seed):
    image = np.maximum(10 * photons(seed=seed) - 10 * background, 0)
    low = cut_off_below(image)
    np.testing.assert_array_equal(low, image == 0)
    assert not cut_off_below(10 * photons(seed=seed)).any()
    assert any("cut off there" in sentence for sentence in find_defects(image).sentences())


def round_field(shape) -> np.ndarray:
    y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    return y**2 + x**2 > 1


def turned(shape) -> np.ndarray:
    y, x = np.indices(shape)
    return (y + x < 40) | (y + x > sum(shape) - 40)


def framed(shape) -> np.ndarray:
    out = np.ones(shape, bool)
    out[12:-9, 15:-11] = False
    return out


@FEW
@given(seed=st.integers(0, 99), value=st.sampled_from([0.0, 7.5, 400.5]))
@pytest.mark.parametrize("region", [round_field, turned, framed])
def test_padding_is_found_to_a_pixel(region, seed, value):
    image, outside = photons(seed=seed) + 20, region((128, 120))
    image[0, outside] = value
    found = padded(image)[0]
    beside = ndimage.generate_binary_structure(2, 2)
    assert not found[~ndimage.binary_dilation(outside, beside)].any()
    assert found[ndimage.binary_erosion(outside, beside, border_value=1)].all()


def test_padding_of_a_volume_is_found_and_left_as_it_was():
    image = photons((20, 60, 50)) + 20
    image[:, :, :14] = 3
    defects = find_defects(image)
    np.testing.assert_array_equal(defects.untouched[:, :, :14], True)
    assert not defects.untouched[:, :, 15:].any()
    assert any("padding" in sentence for sentence in defects.sentences())


@given(light=st.floats(0.01, 1), seed=SEEDS)
def test_a_dark_background_of_few_photons_is_no_padding(light, seed):
    rng = np.random.default_rng(seed)
    scene = 30 * ndimage.gaussian_filter(beads((96, 90), rng, 12), 2)
    assert not padded(rng.poisson(light + scene).astype(np.float32)[None]).any()


@given(value=st.floats(-100, 100, width=32), seed=SEEDS, blank=st.sets(st.integers(0, 3), min_size=1, max_size=3))
@drawn(max_examples=8)
def test_blank_frames_are_named_and_left_as_they_were(value, seed, blank):
    frames = np.concatenate([photons((48, 40), seed + i) for i in range(4)])
    frames[sorted(blank)] = value
    assert set(np.flatnonzero(blank_frames(frames))) == blank
    defects = find_defects(frames)
    for i in range(4):
        assert defects.masks["blank"][i].all() == (i in blank)
        assert defects.masks["blank"][i].any() == (i in blank)
    (sentence,) = [s for s in defects.sentences() if "a single value" in s]
    assert f"frame {min(blank) + 1}" in sentence
    np.testing.assert_array_equal(defects.image[sorted(blank)], np.float32(value))


@FEW
@given(seed=SEEDS, value=st.sampled_from([np.nan, np.inf, -np.inf]))
def test_what_is_not_finite_is_missing_and_filled(seed, value):
    image = photons(seed=seed)
    image[0][places(image.shape[1:], 15, seed)] = value
    image[0, 60:80, 30:50] = value
    defects = find_defects(image)
    np.testing.assert_array_equal(defects.masks["missing"], ~np.isfinite(image))
    np.testing.assert_array_equal(defects.missing, ~np.isfinite(image))
    assert np.isfinite(defects.image).all()
    assert defects.image.max() <= image[np.isfinite(image)].max()
    assert defects.untouched is None


@FEW
@given(seed=SEEDS)
def test_what_lies_outside_a_mask_has_no_say(seed):
    image, outside = photons(seed=seed), np.zeros((1, 128, 120), bool)
    image[0, 90, 100] = 60000
    outside[:, :, :50] = True
    rng = np.random.default_rng(seed)
    spoiled = image.copy()
    spoiled[outside] = rng.choice([np.nan, 0, 1e6, -1e6], outside.sum())
    one, other = find_defects(image, outside), find_defects(spoiled, outside)
    assert one.masks.keys() == other.masks.keys() == {"bad", "outside"}
    for kind, mask in one.masks.items():
        np.testing.assert_array_equal(other.masks[kind], mask)
    np.testing.assert_array_equal(other.image, one.image)
    assert one.masks["bad"][0, 90, 100]


@given(seed=SEEDS, share=st.floats(0, 0.6), ndim=st.integers(1, 3))
def test_filling_leaves_good_pixels_untouched_and_stays_within_their_range(seed, share, ndim):
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(2, *rng.integers(8, 20, ndim))).astype(np.float32)
    bad = rng.random(image.shape) < share
    bad[0].flat[0] = False
    out = filled(np.where(bad, 1e9, image).astype(np.float32), bad)
    np.testing.assert_array_equal(out[~bad], image[~bad])
    for frame, holes, values in zip(out, bad, image, strict=True):
        if holes.any() and not holes.all():
            assert frame[holes].min() >= values[~holes].min() - 1e-5
            assert frame[holes].max() <= values[~holes].max() + 1e-5


def test_filling_reaches_across_wide_holes():
    image, bad = np.full((1, 90, 80), 3.0, np.float32), np.ones((1, 90, 80), bool)
    bad[:, 40:44, 40:44] = False
    np.testing.assert_allclose(filled(np.where(bad, 1e9, image).astype(np.float32), bad), image, rtol=1e-6)


def test_a_sound_image_is_kept_as_it_is_and_nothing_is_said():
    image = photons()
    defects = find_defects(image)
    np.testing.assert_array_equal(defects.image, image)
    assert defects.missing is None
    assert defects.untouched is None
    assert defects.cut_off == 0
    assert list(defects.sentences()) == []
    assert defects.share("bad") == 0
