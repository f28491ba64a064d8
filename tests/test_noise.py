"""Laws of the noise: its spectrum on any grid, its scale, and how it is read from an observation."""

import io
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as drawn
from hypothesis import strategies as st
from laws import noise as white_noise
from laws import spaces
from PIL import Image
from scipy import ndimage

from napari_blind_deconv.defects.filling import filled
from napari_blind_deconv.forward import Noise, ReadFromImage, read_noise
from napari_blind_deconv.forward.compression import block_coded
from napari_blind_deconv.forward.patches import Patches
from napari_blind_deconv.image_priors import GaussianField
from napari_blind_deconv.pipeline.noise_words import noise_report

FEW = drawn(max_examples=6)


def coloured(space, seed=0, sigma=0.3, **light) -> Noise:
    """Noise of a random spectrum, even in frequency and of mean one, as filters make them."""
    white = torch.fft.fftn(white_noise(space, seed)).abs() + 0.3
    axes = tuple(range(white.ndim))
    even = white + white.flip(axes).roll((1,) * white.ndim, axes)
    return Noise(sigma, even / even.mean(), **light)


def smooth_scene(space, seed=0, width=4.0) -> np.ndarray:
    """Blobs on a dark ground, from 0 to 1, the first axis a batch of one."""
    grain = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=space), width)
    scene = ndimage.gaussian_filter(np.maximum(grain / grain.std(), 0), 1.5)
    return (scene / scene.max())[None]


def tensor(values) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


def observation(space=(160, 150), seed=0, sigma=0.02) -> np.ndarray:
    return smooth_scene(space, seed) + sigma * np.random.default_rng(seed + 1).normal(size=(1, *space))


