"""Laws of the Fourier correlation, and of what half of the light shows before and after the restoration."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_blind_deconv import InputError
from napari_blind_deconv._types import finished
from napari_blind_deconv.forward import DataTerm, Noise
from napari_blind_deconv.image_priors import SparseGradients
from napari_blind_deconv.metrics import fourier_correlation
from napari_blind_deconv.metrics.fourier_correlation import THRESHOLD
from napari_blind_deconv.restoration import RichardsonLucyRestorer, Task
from napari_blind_deconv.synthesis import blurred, cells, gaussian_kernel, photon_counts
from napari_blind_deconv.trust import half_light
from napari_blind_deconv.trust.resolution import halves

SHAPES = st.lists(st.integers(9, 40), min_size=1, max_size=3).map(tuple)


def drawn(shape, seed):
    return np.random.default_rng(seed).normal(size=shape)


@given(shape=SHAPES, seed=st.integers(0, 99), gain=st.floats(0.1, 10), offset=st.floats(-5, 5))
@settings(max_examples=40, deadline=None)
def test_an_image_agrees_with_itself_whatever_its_unit(shape, seed, gain, offset):
    image = drawn(shape, seed)
    np.testing.assert_allclose(fourier_correlation(image, gain * image + offset).correlation, 1, atol=1e-9)
    np.testing.assert_allclose(fourier_correlation(image, -image).correlation, -1, atol=1e-9)


@given(shape=SHAPES, seed=st.integers(0, 9999))
@settings(max_examples=40, deadline=None)
def test_noise_agrees_with_no_other_noise(shape, seed):
    curve = fourier_correlation(drawn(shape, seed), drawn(shape, seed + 10_000))
    # Three standard errors for one ring; as many rings as there are leave the mean of all much nearer to 0.
    assert (np.abs(curve.correlation) <= np.minimum(1, 4.5 * curve.error)).all()
    assert abs(np.average(curve.correlation, weights=curve.error**-2)) <= 4.5 * (curve.error**-2).sum() ** -0.5


def test_the_error_is_that_of_noise():
    curves = [fourier_correlation(drawn((48, 40), i), drawn((48, 40), 1000 + i)) for i in range(120)]
    ratio = np.std([c.correlation / c.error for c in curves])
    assert ratio == pytest.approx(1, abs=0.15)


@given(shape=SHAPES, seed=st.integers(0, 99), shift=st.integers(-9, 9))
@settings(max_examples=30, deadline=None)
def test_a_shift_of_both_changes_nothing_and_so_does_their_order(shape, seed, shift):
    one, other = drawn(shape, seed), drawn(shape, seed) + drawn(shape, seed + 1)
    # Within the window's support: a periodic shift of what is 0 at the border.
    rim = [(9, 9)] * len(shape)
    one, other = np.pad(one, rim), np.pad(other, rim)
    curve = fourier_correlation(one, other)
    np.testing.assert_allclose(fourier_correlation(other, one).correlation, curve.correlation, atol=1e-9)
    axes = tuple(range(len(shape)))
    turned = fourier_correlation(np.flip(one, axes), np.flip(other, axes))
    moved = [np.roll(values, [shift] * len(shape), axes) for values in (one, other)]
    # The window weighs other pixels: the same up to the errors of the rings.
    difference = fourier_correlation(*moved).correlation - curve.correlation
    assert np.abs(difference).mean() <= 3 * curve.error.mean()
    assert np.abs(turned.correlation - curve.correlation).mean() <= 3 * curve.error.mean()


def test_frames_are_summed_and_lengths_are_in_micrometres():
    one, other = drawn((6, 32, 32), 0), drawn((6, 32, 32), 1)
    by_planes = fourier_correlation(one, one + other, (0.1, 0.1), ndim=2)
    assert by_planes.unit == "µm"
    assert by_planes.finest == pytest.approx(5)
    np.testing.assert_allclose(by_planes.correlation, 0.5**0.5, atol=0.2)
    single = fourier_correlation(one[0], other[0], ndim=2)
    assert single.unit == "px"
    np.testing.assert_allclose(single.error, by_planes.error * 6**0.5, rtol=1e-6)
    shells = fourier_correlation(drawn((12, 32, 32), 0), drawn((12, 32, 32), 1), (0.3, 0.1, 0.1))
    # Rings end where the coarsest axis ends.
    assert shells.frequency.max() <= 1 / 0.6 + 1e-9


def band_limited(sigma, noise, seed=0, side=128):
    """Two observations of one scene, each with noise of its own."""
    scene = cells((side + 14,) * 2, np.random.default_rng(seed))
    seen, _ = blurred(scene / scene.max(), gaussian_kernel((15, 15), np.eye(2) * sigma**2))
    return [seen + noise * drawn(seen.shape, seed + i) for i in (1, 2)]


def test_resolution_falls_with_noise_and_with_blur():
    by_noise = [fourier_correlation(*band_limited(1.5, n)).resolution()[0] for n in (0.003, 0.03, 0.1)]
    assert by_noise == sorted(by_noise)
    by_blur = [fourier_correlation(*band_limited(s, 0.01)).resolution()[0] for s in (1.0, 1.6, 2.4)]
    assert by_blur == sorted(by_blur)


def test_what_limits_is_said():
    image = drawn((40, 40), 0)
    assert fourier_correlation(image, image).resolution() == (2.0, "pixels")
    assert fourier_correlation(image, -image).resolution() == (None, "nothing")
    assert fourier_correlation(*band_limited(1.5, 0.01)).resolution()[1] == "light"


@pytest.mark.parametrize(
    ("one", "other"), [(np.ones((8, 8)), np.ones((8, 9))), (np.ones((3, 8)), np.ones((3, 8))), (1.0, 1.0)]
)
def test_what_has_no_rings_is_refused(one, other):
    with pytest.raises(InputError):
        fourier_correlation(one, other)


def test_a_constant_image_agrees_with_nothing():
    assert not fourier_correlation(np.ones((16, 16)), drawn((16, 16), 0)).correlation.any()


KERNEL = gaussian_kernel((13, 13), np.array([[3.0, 0.5], [0.5, 2.0]]))


def task(kernel=KERNEL, peak=400.0, read_as=1.0, seed=0):
    """Counted light; ``read_as`` is the noise's variance as read over what it is."""
    scene = cells((140, 140), np.random.default_rng(seed))
    counts = photon_counts(scene, KERNEL, peak, np.random.default_rng(seed + 1))[0]
    scale = float(np.quantile(counts, 0.999))
    y = torch.tensor(counts / scale, dtype=torch.float32)[None]
    sigma = (read_as * float(y.mean()) / scale) ** 0.5
    noise = Noise(sigma, torch.ones(()), gain=read_as / scale, dark=0.0)
    data = DataTerm.of(y, torch.tensor(kernel), noise, model_error=0.01)
    return Task(data, noise, SparseGradients(), (1.0, 1.0), None, torch.Generator().manual_seed(seed), counts=True)


