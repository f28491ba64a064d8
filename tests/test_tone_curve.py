"""Pictures whose grey levels follow the light by a curve, and pictures that were compressed."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from napari_blind_deconv import InputError, Settings, deconvolve
from napari_blind_deconv.forward import read_noise
from napari_blind_deconv.kernel_priors import Defocus
from napari_blind_deconv.kernel_priors.defocus import disk
from napari_blind_deconv.metrics.kernel import mnc
from napari_blind_deconv.pipeline.tone_curve import grey_of, light_of, steepness, white_of
from napari_blind_deconv.synthesis import blurred, cells

SETTINGS = Settings(kernel_prior=Defocus(), kernel_size=(11,), iterations=2, encoding="srgb")


@given(grey=st.lists(st.floats(-40, 400), min_size=1, max_size=20), white=st.sampled_from([1.0, 255.0, 65535.0]))
def test_the_curve_is_undone_rises_and_keeps_black_and_white(grey, white):
    values = np.array(grey) * white / 255
    np.testing.assert_allclose(grey_of(light_of(values, white), white), values, atol=1e-9 * white)
    assert (np.diff(light_of(np.sort(values), white)) >= 0).all()
    np.testing.assert_allclose(light_of(np.array([0.0, white]), white), [0.0, white])


def test_steepness_is_the_slope_of_the_curve():
    light = np.linspace(0.01, 1.2, 50)
    step = 1e-6
    slope = (grey_of(light + step, 1.0) - grey_of(light - step, 1.0)) / (2 * step)
    np.testing.assert_allclose(steepness(light, 1.0), slope, rtol=1e-4)


def picture(quality=None):
    """A sharp scene under a disk of radius 3, as a phone would store it."""
    kernel = disk(torch.tensor(3.0), (11, 11)).numpy()
    rng = np.random.default_rng(0)
    scene = cells((170, 186), rng)
    light = blurred(0.02 + 0.9 * scene / scene.max(), kernel)[0]
    light = light + 0.004 * rng.normal(size=light.shape)
    stored = (grey_of(light.clip(0, 1), 1.0) * 255 + 0.5).astype(np.uint8)
    if quality is not None:
        stream = io.BytesIO()
        Image.fromarray(stored).save(stream, "JPEG", quality=quality)
        stored = np.asarray(Image.open(stream))
    return stored, kernel


def test_a_picture_is_restored_as_its_light_and_given_back_as_a_picture():
    stored, _ = picture()
    plain = Settings(kernel_prior=Defocus(), kernel_size=(11,), iterations=2)
    light = deconvolve(light_of(stored.astype(np.float64), 255.0), plain)
    ours = deconvolve(stored, SETTINGS)
    np.testing.assert_allclose(ours.kernel, light.kernel, atol=1e-5)
    np.testing.assert_allclose(ours.image, grey_of(light.image.astype(np.float64), 255.0), atol=0.1)


@pytest.mark.parametrize("quality", [95, 75])
def test_a_compressed_picture_shows_its_psf_and_raises_no_alarm_by_its_compression(quality):
    stored, kernel = picture(quality)
    found = deconvolve(stored, SETTINGS)
    assert mnc(found.kernel, kernel) > 0.99
    verdicts = {check["check"]: check for check in found.report["trust"]}
    for name in ("residual_whiteness", "residual_local"):
        assert verdicts[name]["verdict"] == "ok"
        assert "lossy compression" in verdicts[name]["sentence"]


def test_compression_is_recognised():
    raw, _ = picture()
    packed, _ = picture(85)
    assert not read_noise(torch.from_numpy(raw[None].astype(np.float32))).compressed
    assert read_noise(torch.from_numpy(packed[None].astype(np.float32))).compressed


def test_where_white_lies_must_be_known():
    assert white_of(np.zeros(2, np.uint8)) == 255
    assert white_of(np.zeros(2, np.uint16)) == 65535
    assert white_of(np.array([0.0, 0.5])) == 1
    for image in (np.zeros(2, np.int16), np.array([0.0, 3.0]), np.array([-0.1, 1.0])):
        with pytest.raises(InputError, match=r"'srgb'.*choose encoding 'linear'"):
            white_of(image)
    with pytest.raises(ValueError, match="noise_sigma"):
        Settings(encoding="srgb", noise_sigma=2.0)
