"""Laws of the figures of merit, and their numbers by an independent, slow path."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_blind_deconv import metrics
from napari_blind_deconv._types import InputError

KERNEL_METRICS = [name for name, metric in metrics.METRICS.items() if metric.compares == "kernel"]
shapes = st.integers(1, 3).flatmap(lambda n: st.tuples(*[st.integers(1, 7)] * n))
seeds = st.integers(0, 2**32 - 1)


def kernel(shape: tuple[int, ...], seed: int) -> np.ndarray:
    taps = np.random.default_rng(seed).random(shape) ** 3 + 1e-3
    return taps / taps.sum()


def scene(shape: tuple[int, ...], seed: int) -> np.ndarray:
    values = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 1.0)
    return (values - values.min()) / np.ptp(values)


@given(shapes, seeds)
def test_a_kernel_equals_itself(shape, seed):
    k = kernel(shape, seed)
    assert metrics.kernel_error(k, k) == 0
    assert metrics.kernel_error_relative(k, k) == 0
    assert metrics.mnc(k, k) == pytest.approx(1)


@given(shapes, seeds, st.data())
def test_kernel_figures_ignore_shift_and_scale(shape, seed, data):
    ours, theirs = kernel(shape, seed), kernel(shape, seed + 1)
    shift = [data.draw(st.integers(0, 4)) for _ in shape]
    moved = 3.7 * np.pad(ours, [(s, 5 - s) for s in shift])
    for name in KERNEL_METRICS:
        figure = metrics.METRICS[name].function
        assert figure(moved, theirs) == pytest.approx(figure(ours, theirs), abs=1e-12)


@given(st.integers(1, 3).flatmap(lambda n: st.tuples(*[st.tuples(st.integers(1, 7), st.integers(1, 7))] * n)), seeds)
def test_kernel_error_and_mnc_are_symmetric_and_bounded(pairs, seed):
    ours, theirs = kernel(tuple(a for a, _ in pairs), seed), kernel(tuple(b for _, b in pairs), seed + 1)
    assert metrics.kernel_error(ours, theirs) == pytest.approx(metrics.kernel_error(theirs, ours), abs=1e-12)
    assert metrics.mnc(ours, theirs) == pytest.approx(metrics.mnc(theirs, ours), abs=1e-12)
    assert 0 <= metrics.kernel_error(ours, theirs) <= np.sqrt(2)
    assert 0 <= metrics.mnc(ours, theirs) <= 1 + 1e-12


@pytest.mark.parametrize("count", [1, 4, 9, 25])
def test_kernel_error_of_a_delta_against_equal_taps(count):
    delta, flat = np.array([0, 1.0, 0]), np.full(count, 1 / count)
    assert metrics.kernel_error(delta, flat) == pytest.approx(np.sqrt(1 - 1 / count), abs=1e-12)


def test_distant_deltas_are_the_same_kernel_and_a_plane_is_a_volume_of_one_plane():
    far = np.zeros((9, 9))
    far[0, 8] = 2.0
    assert metrics.kernel_error(far, [[1.0]]) == 0
    assert metrics.kernel_error(far[None], far) == 0


@pytest.mark.parametrize(
    ("wrong", "said"), [(np.zeros((3, 3)), "no positive value"), (np.full((3, 3), np.nan), "NaN or infinite")]
)
def test_what_is_no_kernel_is_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        metrics.kernel_error(wrong, np.ones((3, 3)))


def test_kernels_of_unlike_axes_are_refused():
    with pytest.raises(InputError, match="has 3 axes, but the true PSF has 2"):
        metrics.kernel_error(np.ones((3, 3, 3)), np.ones((3, 3)))


@given(st.integers(1, 3).flatmap(lambda n: st.tuples(*[st.integers(13, 24)] * n)), seeds, st.data())
def test_a_shifted_image_is_found_and_scored_as_the_image(shape, seed, data):
    truth = scene(shape, seed)
    shift = [data.draw(st.integers(-3, 3)) for _ in shape]
    figures = metrics.score_image(np.roll(truth, shift, range(truth.ndim)), truth, max_shift=3)
    assert figures["shift_px"] == [-s for s in shift]
    assert figures["psnr"] > 200


@pytest.mark.parametrize("shape", [(41, 38), (40, 37)])
def test_quarter_pixels_are_found_in_the_plane(shape):
    truth = ndimage.gaussian_filter(scene(shape, 3), 2)
    moved = ndimage.shift(truth, (1.25, -0.5), order=3, mode="nearest")
    assert metrics.score_image(moved, truth)["shift_px"] == [-1.25, 0.5]


def slow_shift(image, truth, max_shift, border, intensity):
    """The protocol as one would write it down: try every shift on the whole image."""
    inner = tuple(slice(border, n - border) for n in truth.shape)
    target = truth[inner]

    def error(moved):
        if intensity == "affine":
            line = np.stack([moved.ravel(), np.ones(moved.size)], 1)
            moved = (line @ np.linalg.lstsq(line, target.ravel(), rcond=None)[0]).reshape(target.shape)
        return ((moved - target) ** 2).mean()

    def tried(shifts):
        return [(error(ndimage.shift(image, s, order=1, mode="nearest")[inner]), tuple(s)) for s in shifts]

    whole = min(tried(product(range(-max_shift, max_shift + 1), repeat=image.ndim)))
    steps = np.arange(-3, 4) / 4 if image.ndim == 2 else (-0.5, 0, 0.5)
    return min([whole, *tried(np.add(whole[1], d) for d in product(steps, repeat=image.ndim))])


@pytest.mark.parametrize("intensity", ["absolute", "affine"])
@pytest.mark.parametrize("shape", [(31, 36), (17, 18, 19), (40,)])
def test_alignment_equals_exhaustive_search(shape, intensity):
    truth, border = scene(shape, 5), 4
    image = ndimage.shift(truth, [1.4, -0.7, 2.2][: len(shape)], order=1, mode="wrap")
    image = (2.5 * image + 0.3 if intensity == "affine" else image) + 0.02 * scene(shape, 6)
    error, shift = slow_shift(image, truth, 3, border, intensity)
    figures = metrics.score_image(image, truth, data_range=1.0, intensity=intensity, max_shift=3, border=border)
    assert tuple(figures["shift_px"]) == pytest.approx(shift)
    assert figures["psnr"] == pytest.approx(10 * np.log10(1 / error), abs=1e-6)


def test_affine_figures_ignore_gain_and_offset():
    truth, image = scene((33, 40), 1), scene((33, 40), 1) + 0.1 * scene((33, 40), 2)
    plain = metrics.score_image(image, truth, intensity="affine")
    scaled = metrics.score_image(400 * image - 30, truth, intensity="affine")
    assert scaled["psnr"] == pytest.approx(plain["psnr"], abs=1e-9)
    assert scaled["ssim"] == pytest.approx(plain["ssim"], abs=1e-9)


@pytest.mark.parametrize(
    ("image", "truth", "said"),
    [
        (np.ones((20, 20)), np.ones((20, 21)), "same shape"),
        (np.full((20, 20), np.nan), np.ones((20, 20)), "400 values"),
        (np.ones((20, 20)), np.full((20, 20), 7.0), "constant"),
        (np.ones((0, 20)), np.ones((0, 20)), "empty"),
    ],
)
def test_images_that_cannot_be_scored_are_refused(image, truth, said):
    with pytest.raises(InputError, match=said):
        metrics.score_image(image, truth)


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("psnr", 19.9, "bad"), ("psnr", 22, "ok"), ("psnr", 27, "good"), ("psnr", 31, "really good"),
        ("psnr", float("inf"), "really good"), ("ssim", 0.7, "bad"), ("ssim", 0.8, "ok"), ("ssim", 0.87, "good"),
        ("ssim", 0.95, "really good"), ("ssim", float("nan"), None), ("ke", 0.1, None), ("mnc", 0.9, None),
    ],
)  # fmt: skip
def test_grades(name, value, word):
    assert metrics.grade(name, value) == word


@pytest.mark.parametrize(
    ("truth", "expected"),
    [
        (np.array([0, 200], np.uint8), 255),
        (np.array([0.1, 0.8]), 1),
        (np.array([0.0, 0.2]), 0.2),
        (np.array([-1.0, 3.0]), 4),
        (np.array([10, 1010], np.uint16), 1000),
    ],
)
def test_natural_range(truth, expected):
    assert metrics.natural_range(truth) == pytest.approx(expected)


def test_channels_and_times_are_scored_one_by_one():
    truth = np.stack([scene((30, 33), i) for i in range(3)])
    image = np.stack([np.roll(t, i, 1) for i, t in enumerate(truth)])
    figures = metrics.score(image, truth, axes="CYX")
    assert figures["shift_px"] == [[0, 0], [0, -1], [0, -2]]
    samples = metrics.score(np.moveaxis(image, 0, -1), np.moveaxis(truth, 0, -1), axes="YXS")
    assert samples["ssim"] == pytest.approx(figures["ssim"])


def test_kernels_of_channels_are_paired():
    kernels = np.stack([kernel((5, 5), i) for i in range(2)])
    assert metrics.score(kernel=kernels, true_kernel=kernels, axes="CYX")["ke"] == 0
    assert metrics.score(kernel=kernels, true_kernel=kernels[0], axes="CYX")["ke"] > 0
    with pytest.raises(InputError, match="has 2 channels"):
        metrics.score(kernel=kernels, true_kernel=kernels[:1], axes="CYX")


def test_score_grades_what_it_can():
    truth = scene((30, 33), 0)
    figures = metrics.score(truth, truth, np.ones((3, 3)), np.ones((3, 3)))
    assert figures["grades"] == {"psnr": "really good", "ssim": "really good"}
    assert {"psnr", "ssim", "ke", "ke_rel", "mnc"} <= set(figures)


def test_short_axes_have_no_ssim_but_a_psnr():
    figures = metrics.score_image(scene((9, 40), 1), scene((9, 40), 2))
    assert np.isnan(figures["ssim"])
    assert np.isfinite(figures["psnr"])


@pytest.mark.parametrize("sigma", [1.5, 2.5])
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_width_of_a_gaussian(sigma, ndim):
    axes = np.meshgrid(*[np.arange(-10, 11)] * ndim, indexing="ij")
    described = metrics.describe_kernel(np.exp(-sum(a**2 for a in axes) / (2 * sigma**2)))
    assert described["fwhm_px"] == pytest.approx([2.3548 * sigma] * ndim, rel=0.02)
    assert described["centroid_px"] == pytest.approx([0] * ndim, abs=1e-9)
    assert described["size"] == [21] * ndim


def test_what_a_delta_and_a_flat_kernel_say_of_themselves():
    delta = np.zeros((5, 7))
    delta[2, 4] = 1
    described = metrics.describe_kernel(delta)
    assert described["entropy_nats"] == 0
    assert described["fwhm_px"] == [1, 1]
    assert described["centroid_px"] == [0, 1]
    assert described["border_fraction"] == 0
    flat = metrics.describe_kernel(np.ones((5, 7)))
    assert flat["entropy_nats"] == pytest.approx(np.log(35))
    assert flat["border_fraction"] == pytest.approx(20 / 35)
    assert flat["max"] == pytest.approx(1 / 35)