def test_halves_are_of_one_light_and_their_errors_know_nothing_of_each_other():
    one, other = halves(task())
    np.testing.assert_allclose((one + other) / 2, task().data.observed, atol=1e-6)
    curve = fourier_correlation(one[0], other[0])
    beyond = curve.frequency > 0.35
    assert abs(curve.correlation[beyond].mean()) <= 4 * curve.error[beyond].mean() / beyond.sum() ** 0.5


def test_the_right_psf_shows_finer_detail_none_the_same_and_a_wrong_one_coarser():
    delta = np.zeros((13, 13), np.float32)
    delta[6, 6] = 1
    right, none, wrong = (
        finished(half_light(task(kernel))).to_dict()
        for kernel in (KERNEL, delta, gaussian_kernel((13, 13), np.eye(2) * 12))
    )
    assert right["resolution_after"] < 0.97 * right["resolution_before"]
    assert none["resolution_after"] == pytest.approx(none["resolution_before"], rel=0.03)
    assert wrong["resolution_after"] > 1.05 * wrong["resolution_before"]
    assert json.loads(json.dumps(right, allow_nan=False)) == right
    assert right["threshold"] == THRESHOLD


def test_what_a_restoration_adds_by_itself_does_not_count(monkeypatch):
    pattern = 0.3 * torch.tensor(drawn((1, 144, 144), 3), dtype=torch.float32)
    honest = finished(half_light(task()))
    plain = RichardsonLucyRestorer.restore

    def inventing(self, given):
        for found in plain(self, given):
            scene = found.scene + pattern[..., : found.scene.shape[-2], : found.scene.shape[-1]]
            yield type(found)(scene, found.total)

    monkeypatch.setattr(RichardsonLucyRestorer, "restore", inventing)
    invented = finished(half_light(task()))
    # Both halves are given the same pattern, and so would agree on it.
    assert (invented.after.correlation <= honest.after.correlation + 3 * honest.after.error).all()
    assert invented.after.resolution()[0] >= honest.after.resolution()[0]


def test_noise_that_was_read_as_too_strong_is_noticed():
    right, strong = (finished(half_light(task(read_as=share))) for share in (1.0, 2.0))
    assert strong.noise_share == pytest.approx(0.5, abs=0.1)
    assert right.noise_share == pytest.approx(1.0, abs=0.15)
    assert strong.before.resolution()[0] == pytest.approx(right.before.resolution()[0], rel=0.08)


def test_more_light_shows_finer_detail():
    found = [finished(half_light(task(peak=peak))).before.resolution()[0] for peak in (30, 300, 3000)]
    assert found == sorted(found, reverse=True)


def test_a_tiny_image_has_no_curve():
    few = task()
    assert finished(half_light(few.of(few.data.observed[..., :12, :12], None))) is None