@given(space=spaces(), sigma=st.floats(1e-3, 1e3))
def test_white_noise_is_one_at_every_frequency_of_any_number_of_axes(space, sigma):
    noise = Noise.white(sigma)
    axes = [torch.fft.fftfreq(n) for n in space]
    assert torch.equal(noise.at(axes), torch.ones(space))
    assert torch.equal(noise.on(space), torch.ones(*space[:-1], space[-1] // 2 + 1))
    assert noise.tilt == 1
    assert {power for _, power in noise.curve()} == {1.0}


@given(space=spaces(), seed=st.integers(0, 99))
def test_a_spectrum_is_met_exactly_where_it_was_sampled(space, seed):
    noise = coloured(space, seed)
    axes = [torch.fft.fftfreq(n, dtype=torch.float64) for n in space]
    torch.testing.assert_close(noise.at(axes), noise.spectrum, rtol=1e-9, atol=0)
    half = noise.spectrum[..., : space[-1] // 2 + 1]
    torch.testing.assert_close(noise.on(space), half, rtol=1e-9, atol=0)


@given(space=spaces(), seed=st.integers(0, 99), share=st.floats(0, 1), data=st.data())
def test_between_two_samples_the_logarithm_is_linear(space, seed, share, data):
    noise = coloured(space, seed)
    place = [data.draw(st.integers(0, n - 1)) for n in space]
    axis = data.draw(st.integers(0, len(space) - 1))
    waves = [torch.tensor([p / n], dtype=torch.float64) for p, n in zip(place, space, strict=True)]
    waves[axis] = waves[axis] + share / space[axis]
    after = list(place)
    after[axis] = (place[axis] + 1) % space[axis]
    low, high = noise.spectrum[tuple(place)].log(), noise.spectrum[tuple(after)].log()
    assert float(noise.at(waves).log()) == pytest.approx(float(low + share * (high - low)), abs=1e-6)


@given(space=spaces(min_ndim=2), seed=st.integers(0, 99), data=st.data())
def test_axes_are_interchangeable_on_any_canvas(space, seed, data):
    order = data.draw(st.permutations(range(len(space))))
    canvas = [data.draw(st.integers(7, 20)) for _ in space]
    noise = coloured(space, seed)
    turned = Noise(noise.sigma, noise.spectrum.permute(order))
    whole = torch.fft.irfftn(noise.on(canvas), s=canvas)
    moved = torch.fft.irfftn(turned.on([canvas[i] for i in order]), s=[canvas[i] for i in order])
    torch.testing.assert_close(moved, whole.permute(order), atol=1e-9, rtol=0)


@given(
    space=spaces(),
    factor=st.floats(1e-3, 1e3),
    offset=st.floats(-50, 50),
    dark=st.floats(0.01, 9),
    gain=st.floats(0.01, 5),
    seed=st.integers(0, 99),
)
def test_scaled_noise_is_the_noise_of_the_scaled_observation(space, factor, offset, dark, gain, seed):
    light = 40 * torch.rand(space, generator=torch.Generator().manual_seed(seed)) + abs(offset)
    sigma = float((dark + gain * light).mean()) ** 0.5
    noise = coloured(space, seed, sigma, gain=gain, dark=dark)
    scaled = noise.scaled(factor, offset)
    assert scaled.sigma == pytest.approx(factor * sigma)
    assert torch.equal(scaled.spectrum, noise.spectrum)
    torch.testing.assert_close(
        scaled.variance(factor * (light - offset)), factor**2 * noise.variance(light), rtol=1e-3, atol=1e-4 * sigma**2
    )


@given(space=spaces(), level=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
def test_noise_of_another_level_keeps_its_colour_and_its_growth(space, level, seed):
    noise = coloured(space, seed, gain=0.02, dark=0.01)
    light = 5 * torch.rand(space)
    other = noise.of_level(level)
    assert other.sigma == level
    assert torch.equal(other.spectrum, noise.spectrum)
    torch.testing.assert_close(other.variance(light), noise.variance(light) * (level / noise.sigma) ** 2)


@given(space=spaces(), low=st.floats(0.5, 2), high=st.floats(3, 9))
def test_a_window_sees_the_variance_of_the_light_in_it(space, low, high):
    noise = Noise(1.0, torch.ones(()), gain=0.1, dark=0.2)
    light = torch.full(space, low, dtype=torch.float64)
    light[..., space[-1] // 2 :] = high
    left, window = torch.zeros(space, dtype=torch.float64), torch.ones(space, dtype=torch.float64)
    left[..., : space[-1] // 2] = 1
    assert noise.seen_through(light, left) == pytest.approx(0.2 + 0.1 * low)
    assert noise.seen_through(light, window) == pytest.approx(0.2 + 0.1 * float(light.mean()))


@FEW
@given(seed=st.integers(0, 99), share=st.floats(0, 1))
@pytest.mark.parametrize(("space", "least"), [((150, 128), 0.005), ((36, 44, 40), 0.02)])
def test_the_level_of_white_noise_on_a_smooth_scene_is_read(space, least, seed, share):
    # In a small volume, what the border of the scene leaks into the corners is a hundredth of its range.
    sigma = least + share * (0.1 - least)
    found = read_noise(tensor(observation(space, seed, sigma)))
    assert found.sigma == pytest.approx(sigma, rel=0.2)


def test_noise_that_was_smoothed_is_read_with_its_spectrum():
    rng = np.random.default_rng(3)
    space, width = (256, 240), 0.7
    noise = ndimage.gaussian_filter(rng.normal(size=space), width, mode="wrap")
    found = read_noise(tensor(smooth_scene(space, 4) + 0.03 * noise))
    assert found.origin == "patches"
    assert found.tilt > 3
    assert found.sigma == pytest.approx(0.03 * noise.std(), rel=0.2)
    impulse = np.zeros((64, 64))
    impulse[0, 0] = 1
    axes = [torch.fft.fftfreq(64)] * 2
    truth = torch.from_numpy(np.abs(np.fft.fft2(ndimage.gaussian_filter(impulse, width, mode="wrap"))) ** 2)
    truth = truth / truth.mean()
    radius = torch.stack(torch.meshgrid(*axes, indexing="ij")).square().sum(0).sqrt()
    ratio = (found.at(axes) / truth)[(radius > 0.1) & (radius < 0.35)]
    assert float(ratio.min()) > 1 / 1.6
    assert float(ratio.max()) < 1.6


def test_a_stationary_field_is_not_taken_for_noise():
    field = GaussianField(spectrum=tuple(float(v) for v in np.geomspace(30, 1e-3, 12)), mean=0.0)
    generator = torch.Generator().manual_seed(3)
    scene = field.sample((4, 200, 200), (1.0, 1.0), generator).numpy()
    observed = tensor(ndimage.gaussian_filter(scene, (0, 0.8, 0.8), mode="wrap"))
    observed = observed + 0.03 * torch.randn(observed.shape, generator=generator)
    assert not read_noise(observed).is_white
    found = read_noise(observed, flat=False)
    assert found.is_white
    assert found.sigma == pytest.approx(0.03, rel=0.1)


SMOOTHED = ndimage.gaussian_filter(observation((120, 130), sigma=0.05), (0, 0.7, 0.7))


@FEW
@given(factor=st.floats(1e-3, 1e4))
@pytest.mark.parametrize("observed", [observation((120, 130)), SMOOTHED], ids=["white", "smoothed"])
def test_noise_scales_with_the_observation(observed, factor):
    one, other = read_noise(tensor(observed)), read_noise(tensor(factor * observed))
    assert other.sigma == pytest.approx(factor * one.sigma, rel=1e-3)
    assert other.gain == pytest.approx(factor * one.gain, rel=1e-2, abs=1e-6 * factor)
    torch.testing.assert_close(other.spectrum, one.spectrum, rtol=1e-2, atol=1e-4)


@FEW
@given(offset=st.floats(-100, 100))
@pytest.mark.parametrize("observed", [observation((120, 130)), SMOOTHED], ids=["white", "smoothed"])
def test_an_offset_changes_the_noise_of_no_pixel(observed, offset):
    one, other = read_noise(tensor(observed)), read_noise(tensor(observed + offset))
    light = torch.linspace(0, 1, 20)
    assert other.sigma == pytest.approx(one.sigma, rel=1e-2)
    torch.testing.assert_close(other.spectrum, one.spectrum, rtol=2e-2, atol=1e-3)
    torch.testing.assert_close(other.variance(light + offset), one.variance(light), rtol=5e-2, atol=1e-7)


@FEW
@given(gain=st.floats(0.5, 40), seed=st.integers(0, 99))
def test_the_growth_of_photon_noise_is_read(gain, seed):
    photons = 20 + 400 * smooth_scene((200, 190), seed)
    counts = gain * np.random.default_rng(seed).poisson(photons)
    found = read_noise(tensor(counts))
    assert found.gain == pytest.approx(gain, rel=0.25)
    assert found.sigma == pytest.approx(gain * np.sqrt(photons.mean()), rel=0.2)


def busy_scene(space, seed, width=0.9) -> np.ndarray:
    """Blurred grain that fills every window, brighter in some places than in others; the first axis a batch of one."""
    grain = np.abs(ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=space), width, mode="wrap"))
    return (grain / grain.max())[None] * (0.1 + smooth_scene(space, seed))


@FEW
@given(seed=st.integers(0, 99))
@pytest.mark.parametrize("space", [(200, 190), (32, 72, 80)])
def test_the_growth_of_photon_noise_is_read_where_the_scene_fills_all_windows(space, seed):
    scene = ndimage.gaussian_filter(busy_scene(space, seed), (0, *(2.0,) * len(space)), mode="wrap")
    photons = 10 + 3000 * scene / scene.max()
    found = read_noise(tensor(np.random.default_rng(seed).poisson(photons)))
    assert found.gain == pytest.approx(1, rel=0.25)
    _, counts = ReadFromImage().bound(found, float(photons.min()), float(photons.max()), unexplained=1.0)
    assert counts


@given(share=st.floats(0.01, 0.2))
def test_growth_that_the_model_error_covers_does_not_count(share):
    noise = Noise(0.1, torch.ones(()), gain=0.01, dark=0.001)
    bright = float(noise.variance(torch.ones(1))) ** 0.5
    assert ReadFromImage().bound(noise, 0.0, 1.0, unexplained=bright)[1]
    assert not ReadFromImage().bound(noise, 0.0, 1.0, unexplained=bright / share)[1]


def test_noise_that_does_not_follow_the_light_is_alike_in_dark_and_bright_places():
    found = read_noise(tensor(observation((200, 190), sigma=0.05)))
    dark, bright = (float(v) for v in found.variance(torch.tensor([0.05, 0.8])))
    assert dark == pytest.approx(bright, rel=0.3)


def jpeg(values, quality=80) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(np.clip(values, 0, 255).round().astype(np.uint8)).save(file, "jpeg", quality=quality)
    return np.asarray(Image.open(file), np.float32)


def grey(space=(200, 184), seed=0, noise=4.0) -> np.ndarray:
    return 30 + 180 * smooth_scene(space, seed)[0] + noise * np.random.default_rng(seed).normal(size=space)


@FEW
@given(seed=st.integers(0, 99), quality=st.integers(60, 85))
def test_a_blurred_image_that_was_a_jpeg_is_told_from_others(seed, quality):
    plain = grey(seed=seed)
    assert block_coded(tensor(jpeg(plain, quality))[None])
    assert not block_coded(tensor(plain)[None])
    assert not block_coded(tensor(plain.round())[None])
    assert not block_coded(tensor(ndimage.gaussian_filter(plain, 0.7))[None])


def test_a_sharp_photograph_and_a_smooth_ramp_are_no_jpeg():
    from skimage import data

    assert not block_coded(tensor(data.camera())[None])
    ramp = np.add.outer(np.arange(96.0), np.arange(96.0))
    assert not block_coded(tensor(ramp)[None])
    assert not block_coded(torch.zeros(1, 16, 16))


@FEW
@given(seed=st.integers(0, 99))
def test_hot_pixels_that_are_left_out_do_not_move_the_noise(seed):
    observed, rng = tensor(observation(seed=seed)), np.random.default_rng(seed)
    weights = torch.ones_like(observed)
    places = tuple(torch.from_numpy(rng.integers(0, n, 12)) for n in observed.shape)
    weights[places] = 0
    spoiled = observed.clone()
    spoiled[places] = torch.from_numpy(smooth_scene(observed.shape[1:], seed)).float()[places]
    assert read_noise(spoiled, weights).sigma == pytest.approx(read_noise(observed).sigma, rel=0.1)


@FEW
@given(seed=st.integers(0, 99))
def test_a_blank_frame_that_is_left_out_does_not_move_the_noise(seed):
    frames = torch.cat([tensor(observation((120, 110), seed + i)) for i in range(3)])
    together, weights = torch.cat([frames, torch.zeros_like(frames[:1])]), torch.ones(4, 120, 110)
    weights[3] = 0
    assert read_noise(together, weights).sigma == pytest.approx(read_noise(frames).sigma, rel=0.1)


@FEW
@given(seed=st.integers(0, 99), rows=st.integers(20, 100))
def test_a_region_that_is_left_out_does_not_move_the_noise(seed, rows):
    observed = observation((150, 140), seed)
    outside = np.zeros(observed.shape, bool)
    outside[:, :rows] = True
    spoiled = filled(np.where(outside, 0, observed).astype(np.float32), outside)
    found = read_noise(tensor(spoiled), tensor(~outside))
    assert found.sigma == pytest.approx(0.02, rel=0.15)


@given(shape=st.tuples(st.integers(1, 3), st.integers(20, 40), st.integers(20, 80)), seed=st.integers(0, 99))
def test_windows_of_white_noise_have_unit_power(shape, seed):
    patches = Patches.of(white_noise(shape, seed))
    assert float(patches.energy(patches.ring(0.25, 1.0)).mean()) == pytest.approx(1, abs=0.3)
    assert int(patches.frame.max()) == shape[0] - 1
    slope = torch.arange(shape[-1], dtype=torch.float64) * 7 + 100
    torch.testing.assert_close(Patches.of(white_noise(shape, seed) + slope).power, patches.power, atol=1e-8, rtol=1e-6)


def test_windows_where_data_are_missing_are_left_out():
    values, weights = white_noise((1, 64, 64), 0), torch.ones(1, 64, 64)
    weights[:, :32] = 0
    spoiled = torch.where(weights > 0, values, 1e6)
    assert float(Patches.of(spoiled, weights).power.max()) < 1e3


@pytest.mark.parametrize("gain", [0.0, 0.3])
def test_the_report_draws_variance_against_light_where_it_grows(gain):
    noise = Noise(2.0, torch.ones(()), gain=gain, dark=1.0)
    report = noise_report(noise, (10.0, 90.0))
    assert (report["growth"] is None) == (gain == 0)
    for light, variance in report["growth"] or []:
        assert variance == pytest.approx(1.0 + gain * light)
    assert not report["growth"] or (report["growth"][0][0], report["growth"][-1][0]) == (10, 90)
    assert ("grows by 0.3" in report["words"]) == (gain > 0)
    json.dumps(report, allow_nan=False)
